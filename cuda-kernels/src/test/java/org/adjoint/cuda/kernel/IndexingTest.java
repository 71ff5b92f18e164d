package org.adjoint.cuda.kernel;

import static org.adjoint.cuda.kernel.StepFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.SearchSorted;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Gather and dynamic windows, against loops over logical elements. */
class IndexingTest {
    private static final Shape X = Shape.of(7, 5, 6);

    @BeforeAll
    static void open() {
        StepFixture.open();
    }

    @AfterAll
    static void close() {
        StepFixture.close();
    }

    /** Row-major position of the element of {@code shape} that {@code element} of {@code indices} picks. */
    static int picked(Shape shape, Shape indices, int axis, int element, int index) {
        int[] at = new int[3];
        for (int i = 2; i >= 0; i--) {
            at[i] = (int) (element % indices.extent(i));
            element /= (int) indices.extent(i);
        }
        at[axis] = index;
        return (int) ((at[0] * shape.extent(1) + at[1]) * shape.extent(2) + at[2]);
    }

    static double sample(DType dtype, long i) {
        return dtype.isFloating() ? random(1).applyAsDouble(i) : dtype.isBoolean() ? i & 1 : i * 37 % 256;
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void gatherPicksElements(DType dtype) {
        for (int axis = 0; axis < 3; axis++) {
            StepFixture fixture = new StepFixture();
            int extent = (int) X.extent(axis);
            Shape shape = Shape.of(4, 5, 3).with(axis, 9);
            View x = fixture.strided(dtype, X, new long[] {6, 50, -1}, 7, 260, i -> sample(dtype, i));
            View indices = fixture.strided(DType.I32, shape, new long[] {1, shape.extent(0), -5 * shape.extent(0)},
                5 * shape.extent(0) * (shape.extent(2) - 1), shape.elements() * 5, i -> i * 13 % extent);
            View y = fixture.output(dtype, shape);
            fixture.run(new Op.Gather(axis), List.of(x, indices), List.of(y));
            for (int i = 0; i < shape.elements(); i++) {
                int from = picked(X, shape, axis, i, (int) fixture.get(indices, i));
                assertEquals(fixture.get(x, from), fixture.get(y, i), "axis " + axis + ", element " + i);
            }
        }
    }

    /** Embedding: one index per row. Rows that start at multiples of 1 to 16 bytes, and where they do not. */
    @ParameterizedTest
    @CsvSource({"U8, 1, 0", "U8, 13, 0", "BOOL, 16, 1", "BF16, 207, 0", "BF16, 24, 0", "F32, 13, 0", "F32, 6, 0",
        "F32, 702, 2", "F32, 4098, 0", "I64, 12, 1", "F64, 5, 0"})
    void gatherCopiesRowsThatShareAnIndex(DType dtype, int width, int offset) {
        StepFixture fixture = new StepFixture();
        View table = fixture.strided(dtype, Shape.of(11, width), new long[] {width, 1}, offset, 11L * width + offset,
            i -> sample(dtype, i));
        View indices = fixture.strided(DType.I64, Shape.of(40, width), new long[] {1, 0}, 0, 40,
            i -> i / width * 7 % 11);
        View y = fixture.output(dtype, Shape.of(40, width));
        fixture.run(new Op.Gather(0), List.of(table, indices), List.of(y));
        for (int i = 0; i < 40 * width; i++) {
            assertEquals(fixture.get(table, i / width * 7L % 11 * width + i % width), fixture.get(y, i),
                "element " + i);
        }
    }

    @ParameterizedTest
    @CsvSource({"5", "-1", "2147483647"})
    void anIndexOutsideIsAnErrorThatNamesIt(long index) {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.of(2, 5), random(1));
        View indices = fixture.tensor(DType.I64, Shape.of(2, 3), 0, 1, 4, 3, index, 0);
        View y = fixture.output(DType.F32, Shape.of(2, 3));
        assertEquals("gather: index " + index + " at position (1, 1) is out of range for axis 1 with extent 5",
            assertThrows(IndexOutOfBoundsException.class,
                () -> fixture.run(new Op.Gather(1), List.of(x, indices), List.of(y))).getMessage());
        View wide = fixture.strided(DType.I64, Shape.of(2, 16), new long[] {1, 0}, 0, 2, i -> i < 16 ? 1 : index);
        View rows = fixture.tensor(DType.F32, Shape.of(5, 16), random(1));
        View picked = fixture.output(DType.F32, Shape.of(2, 16));
        assertEquals("gather: index " + index + " at position (1) is out of range for axis 0 with extent 5",
            assertThrows(IndexOutOfBoundsException.class,
                () -> fixture.run(new Op.Gather(0), List.of(rows, wide), List.of(picked))).getMessage());
    }

    /** With what a window covers whole at the end, and without, so that elements are moved at once and one by one. */
    @ParameterizedTest
    @CsvSource({"1, 2, 3", "4, 1, 6", "7, 5, 6", "0, 3, 6"})
    void windowsAreReadAndWritten(int a, int b, int c) {
        Shape window = Shape.of(a, b, c);
        long[] corner = {7 - a, (5 - b) / 2, 6 - c};
        for (DType dtype : DType.values()) {
            StepFixture fixture = new StepFixture();
            View x = fixture.strided(dtype, X, new long[] {-6, 50, 1}, 3 + 36, 260, i -> sample(dtype, i));
            View starts = fixture.strided(DType.I64, Shape.of(3), new long[] {2}, 1, 6, i -> corner[(int) i]);
            View y = fixture.output(dtype, window);
            fixture.run(new Op.DynamicSlice(window), List.of(x, starts), List.of(y));
            View update = fixture.strided(dtype, window, new long[] {1, 7, 40}, 0, 300, i -> sample(dtype, i + 555));
            View whole = fixture.tensor(dtype, X, i -> fixture.get(x, i));
            View updated = fixture.output(dtype, X);
            fixture.run(new Op.DynamicUpdateSlice(), List.of(whole, update, starts), List.of(updated));
            double[] expected = fixture.values(x);
            for (int i = 0; i < window.elements(); i++) {
                int at = (int) (((i / (b * c) + corner[0]) * 5 + i / c % b + corner[1]) * 6 + i % c + corner[2]);
                assertEquals(expected[at], fixture.get(y, i), dtype + ", element " + i);
                expected[at] = fixture.get(update, i);
            }
            assertArrayEquals(expected, fixture.values(updated));
        }
    }

    @Test
    void aWindowInPlaceLeavesTheRest() {
        StepFixture fixture = new StepFixture();
        View cache = fixture.tensor(DType.F32, Shape.of(10, 4), i -> i);
        View update = fixture.tensor(DType.F32, Shape.of(2, 4), i -> -i);
        View starts = fixture.tensor(DType.I64, Shape.of(2), 8, 0);
        fixture.run(new Op.DynamicUpdateSlice(), List.of(cache, update, starts), List.of(cache));
        for (int i = 0; i < 40; i++) {
            assertEquals(i < 32 ? i : 32 - i, fixture.get(cache, i));
        }
    }

    @ParameterizedTest
    @CsvSource({"9, 0, start 9 of axis 0 is outside 0 to 8", "0, -1, start -1 of axis 1 is outside 0 to 1"})
    void aWindowOutsideIsAnErrorThatNamesTheStart(long row, long column, String message) {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.of(10, 4), i -> i);
        View starts = fixture.tensor(DType.I64, Shape.of(2), row, column);
        View window = fixture.tensor(DType.F32, Shape.of(2, 3), i -> -1);
        View read = fixture.output(DType.F32, Shape.of(2, 3));
        String where = ": a window (2, 3) at [" + row + ", " + column + "] does not lie in (10, 4): " + message;
        assertEquals("dynamicSlice" + where, assertThrows(IndexOutOfBoundsException.class, () -> fixture.run(
            new Op.DynamicSlice(Shape.of(2, 3)), List.of(x, starts), List.of(read))).getMessage());
        assertEquals("dynamicUpdateSlice" + where, assertThrows(IndexOutOfBoundsException.class, () -> fixture.run(
            new Op.DynamicUpdateSlice(), List.of(x, window, starts), List.of(x))).getMessage());
        for (int i = 0; i < 40; i++) {
            assertEquals(i, fixture.get(x, i));
        }
    }

    @Test
    void aScalarHasOneWindow() {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.SCALAR, 3);
        View starts = fixture.tensor(DType.I64, Shape.of(0));
        View y = fixture.output(DType.F32, Shape.SCALAR);
        fixture.run(new Op.DynamicSlice(Shape.SCALAR), List.of(x, starts), List.of(y));
        assertEquals(3, fixture.get(y, 0));
    }

    /** More elements than 32 bits count, all the same one. */
    @Test
    void longSequencesAreSearched() {
        StepFixture fixture = new StepFixture();
        long length = 1L << 33;
        View sorted = fixture.strided(DType.F32, Shape.of(1), new long[] {0}, 0, 1, _ -> 5);
        View sequence = new View(sorted.slot(), DType.F32, Shape.of(length), new long[] {0}, 0);
        View values = fixture.tensor(DType.F32, Shape.of(3), 4, 5, 6);
        View y = fixture.output(DType.I64, Shape.of(3));
        fixture.run(new SearchSorted(true), List.of(sequence, values), List.of(y));
        assertEquals(List.of(0.0, (double) length, (double) length),
            List.of(fixture.get(y, 0), fixture.get(y, 1), fixture.get(y, 2)));
        fixture.run(new SearchSorted(false), List.of(sequence, values), List.of(y));
        assertEquals(List.of(0.0, 0.0, (double) length),
            List.of(fixture.get(y, 0), fixture.get(y, 1), fixture.get(y, 2)));
    }
}

package org.adjoint.cpu.kernel;

import static org.adjoint.cpu.StepFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.function.LongUnaryOperator;
import org.adjoint.cpu.StepFixture;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Gather, scatter, scatterAdd and dynamic windows, against loops over logical elements. */
class IndexingTest {
    private static final Shape X = Shape.of(7, 5, 6);

    /** Row-major position of the element of {@code shape} that {@code element} of {@code indices} picks. */
    private static int picked(Shape shape, Shape indices, int axis, int element, int index) {
        int[] at = new int[3];
        for (int i = 2; i >= 0; i--) {
            at[i] = (int) (element % indices.extent(i));
            element /= (int) indices.extent(i);
        }
        at[axis] = index;
        return (int) ((at[0] * shape.extent(1) + at[1]) * shape.extent(2) + at[2]);
    }

    private static double sample(DType dtype, long i) {
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
            View indices = fixture.tensor(DType.I32, shape, i -> i * 13 % extent);
            View y = fixture.output(dtype, shape);
            fixture.run(new Op.Gather(axis), List.of(x, indices), List.of(y), 256, 2);
            for (int i = 0; i < shape.elements(); i++) {
                int from = picked(X, shape, axis, i, (int) fixture.get(indices, i));
                assertEquals(fixture.get(x, from), fixture.get(y, i), "axis " + axis + ", element " + i);
            }
        }
    }

    /** Embedding: one index per row, rows of 1, 13, 207 and 4098 elements. */
    @ParameterizedTest
    @CsvSource({"1", "13", "207", "4098"})
    void gatherCopiesRowsThatShareAnIndex(int width) {
        StepFixture fixture = new StepFixture();
        View table = fixture.tensor(DType.F32, Shape.of(11, width), i -> i);
        View indices = fixture.strided(DType.I64, Shape.of(40, width), new long[] {1, 0}, 0, 40,
            i -> i / width * 7 % 11);
        View y = fixture.output(DType.F32, Shape.of(40, width));
        fixture.run(new Op.Gather(0), List.of(table, indices), List.of(y), 256, 2);
        for (int i = 0; i < 40 * width; i++) {
            assertEquals(i / width * 7 % 11 * width + i % width, fixture.get(y, i), "element " + i);
        }
    }

    /** A view of the indices that depends on one axis alone. */
    private static View list(StepFixture fixture, Shape shape, int axis, LongUnaryOperator index) {
        long[] strides = new long[3];
        strides[axis] = 1;
        long inner = shape.elements();
        for (int i = 0; i <= axis; i++) {
            inner /= shape.extent(i);
        }
        long behind = inner;
        return fixture.strided(DType.I64, shape, strides, 0, shape.extent(axis),
            i -> index.applyAsLong(i / behind % shape.extent(axis)));
    }

    /** Resampling: the same indices for all lines along an axis, of an x that is longer along the others. */
    @ParameterizedTest
    @EnumSource(DType.class)
    void gatherPicksAListFromEachLine(DType dtype) {
        for (int axis = 0; axis < 3; axis++) {
            StepFixture fixture = new StepFixture();
            Shape all = Shape.of(20, 6, 13);
            int extent = (int) all.extent(axis);
            Shape shape = Shape.of(18, 5, 10).with(axis, 37);
            View x = fixture.tensor(dtype, all, i -> sample(dtype, i));
            View indices = list(fixture, shape, axis, i -> i * i * 5 % extent);
            View y = fixture.output(dtype, shape);
            fixture.runEverywhere(new Op.Gather(axis), List.of(x, indices), List.of(y));
            for (int i = 0; i < shape.elements(); i++) {
                int from = picked(all, shape, axis, i, (int) fixture.get(indices, i));
                assertEquals(fixture.get(x, from), fixture.get(y, i), "axis " + axis + ", element " + i);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = "BOOL", mode = EnumSource.Mode.EXCLUDE)
    void scatterAddOfAListSumsInOrder(DType dtype) {
        for (int axis = 0; axis < 3; axis++) {
            StepFixture fixture = new StepFixture();
            Shape all = Shape.of(20, 6, 13);
            int extent = (int) all.extent(axis);
            Shape shape = Shape.of(18, 5, 13).with(axis, 37);
            View x = fixture.tensor(dtype, all, i -> sample(dtype, i));
            View indices = list(fixture, shape, axis, i -> i * i * 5 / 3 % extent);
            View updates = fixture.tensor(dtype, shape, i -> sample(dtype, i + 999));
            View y = fixture.output(dtype, all);
            double[] expected = scatter(fixture, x, indices, updates, axis);
            fixture.runEverywhere(new Op.ScatterAdd(axis), List.of(x, indices, updates), List.of(y));
            assertArrayEquals(expected, fixture.values(y), "axis " + axis);
            fixture.run(new Op.ScatterAdd(axis), List.of(x, indices, updates), List.of(x), 256, 2);
            assertArrayEquals(expected, fixture.values(x), "in place, axis " + axis);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, '(0, 3)', 6", "2, '(0, 0, 3)', 13"})
    void aBadIndexInAListReplacesNothing(int axis, String position, long extent) {
        StepFixture fixture = new StepFixture();
        Shape all = Shape.of(20, 6, 13);
        Shape shape = all.with(axis, 5);
        View x = fixture.tensor(DType.F32, all, i -> i);
        View indices = list(fixture, shape, axis, i -> i == 3 ? 99 : 0);
        View updates = fixture.tensor(DType.F32, shape, i -> 1);
        String where = "index 99 at position " + position + " is out of range for axis " + axis
            + " with extent " + extent;
        assertEquals("scatterAdd: " + where, assertThrows(IndexOutOfBoundsException.class, () -> fixture.run(
            new Op.ScatterAdd(axis), List.of(x, indices, updates), List.of(x), 256, 2)).getMessage());
        assertArrayEquals(fixture.values(fixture.tensor(DType.F32, all, i -> i)), fixture.values(x));
        assertEquals("gather: " + where, assertThrows(IndexOutOfBoundsException.class, () -> fixture.run(
            new Op.Gather(axis), List.of(x, indices), List.of(updates), 256, 2)).getMessage());
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
                () -> fixture.run(new Op.Gather(1), List.of(x, indices), List.of(y), 0, 2)).getMessage());
        View sum = fixture.output(DType.F32, Shape.of(2, 5));
        assertEquals("scatterAdd: index " + index + " at position (1, 1) is out of range for axis 1 with extent 5",
            assertThrows(IndexOutOfBoundsException.class,
                () -> fixture.run(new Op.ScatterAdd(1), List.of(x, indices, y), List.of(sum), 0, 2)).getMessage());
        View wide = fixture.strided(DType.I64, Shape.of(2, 16), new long[] {1, 0}, 0, 2, i -> i < 16 ? 1 : index);
        View rows = fixture.tensor(DType.F32, Shape.of(5, 16), random(1));
        View sums = fixture.output(DType.F32, Shape.of(5, 16));
        assertEquals("scatterAdd: index " + index + " at position (1) is out of range for axis 0 with extent 5",
            assertThrows(IndexOutOfBoundsException.class, () -> fixture.run(new Op.ScatterAdd(0),
                List.of(rows, wide, fixture.tensor(DType.F32, Shape.of(2, 16), random(2))), List.of(sums), 0, 2))
                .getMessage());
    }

    /** Adds in row-major order of the indices, in the dtype's arithmetic, rounding 16-bit sums once. */
    private static double[] scatter(StepFixture fixture, View x, View indices, View updates, int axis) {
        double[] sums = fixture.values(x);
        for (int i = 0; i < indices.shape().elements(); i++) {
            int to = picked(x.shape(), indices.shape(), axis, i, (int) fixture.get(indices, i));
            double sum = sums[to] + fixture.get(updates, i);
            sums[to] = x.dtype() == DType.F64 ? sum : x.dtype().isFloating() ? (float) sum
                : x.dtype() == DType.U8 ? (long) sum & 0xff : sum;
        }
        for (int i = 0; i < sums.length && x.dtype().isHalf(); i++) {
            sums[i] = Halves.round(x.dtype(), sums[i]);
        }
        return sums;
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = "BOOL", mode = EnumSource.Mode.EXCLUDE)
    void scatterAddSumsInOrder(DType dtype) {
        for (int axis = 0; axis < 3; axis++) {
            StepFixture fixture = new StepFixture();
            int extent = (int) X.extent(axis);
            Shape shape = Shape.of(4, 5, 3).with(axis, 40);
            View x = fixture.strided(dtype, X, new long[] {6, 50, -1}, 7, 260, i -> sample(dtype, i));
            View indices = fixture.tensor(DType.I64, shape, i -> i * i * 13 % extent);
            long first = shape.extent(0);
            View updates = fixture.strided(dtype, shape, new long[] {1, first, first * shape.extent(1)}, 0,
                shape.elements(), i -> sample(dtype, i + 999));
            View y = fixture.output(dtype, X);
            fixture.runEverywhere(new Op.ScatterAdd(axis), List.of(x, indices, updates), List.of(y));
            assertArrayEquals(scatter(fixture, x, indices, updates, axis), fixture.values(y), "axis " + axis);
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, 13", "F32, 207", "BF16, 64", "F16, 1025", "F64, 4098", "I32, 32"})
    void scatterAddOfRowsSumsInOrder(DType dtype, int width) {
        StepFixture fixture = new StepFixture();
        Shape table = Shape.of(11, 1, width);
        View x = fixture.tensor(dtype, table, i -> sample(dtype, i));
        View indices = fixture.strided(DType.I32, Shape.of(200, 1, width), new long[] {1, 1, 0}, 0, 200,
            i -> i / width * (i / width) % 9);
        View updates = fixture.tensor(dtype, Shape.of(200, 1, width), i -> sample(dtype, i + 999));
        View y = fixture.output(dtype, table);
        double[] expected = scatter(fixture, x, indices, updates, 0);
        fixture.runEverywhere(new Op.ScatterAdd(0), List.of(x, indices, updates), List.of(y));
        assertArrayEquals(expected, fixture.values(y));
        // In place: the output is x itself, which must not be overwritten first.
        fixture.run(new Op.ScatterAdd(0), List.of(x, indices, updates), List.of(x), 256, 2);
        assertArrayEquals(expected, fixture.values(x));
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void scatterLeavesTheLastUpdate(DType dtype) {
        for (int axis = 0; axis < 3; axis++) {
            StepFixture fixture = new StepFixture();
            int extent = (int) X.extent(axis);
            Shape shape = Shape.of(4, 5, 3).with(axis, 40);
            View x = fixture.strided(dtype, X, new long[] {6, 50, -1}, 7, 260, i -> sample(dtype, i));
            View indices = fixture.tensor(DType.I64, shape, i -> i * i * 13 % extent);
            long first = shape.extent(0);
            View updates = fixture.strided(dtype, shape, new long[] {1, first, first * shape.extent(1)}, 0,
                shape.elements(), i -> sample(dtype, i + 999));
            View y = fixture.output(dtype, X);
            fixture.runEverywhere(new Op.Scatter(axis), List.of(x, indices, updates), List.of(y));
            assertArrayEquals(replace(fixture, x, indices, updates, axis), fixture.values(y), "axis " + axis);
        }
    }

    private static double[] replace(StepFixture fixture, View x, View indices, View updates, int axis) {
        double[] expected = fixture.values(x);
        for (int i = 0; i < indices.shape().elements(); i++) {
            expected[picked(x.shape(), indices.shape(), axis, i, (int) fixture.get(indices, i))] = fixture.get(updates, i);
        }
        return expected;
    }

    /** Rows that share an index, cut into columns where they are long; out of place, then in place. */
    @ParameterizedTest
    @CsvSource({"F32, 2", "BF16, 207", "F64, 4098", "U8, 70001"})
    void scatterOfRowsLeavesTheLastUpdate(DType dtype, int width) {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(dtype, Shape.of(11, 1, width), i -> sample(dtype, i));
        View indices = fixture.strided(DType.I32, Shape.of(20, 1, width), new long[] {1, 1, 0}, 0, 20,
            i -> i / width * (i / width) % 9);
        View updates = fixture.tensor(dtype, Shape.of(20, 1, width), i -> sample(dtype, i + 999));
        View y = fixture.output(dtype, Shape.of(11, 1, width));
        double[] expected = replace(fixture, x, indices, updates, 0);
        fixture.runEverywhere(new Op.Scatter(0), List.of(x, indices, updates), List.of(y));
        assertArrayEquals(expected, fixture.values(y));
        fixture.run(new Op.Scatter(0), List.of(x, indices, updates), List.of(x), 256, 2);
        assertArrayEquals(expected, fixture.values(x));
    }

    @Test
    void aBadIndexReplacesNothing() {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.of(3), 1, 2, 3);
        View indices = fixture.tensor(DType.I64, Shape.of(3), 0, 1, 3);
        View updates = fixture.tensor(DType.F32, Shape.of(3), 4, 5, 6);
        assertEquals("scatter: index 3 at position (2) is out of range for axis 0 with extent 3",
            assertThrows(IndexOutOfBoundsException.class,
                () -> fixture.run(new Op.Scatter(0), List.of(x, indices, updates), List.of(x), 0, 2)).getMessage());
        assertArrayEquals(new double[] {1, 2, 3}, fixture.values(x));
    }

    @Test
    void nothingToPickOrToAdd() {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.of(3, 20), random(1));
        View none = fixture.tensor(DType.I32, Shape.of(0, 20), i -> 0);
        View nothing = fixture.output(DType.F32, Shape.of(0, 20));
        View y = fixture.output(DType.F32, Shape.of(3, 20));
        fixture.run(new Op.Gather(0), List.of(x, none), List.of(nothing), 0, 2);
        fixture.run(new Op.ScatterAdd(0), List.of(x, none, nothing), List.of(y), 0, 2);
        assertArrayEquals(fixture.values(x), fixture.values(y));
        View copy = fixture.output(DType.F32, Shape.of(3, 20));
        fixture.run(new Op.Scatter(0), List.of(x, none, nothing), List.of(copy), 0, 2);
        assertArrayEquals(fixture.values(x), fixture.values(copy));
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void windowsAreReadAndWritten(DType dtype) {
        StepFixture fixture = new StepFixture();
        View x = fixture.strided(dtype, X, new long[] {6, 50, 1}, 3, 260, i -> sample(dtype, i));
        View starts = fixture.strided(DType.I64, Shape.of(3), new long[] {2}, 1, 6, i -> i + 1);
        Shape window = Shape.of(3, 2, 3);
        View y = fixture.output(dtype, window);
        fixture.run(new Op.DynamicSlice(window), List.of(x, starts), List.of(y), 256, 2);
        View update = fixture.tensor(dtype, window, i -> sample(dtype, i + 555));
        View updated = fixture.output(dtype, X);
        fixture.run(new Op.DynamicUpdateSlice(), List.of(x, update, starts), List.of(updated), 256, 2);
        double[] expected = fixture.values(x);
        for (int i = 0; i < window.elements(); i++) {
            int at = ((i / 6 + 1) * 5 + i / 3 % 2 + 2) * 6 + i % 3 + 3;
            assertEquals(expected[at], fixture.get(y, i), "element " + i);
            expected[at] = fixture.get(update, i);
        }
        assertArrayEquals(expected, fixture.values(updated));
    }

    @Test
    void aWindowInPlaceLeavesTheRest() {
        StepFixture fixture = new StepFixture();
        View cache = fixture.tensor(DType.F32, Shape.of(10, 4), i -> i);
        View update = fixture.tensor(DType.F32, Shape.of(2, 4), i -> -i);
        View starts = fixture.tensor(DType.I64, Shape.of(2), 8, 0);
        fixture.run(new Op.DynamicUpdateSlice(), List.of(cache, update, starts), List.of(cache), 256, 2);
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
        String where = ": a window (2, 3) at [" + row + ", " + column + "] does not lie in (10, 4): " + message;
        assertEquals("dynamicSlice" + where, assertThrows(IndexOutOfBoundsException.class, () -> fixture.run(
            new Op.DynamicSlice(Shape.of(2, 3)), List.of(x, starts), List.of(window), 0, 1)).getMessage());
        assertEquals("dynamicUpdateSlice" + where, assertThrows(IndexOutOfBoundsException.class, () -> fixture.run(
            new Op.DynamicUpdateSlice(), List.of(x, window, starts), List.of(x), 0, 1)).getMessage());
        assertEquals(0, fixture.get(x, 0));
    }

    @Test
    void aScalarHasOneWindow() {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.SCALAR, 3);
        View starts = fixture.tensor(DType.I64, Shape.of(0));
        View y = fixture.output(DType.F32, Shape.SCALAR);
        fixture.run(new Op.DynamicSlice(Shape.SCALAR), List.of(x, starts), List.of(y), 0, 1);
        assertEquals(3, fixture.get(y, 0));
    }
}

package org.adjoint.cuda.kernel;

import static org.adjoint.cuda.kernel.StepFixture.random;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Against a stable sort of boxed numbers. */
class ArgSortTest {
    @BeforeAll
    static void open() {
        StepFixture.open();
    }

    @AfterAll
    static void close() {
        StepFixture.close();
    }

    private static <T extends Comparable<T>> void check(StepFixture fixture, View x, int axis, boolean descending,
        IntFunction<T> value) {
        View y = fixture.output(DType.I64, x.shape());
        fixture.run(new Op.ArgSort(axis, descending), List.of(x), List.of(y));
        int extent = (int) x.shape().extent(axis);
        int inner = (int) x.shape().contiguousStrides()[axis];
        Comparator<T> order = descending ? Comparator.reverseOrder() : Comparator.naturalOrder();
        for (int line = 0; line < x.shape().elements() / extent; line++) {
            int first = line / inner * inner * extent + line % inner;
            List<Integer> expected = IntStream.range(0, extent).boxed()
                .sorted(Comparator.comparing(i -> value.apply(first + i * inner), order)).toList();
            for (int i = 0; i < extent; i++) {
                assertEquals(expected.get(i), (int) fixture.get(y, first + i * inner),
                    x + ", axis " + axis + ", line " + line + ", place " + i);
            }
        }
    }

    /** NaN is the greatest for {@link Double#compareTo} too; zeros tie. */
    private static void check(StepFixture fixture, View x, int axis, boolean descending) {
        check(fixture, x, axis, descending, i -> fixture.get(x, i) + 0.0);
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void linesOfViewsAreSortedWithTiesInOrder(DType dtype) {
        for (int axis = 0; axis < 3; axis++) {
            StepFixture fixture = new StepFixture();
            View x = fixture.strided(dtype, Shape.of(3, 41, 5), new long[] {1, 3, -123}, 492, 615, i -> dtype.isBoolean()
                ? i & 1 : Math.floor((random(7).applyAsDouble(i) + (dtype == DType.U8 ? 1 : 0)) * 9));
            check(fixture, x, axis, axis == 1);
        }
    }

    /** One to a block, several to a block, and longer than a block takes: one line, and lines side by side. */
    @ParameterizedTest
    @CsvSource({"F32, 1, 1024, 300", "U8, 3, 512, 99", "I64, 1000, 1, 9", "F32, 1, 1025, 300", "BF16, 3, 1100, 40",
        "BOOL, 2, 3000, 2", "F64, 2, 2500, 100"})
    void linesOfAnyLength(DType dtype, int lines, int extent, int distinct) {
        StepFixture fixture = new StepFixture();
        SplittableRandom random = new SplittableRandom(5);
        check(fixture, fixture.tensor(dtype, Shape.of(lines, extent), i -> random.nextInt(distinct)), 1, lines == 3);
        check(fixture, fixture.tensor(dtype, Shape.of(extent, lines), i -> random.nextInt(distinct)), 0, lines == 2);
    }

    @ParameterizedTest
    @CsvSource({"F16, 8", "BF16, 8", "F32, 8", "F64, 8", "F32, 1032"})
    void specialValuesAreInOrder(DType dtype, int extent) {
        double nan = Double.NaN;
        double infinity = Double.POSITIVE_INFINITY;
        double[] values = {1, nan, -0.0, infinity, 0, -nan, -infinity, -0.0, -1, -2, 3e-8, -3e-8, 0.5, -0.0, 0, 1};
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(dtype, Shape.of(2, extent), i -> values[(int) i % 16]);
        check(fixture, x, 1, false);
        check(fixture, x, 1, true);
    }

    @Test
    void integersOf64BitsAreToldApartInAllBits() {
        StepFixture fixture = new StepFixture();
        int n = 515;
        View x = fixture.tensor(DType.I64, Shape.of(n), i -> 0);
        SplittableRandom random = new SplittableRandom(3);
        long[] values = new long[n];
        for (int i = 0; i < n; i++) {
            // Pairs that differ in one bit, wherever it is.
            values[i] = i % 2 == 0 ? random.nextLong() : values[i - 1] ^ 1L << random.nextInt(Long.SIZE);
            fixture.setLong(x, i, values[i]);
        }
        check(fixture, x, 0, false, i -> values[i]);
        check(fixture, x, 0, true, i -> values[i]);
    }
}

package org.adjoint.cpu.kernel;

import static org.adjoint.cpu.StepFixture.random;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.adjoint.cpu.StepFixture;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Against a stable sort of boxed numbers. */
class ArgSortTest {
    private static <T extends Comparable<T>> void check(StepFixture fixture, View x, int axis, IntFunction<T> value) {
        int extent = (int) x.shape().extent(axis);
        int inner = 1;
        for (int i = axis + 1; i < x.shape().rank(); i++) {
            inner *= (int) x.shape().extent(i);
        }
        for (boolean descending : new boolean[] {false, true}) {
            View y = fixture.output(DType.I64, x.shape());
            Comparator<T> order = descending ? Comparator.reverseOrder() : Comparator.naturalOrder();
            for (int threads = 1; threads <= 2; threads++) {
                fixture.run(new Op.ArgSort(axis, descending), List.of(x), List.of(y), 256, threads);
                for (int line = 0; line < x.shape().elements() / extent; line++) {
                    int first = line / inner * inner * extent + line % inner;
                    int step = inner;
                    List<Integer> expected = IntStream.range(0, extent).boxed()
                        .sorted(Comparator.comparing(i -> value.apply(first + i * step), order)).toList();
                    for (int i = 0; i < extent; i++) {
                        assertEquals(expected.get(i), (int) fixture.get(y, first + i * inner),
                            x + ", axis " + axis + ", line " + line + ", place " + i);
                    }
                }
            }
        }
    }

    /** NaN is the greatest for {@link Double#compareTo} too; zeros tie. */
    private static void check(StepFixture fixture, View x, int axis) {
        check(fixture, x, axis, i -> fixture.get(x, i) + 0.0);
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void linesOfViewsAreSortedWithTiesInOrder(DType dtype) {
        for (int axis = 0; axis < 3; axis++) {
            StepFixture fixture = new StepFixture();
            check(fixture, fixture.strided(dtype, Shape.of(3, 41, 5), new long[] {1, 3, -123}, 492, 615,
                i -> dtype.isBoolean() ? i & 1 : Math.floor((random(7).applyAsDouble(i) + (dtype == DType.U8 ? 1 : 0)) * 9)),
                axis);
        }
    }

    /** Lines that several threads sort by blocks and merge, and bytes that are counted. */
    @ParameterizedTest
    @CsvSource({"F32, 32769, 1000000", "F32, 100003, 50", "I64, 98304, 1000000", "F64, 70001, 1000", "BF16, 163841, 9",
        "U8, 40000, 128"})
    void longLines(DType dtype, int extent, int distinct) {
        StepFixture fixture = new StepFixture();
        SplittableRandom random = new SplittableRandom(5);
        check(fixture, fixture.tensor(dtype, Shape.of(extent), i -> random.nextInt(-distinct, distinct)
            + (dtype.bytes() == 1 ? distinct : 0)), 0);
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F16", "BF16", "F32", "F64"})
    void specialValuesAreInOrder(DType dtype) {
        double nan = Double.NaN;
        double infinity = Double.POSITIVE_INFINITY;
        StepFixture fixture = new StepFixture();
        check(fixture, fixture.tensor(dtype, Shape.of(2, 8), 1, nan, -0.0, infinity, 0, -nan, -infinity, -0.0,
            -1, -2, 3e-8, -3e-8, 0.5, -0.0, 0, 1), 1);
        View x = fixture.tensor(dtype, Shape.of(3), 1, nan, nan);
        View y = fixture.output(DType.I64, Shape.of(3));
        // A NaN with its sign bit set is like any other.
        fixture.setBits(x, 1, -1);
        fixture.run(new Op.ArgSort(0, true), List.of(x), List.of(y), 256, 1);
        assertEquals(List.of(1.0, 2.0, 0.0), List.of(fixture.get(y, 0), fixture.get(y, 1), fixture.get(y, 2)));
    }

    @Test
    void integersOf64BitsAreToldApartInAllBits() {
        StepFixture fixture = new StepFixture();
        int n = 4099;
        View x = fixture.tensor(DType.I64, Shape.of(n), i -> 0);
        SplittableRandom random = new SplittableRandom(3);
        long[] values = new long[n];
        for (int i = 0; i < n; i++) {
            // Pairs that differ in one bit, wherever it is.
            values[i] = i % 2 == 0 ? random.nextLong() : values[i - 1] ^ 1L << random.nextInt(Long.SIZE);
            fixture.setLong(x, i, values[i]);
        }
        check(fixture, x, 0, i -> values[i]);
    }
}

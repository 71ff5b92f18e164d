package org.adjoint.cuda.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.Test;

class AxesTest {
    private static long[] fields(Axes axes, int count) {
        long[] values = ((Argument.Int64s) axes.argument()).values();
        assertEquals(65, values.length);
        long[] fields = new long[1 + 3 * count];
        fields[0] = values[0];
        for (int i = 0; i < 3; i++) {
            System.arraycopy(values, 1 + 16 * i, fields, 1 + count * i, count);
        }
        return fields;
    }

    @Test
    void axesAreMergedWhereBothTensorsAllowIt() {
        assertArrayEquals(new long[] {1, 24, 1, 2},
            fields(Axes.of("op", new long[] {2, 1, 3, 4}, new long[] {12, 99, 4, 1}, new long[] {24, 99, 8, 2}), 1));
        assertArrayEquals(new long[] {2, 2, 12, 12, 1, 0, 1},
            fields(Axes.of("op", new long[] {2, 3, 4}, new long[] {12, 4, 1}, new long[] {0, 4, 1}), 2));
        assertArrayEquals(new long[] {0}, fields(Axes.of("op", new long[] {1, 1}, new long[] {3, 7}), 0));
    }

    /** As {@code divisor.cuh} has it. */
    private static long quotient(long point, long divisor) {
        return (point * (divisor & 0xffffffffL) >>> 32) >>> (divisor >> 32);
    }

    @Test
    void pointsAreDividedByMultiplication() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 100_000; i++) {
            long extent = i < 1000 ? 2 + i : 2 + (random.nextInt(Integer.MAX_VALUE - 1) >> random.nextInt(30));
            long multiple = Integer.MAX_VALUE / extent * extent;
            long[] points = {0, extent - 1, extent, multiple - 1, multiple, Integer.MAX_VALUE,
                random.nextInt(Integer.MAX_VALUE)};
            for (long point : points) {
                assertEquals(point / extent, quotient(point, Divisor.of(extent)), point + " / " + extent);
            }
        }
    }

    @Test
    void manyPointsAreDividedIn64Bits() {
        long[] strides = {0, 1};
        Argument.Int64s narrow = (Argument.Int64s) Axes.of("op", new long[] {1L << 28, 7}, strides).argument();
        assertEquals(Divisor.of(7), narrow.values()[50]);
        Argument.Int64s wide = (Argument.Int64s) Axes.of("op", new long[] {1L << 29, 7}, strides).argument();
        assertEquals(0, wide.values()[50]);
    }

    @Test
    void tooManyAxesAreRefused() {
        long[] extents = new long[17];
        long[] strides = new long[17];
        Arrays.fill(extents, 2);
        Arrays.setAll(strides, i -> 1L << i);
        assertEquals("op: the cuda device takes tensors of up to 16 axes that can't be merged, not of shape "
            + Shape.of(extents) + ": reshape them",
            assertThrows(IllegalArgumentException.class, () -> Axes.of("op", extents, strides)).getMessage());
    }

    @Test
    void theUnitDividesEveryDistance() {
        assertEquals(16, Axes.unit(0, 48, -32));
        assertEquals(8, Axes.unit(16, 24, 4096));
        assertEquals(2, Axes.unit(64, -6));
        assertEquals(1, Axes.unit(7, 16));
    }
}

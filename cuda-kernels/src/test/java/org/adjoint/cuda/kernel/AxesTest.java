package org.adjoint.cuda.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.Test;

class AxesTest {
    private static long[] fields(Axes axes, int count) {
        long[] values = ((Argument.Int64s) axes.argument()).values();
        assertEquals(49, values.length);
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

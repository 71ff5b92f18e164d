package org.adjoint.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Elements put a few times in a row, against a loop. */
class RepeatTest {
    private static final int ROWS = 5;

    @ParameterizedTest
    @EnumSource(DType.class)
    void eachElementAFewTimes(DType dtype) {
        try (Device device = Device.open("cpu", Map.of("threads", "2"))) {
            for (int width : new int[] {1, 13, 207, 4098}) {
                double[] values = new Random(1).ints((long) ROWS * width, 0, dtype.isBoolean() ? 2 : 200)
                    .asDoubleStream().toArray();
                Tensor x = device.tensor(values, ROWS, width).to(dtype).realize();
                for (int times : new int[] {1, 2, 3, 64, 65}) {
                    // All but the first row and column: lines that do not follow one another.
                    Tensor y = x.slice(0, 1, ROWS).slice(1, width / 13, width).repeatInterleave(1, times);
                    int first = width / 13;
                    assertEquals((long) (width - first) * times, y.shape().extent(1));
                    double[] expected = new double[(ROWS - 1) * (width - first) * times];
                    for (int i = 0; i < expected.length; i++) {
                        int row = 1 + i / times / (width - first);
                        expected[i] = values[row * width + first + i / times % (width - first)];
                    }
                    assertArrayEquals(expected, y.toDoubleArray(), dtype + " " + width + " times " + times);
                }
            }
        }
    }

    /** A copy repeats bits, whatever number they are. */
    @Test
    void signsOfZeroAndNaNsStay() {
        try (Device device = Device.open("cpu")) {
            float[] x = {-0f, Float.NaN, Float.NEGATIVE_INFINITY, Float.MIN_VALUE};
            assertArrayEquals(new float[] {-0f, -0f, Float.NaN, Float.NaN, Float.NEGATIVE_INFINITY,
                Float.NEGATIVE_INFINITY, Float.MIN_VALUE, Float.MIN_VALUE},
                device.tensor(x, 4).repeatInterleave(0, 2).toFloatArray());
        }
    }
}

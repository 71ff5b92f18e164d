package org.adjoint.cpu.group;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.UnaryOp;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Row kernels against loops that spell out the order of operations. */
class RowKernelsTest {
    private static final int[] SIZES = {0, 1, 7, 15, 16, 17, 63, 100, 1023, 1024, 1025, 2500};

    private static float[] floats(int n, long seed) {
        Random random = new Random(seed);
        float[] values = new float[n + 3];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static double[] doubles(int n, long seed) {
        Random random = new Random(seed);
        double[] values = new double[n + 3];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextGaussian();
        }
        return values;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 128, 256, 512})
    void floatRows(int widthBits) {
        RowKernels rows = new GeneratedRows(widthBits, null);
        for (int n : SIZES) {
            float[] a = floats(n, 1);
            float[] b = floats(n, 2);
            float sum = 0;
            float dot = 0;
            float squares = 0;
            float max = Float.NEGATIVE_INFINITY;
            for (int chunk = 0; chunk < n; chunk += RowKernels.CHUNK) {
                float[][] lanes = new float[3][16];
                for (int i = chunk; i < Math.min(n, chunk + RowKernels.CHUNK); i++) {
                    int lane = (i - chunk) % 16;
                    float x = a[1 + i];
                    lanes[0][lane] += x;
                    lanes[1][lane] = Math.fma(x, b[2 + i], lanes[1][lane]);
                    lanes[2][lane] = Math.fma(x - 0.5f, x - 0.5f, lanes[2][lane]);
                    max = Math.max(max, x);
                }
                sum += RowKernels.foldSum(lanes[0]);
                dot += RowKernels.foldSum(lanes[1]);
                squares += RowKernels.foldSum(lanes[2]);
            }
            assertEquals(sum, rows.sum(a, 1, n));
            assertEquals(dot, rows.dot(a, 1, b, 2, n));
            assertEquals(squares, rows.sumSquares(a, 1, 0.5f, n));
            assertEquals(max, rows.max(a, 1, n));

            float[] y = filled(n);
            rows.scale(a, 1, 3f, y, 1, n);
            check(y, n, i -> a[1 + i] * 3f);
            rows.shiftScale(a, 1, 2f, 3f, y, 1, n);
            check(y, n, i -> (a[1 + i] - 2f) * 3f);
            rows.add(a, 1, b, 2, y, 1, n);
            check(y, n, i -> a[1 + i] + b[2 + i]);
            rows.multiply(a, 1, b, 2, y, 1, n);
            check(y, n, i -> a[1 + i] * b[2 + i]);
            rows.multiplyShifted(a, 1, b, 2, 0.25f, y, 1, n);
            check(y, n, i -> a[1 + i] * (b[2 + i] - 0.25f));
            float[] before = y.clone();
            rows.addScaled(1.5f, a, 1, y, 1, n);
            check(y, n, i -> Math.fma(1.5f, a[1 + i], before[1 + i]));
            float[] then = y.clone();
            rows.multiplyAdd(a, 1, b, 2, y, 1, n);
            check(y, n, i -> Math.fma(a[1 + i], b[2 + i], then[1 + i]));
            float total = rows.expSum(a, 1, 0.5f, y, 1, n);
            assertEquals(rows.sum(y, 1, n), total);
            float[] exp = filled(n);
            rows.exp(a, 1, 0.5f, exp, 1, n);
            assertArrayEquals(exp, y);
            float[] shifted = filled(n);
            rows.shiftScale(a, 1, 0.5f, 1f, shifted, 1, n);
            rows.unary(UnaryOp.EXP, shifted, 1, shifted, 1, n);
            assertArrayEquals(exp, shifted);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 128, 256, 512})
    void doubleRows(int widthBits) {
        RowKernels rows = new GeneratedRows(widthBits, null);
        for (int n : SIZES) {
            double[] a = doubles(n, 1);
            double[] b = doubles(n, 2);
            double sum = 0;
            double dot = 0;
            for (int chunk = 0; chunk < n; chunk += RowKernels.CHUNK) {
                double[][] lanes = new double[2][8];
                for (int i = chunk; i < Math.min(n, chunk + RowKernels.CHUNK); i++) {
                    lanes[0][(i - chunk) % 8] += a[1 + i];
                    lanes[1][(i - chunk) % 8] = Math.fma(a[1 + i], b[2 + i], lanes[1][(i - chunk) % 8]);
                }
                sum += RowKernels.foldSum(lanes[0]);
                dot += RowKernels.foldSum(lanes[1]);
            }
            assertEquals(sum, rows.sum(a, 1, n));
            assertEquals(dot, rows.dot(a, 1, b, 2, n));
            double[] y = new double[n + 3];
            assertEquals(rows.expSum(a, 1, 0.5, y, 1, n), rows.sum(y, 1, n));
            for (int i = 0; i < n; i++) {
                assertEquals(StrictMath.exp(a[1 + i] - 0.5), y[1 + i], 2 * Math.ulp(y[1 + i]));
            }
            assertEquals(Arrays.stream(a, 1, 1 + n).max().orElse(Double.NEGATIVE_INFINITY), rows.max(a, 1, n));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 128, 256, 512})
    void halvesAreConvertedExactly(int widthBits) {
        RowKernels rows = new GeneratedRows(widthBits, null);
        int n = 1 << 16;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(2L * n + 2);
            for (DType dtype : new DType[] {DType.F16, DType.BF16}) {
                for (int i = 0; i < n; i++) {
                    memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 + 2L * i, (short) i);
                }
                float[] values = new float[n];
                rows.load(memory, 2, dtype, values, 0, n);
                for (int i = 0; i < n; i++) {
                    assertEquals(dtype == DType.F16 ? Float.float16ToFloat((short) i) : Halves.bf16ToFloat((short) i),
                        values[i], "bits " + i);
                    // Half way to the next value, and a little more or less.
                    values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i])
                        + (dtype == DType.F16 ? 0x1000 : 0x8000) + i % 3 - 1);
                }
                rows.store(values, 0, memory, 2, dtype, n);
                for (int i = 0; i < n; i++) {
                    short expected = dtype == DType.F16 ? Float.floatToFloat16(values[i]) : Halves.bf16(values[i]);
                    short actual = memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 + 2L * i);
                    if (!Float.isNaN(values[i])) {
                        assertEquals(expected, actual, "of " + values[i]);
                    } else {
                        assertEquals(dtype == DType.F16 ? 0x7c00 : 0x7f80, actual & (dtype == DType.F16 ? 0x7c00
                            : 0x7f80));
                        assertEquals(true, (actual & (dtype == DType.F16 ? 0x3ff : 0x7f)) != 0);
                    }
                }
            }
        }
    }

    private static float[] filled(int n) {
        float[] values = new float[n + 3];
        Arrays.fill(values, 99f);
        return values;
    }

    @FunctionalInterface
    private interface Element {
        float at(int i);
    }

    /** The row, and that nothing around it was written. */
    private static void check(float[] y, int n, Element expected) {
        for (int i = 0; i < n; i++) {
            assertEquals(expected.at(i), y[1 + i]);
        }
        assertEquals(99f, y[0]);
        assertEquals(99f, y[1 + n]);
    }
}

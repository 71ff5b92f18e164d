package org.adjoint.cpu.group;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.adjoint.graph.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Loops over memory have the bits of row kernels over copies, at every width. */
class MemoryLoopTest {
    private static final int[] WIDTHS = {128, 256, 512};
    private static final DType[] FLOATS = {DType.F32, DType.F16, DType.BF16};
    /** Elements of memory before the rows. */
    private static final int BEFORE = 3;

    private final Arena arena = Arena.ofAuto();

    /** Two rows in memory, and the same in arrays as they are read from it. */
    private final class Rows {
        final int n;
        final DType dtype;
        final MemorySegment memory;
        final float[][] copies;

        Rows(int n, DType dtype) {
            this.n = n;
            this.dtype = dtype;
            memory = arena.allocate(8L * (BEFORE + 2 * n + 16), 64);
            Random random = new Random(n);
            float[] values = new float[BEFORE + 2 * n];
            IntStream.range(0, values.length).forEach(i -> values[i] = 3 * (float) random.nextGaussian());
            Elements.store(values, 0, memory, dtype, 0, 1, values.length);
            copies = new float[][] {read(0), read(1)};
        }

        long at(int row) {
            return (BEFORE + (long) row * n) * dtype.bytes();
        }

        float[] read(int row) {
            float[] values = new float[n];
            Elements.load(memory, dtype, BEFORE + (long) row * n, 1, values, 0, n);
            return values;
        }

        /** What an array becomes by being stored. */
        float[] rounded(float[] values) {
            MemorySegment stored = arena.allocate(8L * (n + 16), 64);
            Elements.store(values, 0, stored, dtype, 0, 1, n);
            float[] result = new float[n];
            Elements.load(stored, dtype, 0, 1, result, 0, n);
            return result;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 1024, 1025, 4098})
    void softmax(int n) {
        RowKernels kernels = RowKernels.of(0);
        for (DType dtype : FLOATS) {
            for (int width : WIDTHS) {
                String message = dtype + " " + width;
                Rows x = new Rows(n, dtype);
                Rows y = new Rows(n, dtype);
                float[] rows = new float[2 * n];
                var softmax = new SoftmaxRows(width, dtype, false, false).softmax(x.memory, y.memory, rows);
                float max = kernels.max(x.copies[0], 0, n);
                float nextMax = kernels.max(x.copies[1], 0, n);
                assertEquals(max, softmax.max(x.at(0), n), message);
                float[] exponentials = new float[n];
                float sum = kernels.expSum(x.copies[0], 0, max, exponentials, 0, n);
                assertEquals(sum, softmax.exponentials(x.at(0), max, n, x.at(1), n), message);
                assertEquals(nextMax, softmax.nextMax(), message);
                assertArrayEquals(exponentials, Arrays.copyOfRange(rows, n, 2 * n), message);
                float[] next = new float[n];
                float nextSum = kernels.expSum(x.copies[1], 0, nextMax, next, 0, n);
                assertEquals(nextSum, softmax.turn(x.at(1), nextMax, 0, x.at(0), 0.37f, n, y.at(0), n), message);
                assertEquals(max, softmax.nextMax(), message);
                assertArrayEquals(next, Arrays.copyOf(rows, n), message);
                kernels.scale(exponentials, 0, 0.37f, exponentials, 0, n);
                assertArrayEquals(y.rounded(exponentials), y.read(0), message);
                assertArrayEquals(y.copies[1], y.read(1), message);
                softmax.scale(0.21f, 0, y.at(1), n);
                kernels.scale(next, 0, 0.21f, next, 0, n);
                assertArrayEquals(y.rounded(next), y.read(1), message);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 1024, 1025, 4098})
    void logSoftmax(int n) {
        RowKernels kernels = RowKernels.of(0);
        for (DType dtype : FLOATS) {
            for (int width : WIDTHS) {
                String message = dtype + " " + width;
                Rows x = new Rows(n, dtype);
                Rows y = new Rows(n, dtype);
                SoftmaxRows loops = new SoftmaxRows(width, dtype, true, false);
                var softmax = loops.logSoftmax(x.memory, y.memory);
                var logits = loops.logits(x.memory);
                float max = kernels.max(x.copies[0], 0, n);
                float nextMax = kernels.max(x.copies[1], 0, n);
                float sum = kernels.expSum(x.copies[0], 0, max, new float[n], 0, n);
                assertEquals(max, softmax.max(x.at(0), n), message);
                assertEquals(sum, softmax.expSum(x.at(0), max, n), message);
                assertEquals(nextMax, softmax.shift(x.at(0), max, 1.7f, y.at(0), x.at(1), n), message);
                float[] expected = new float[n];
                IntStream.range(0, n).forEach(i -> expected[i] = (x.copies[0][i] - max) - 1.7f);
                assertArrayEquals(y.rounded(expected), y.read(0), message);
                assertEquals(max, logits.max(x.at(0), n), message);
                assertEquals(sum, logits.expSum(x.at(0), max, x.at(1), n), message);
                assertEquals(nextMax, logits.nextMax(), message);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 1024, 1025, 4098})
    void gradientsOfSoftmax(int n) {
        RowKernels kernels = RowKernels.of(0);
        for (DType dtype : FLOATS) {
            for (int width : WIDTHS) {
                String message = dtype + " " + width;
                Rows y = new Rows(n, dtype);
                Rows dx = new Rows(n, dtype);
                // The second of the rows is dy.
                float[] dy = y.copies[1];
                var rows = new SoftmaxGradientRows(width, dtype, false, false).rows(y.memory, y.memory, dx.memory);
                assertEquals(kernels.dot(y.copies[0], 0, dy, 0, n), rows.sum(y.at(0), y.at(1), n), message);
                assertEquals(kernels.dot(dy, 0, dy, 0, n),
                    rows.differentiate(y.at(0), y.at(1), 0.7f, dx.at(0), y.at(1), y.at(1), n), message);
                float[] expected = new float[n];
                kernels.multiplyShifted(y.copies[0], 0, dy, 0, 0.7f, expected, 0, n);
                assertArrayEquals(dx.rounded(expected), dx.read(0), message);

                var log = new SoftmaxGradientRows(width, dtype, true, false).rows(y.memory, y.memory, dx.memory);
                assertEquals(kernels.sum(dy, 0, n), log.sum(y.at(0), y.at(1), n), message);
                assertEquals(kernels.sum(y.copies[0], 0, n),
                    log.differentiate(y.at(0), y.at(1), 1.3f, dx.at(1), y.at(1), y.at(0), n), message);
                kernels.exp(y.copies[0], 0, 0, expected, 0, n);
                float[] sums = dy.clone();
                kernels.addScaled(-1.3f, expected, 0, sums, 0, n);
                assertArrayEquals(dx.rounded(sums), dx.read(1), message);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 1024, 1025, 4098})
    void normalizations(int n) {
        RowKernels kernels = RowKernels.of(0);
        float[] gamma = new float[n];
        float[] beta = new float[n];
        IntStream.range(0, n).forEach(i -> {
            gamma[i] = 1 + i % 7 * 0.1f;
            beta[i] = i % 5 * 0.3f;
        });
        for (DType dtype : FLOATS) {
            for (int width : WIDTHS) {
                String message = dtype + " " + width;
                Rows x = new Rows(n, dtype);
                Rows y = new Rows(n, dtype);
                float[] row = new float[n];
                var layer = new LayerNormRows(width, dtype, true, false).layer(x.memory, row, gamma, beta, y.memory);
                assertEquals(kernels.sum(x.copies[0], 0, n), layer.sum(x.at(0), n), message);
                float[] expected = x.copies[0].clone();
                NormalizationRows copies = NormalizationRows.of(0, false);
                assertEquals(copies.center(expected, 0.3f, n), layer.center(x.at(0), 0.3f, n), message);
                assertArrayEquals(expected, row, message);
                assertEquals(kernels.sum(x.copies[1], 0, n), layer.normalize(1.3f, y.at(0), x.at(1), n), message);
                copies.normalize(expected, 1.3f, gamma, beta, n);
                assertArrayEquals(y.rounded(expected), y.read(0), message);

                var rms = new LayerNormRows(width, dtype, false, false).rms(x.memory, gamma, y.memory);
                RmsNormRows rmsCopies = RmsNormRows.of(0, false);
                assertEquals(rmsCopies.squares(x.copies[0], n), rms.squares(x.at(0), n), message);
                assertEquals(rmsCopies.squares(x.copies[1], n), rms.normalize(x.at(0), 1.1f, y.at(1), x.at(1), n),
                    message);
                float[] scaled = x.copies[0].clone();
                rmsCopies.normalize(scaled, 1.1f, gamma, n);
                assertArrayEquals(y.rounded(scaled), y.read(1), message);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 702, 1025})
    void doubles(int n) {
        RowKernels kernels = RowKernels.of(0);
        Random random = new Random(n);
        double[] values = random.doubles(n, -3, 3).toArray();
        for (int width : WIDTHS) {
            MemorySegment x = arena.allocate(8L * (n + 16), 64);
            MemorySegment y = arena.allocate(8L * (n + 16), 64);
            Elements.store(values, 0, x, DType.F64, 0, 1, n);
            double[] rows = new double[2 * n];
            var softmax = new SoftmaxRows(width, DType.F64, false, false).softmax(x, y, rows);
            double max = kernels.max(values, 0, n);
            assertEquals(max, softmax.max(0, n));
            double[] expected = new double[n];
            double sum = kernels.expSum(values, 0, max, expected, 0, n);
            assertEquals(sum, softmax.exponentials(0, max, 0, 0, n));
            assertArrayEquals(expected, Arrays.copyOf(rows, n));
            assertEquals(sum, softmax.turn(0, softmax.nextMax(), n, 0, 0.5, 0, 0, n));
            assertEquals(max, softmax.nextMax());
            assertArrayEquals(expected, Arrays.copyOfRange(rows, n, 2 * n));
            kernels.scale(expected, 0, 0.5, expected, 0, n);
            double[] stored = new double[n];
            Elements.load(y, DType.F64, 0, 1, stored, 0, n);
            assertArrayEquals(expected, stored);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 16, 63, 64, 65, 1000})
    void notANumberIsTheLargest(int n) {
        for (int width : WIDTHS) {
            for (int at = 0; at < n; at += Math.max(1, n / 9)) {
                float[] values = new float[n];
                Arrays.fill(values, Float.NEGATIVE_INFINITY);
                MemorySegment x = arena.allocate(4L * (n + 16), 64);
                var loops = new SoftmaxRows(width, DType.F32, true, false).logits(x);
                values[at] = -2;
                Elements.store(values, 0, x, DType.F32, 0, 1, n);
                assertEquals(-2, loops.max(0, n));
                values[at] = Float.NaN;
                Elements.store(values, 0, x, DType.F32, 0, 1, n);
                assertEquals(Double.NaN, loops.max(0, n));
            }
        }
    }
}

package org.adjoint.cuda.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Softmax, its logarithm, cross-entropy, normalizations and their gradients against their definitions in double. */
class RowKernelsTest {
    private static final double EPSILON = 1e-5;
    /** Around lanes, warps, what a warp and a block hold in registers, and what is read more than once. */
    private static final int[] WIDTHS = {1, 13, 32, 33, 255, 257, 512, 1024, 1025, 4098, 8192, 8193};
    private static Emulator emulator;
    private static Device device;

    @BeforeAll
    static void open() {
        emulator = Emulator.require();
        emulator.reset();
        device = Device.open("cuda");
    }

    @AfterAll
    static void close() {
        if (device != null) {
            device.close();
        }
    }

    /** Values in [-scale, scale] as {@code dtype} holds them. */
    private static Tensor random(DType dtype, double scale, int seed, long... shape) {
        int count = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        double[] values = new double[count];
        long state = seed * 1_000_003L + 17;
        for (int i = 0; i < count; i++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            values[i] = ((state >>> 40) * 0x1p-23 - 1) * scale;
        }
        return device.tensor(values, shape).to(dtype);
    }

    /** Rows of this width, packed; and apart, so that none is aligned, with an axis that is reversed. */
    private static List<Tensor> layouts(DType dtype, double scale, int width) {
        Tensor packed = random(dtype, scale, width, 9, width);
        if (width > 1025) {
            packed = packed.slice(0, 0, 2);
        }
        Tensor apart = random(dtype, scale, width + 1, 2, 3, width + 1).slice(2, 1, width + 1).flip(1);
        List<Tensor> layouts = new ArrayList<>(List.of(packed, apart));
        // Rows of every width that loads have, where it is not the width's own.
        if (width == 1024) {
            for (int vector : new int[] {2, 4, 8}) {
                layouts.add(random(dtype, scale, vector, 2, width + vector).slice(1, vector, width + vector));
            }
        }
        return layouts;
    }

    private static double unit(DType dtype) {
        return dtype.computeType().epsilon() / 2;
    }

    /** Half a unit in the last place of a stored result. */
    private static double rounding(DType dtype, double value) {
        double smallestNormal = dtype == DType.F16 ? 0x1p-14 : Float.MIN_NORMAL;
        return Math.max(Math.abs(value), smallestNormal) * dtype.epsilon() / 2;
    }

    private static void assertNear(double expected, double actual, double bound, String what) {
        assertTrue(Math.abs(expected - actual) <= bound,
            () -> what + ": expected " + expected + " but was " + actual + ", bound " + bound);
    }

    /** Additions that an element goes through: a thread's in a row, then a warp's and a block's folds. */
    private static double additions(int width) {
        return 32 + width / 256.0 + 10;
    }

    private static double[] row(Tensor x, int row, int width) {
        return Arrays.copyOfRange(x.to(DType.F64).toDoubleArray(), row * width, (row + 1) * width);
    }

    private static double logSumExp(double[] row) {
        double max = Arrays.stream(row).max().orElseThrow();
        return max + Math.log(Arrays.stream(row).map(value -> Math.exp(value - max)).sum());
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F64", "F16", "BF16"})
    void softmaxAndItsLogarithm(DType dtype) {
        for (int width : WIDTHS) {
            for (Tensor x : layouts(dtype, 8, width)) {
                double[] y = x.softmax(-1).toDoubleArray();
                double[] log = x.logSoftmax(-1).toDoubleArray();
                for (int i = 0; i < y.length / width; i++) {
                    double[] row = row(x, i, width);
                    double normalizer = logSumExp(row);
                    for (int j = 0; j < width; j++) {
                        String what = "element " + j + " of row " + i + " of " + x.type();
                        double expected = Math.exp(row[j] - normalizer);
                        // The difference of up to 16 is rounded once; exp, sum, reciprocal, product follow.
                        double bound = (16 + additions(width) + 8) * unit(dtype);
                        assertNear(expected, y[i * width + j], expected * bound + rounding(dtype, expected), what);
                        double logarithm = row[j] - normalizer;
                        assertNear(logarithm, log[i * width + j],
                            (additions(width) + 8 + 3 * 32) * unit(dtype) + rounding(dtype, logarithm), "log, " + what);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F64", "F16", "BF16"})
    void gradientsOfSoftmaxAndItsLogarithm(DType dtype) {
        for (int width : WIDTHS) {
            for (Tensor x : layouts(dtype, 2, width)) {
                // As it lies, or reversed along the second axis.
                Tensor packed = random(dtype, 2, 5, x.shape().toArray());
                Tensor cotangent = x.shape().rank() == 3 ? packed.flip(1) : packed;
                Tensor y = x.softmax(-1);
                Tensor log = x.logSoftmax(-1);
                double[] dx = y.pullback(cotangent, List.of(x)).getFirst().toDoubleArray();
                double[] dxOfLog = log.pullback(cotangent, List.of(x)).getFirst().toDoubleArray();
                for (int i = 0; i < dx.length / width; i++) {
                    double[] results = row(y, i, width);
                    double[] logarithms = row(log, i, width);
                    double[] dy = row(cotangent, i, width);
                    double sum = Arrays.stream(dy).sum();
                    double size = Arrays.stream(dy).map(Math::abs).sum();
                    double products = IntStream.range(0, width).mapToDouble(j -> results[j] * dy[j]).sum();
                    double error = (additions(width) + 8) * unit(dtype);
                    for (int j = 0; j < width; j++) {
                        String what = "element " + j + " of row " + i + " of " + x.type();
                        double expected = results[j] * (dy[j] - products);
                        // dy is at most 2.
                        assertNear(expected, dx[i * width + j],
                            results[j] * 4 * error + rounding(dtype, expected), what);
                        double share = Math.exp(logarithms[j]);
                        double ofLog = dy[j] - share * sum;
                        assertNear(ofLog, dxOfLog[i * width + j],
                            share * size * error + 4 * unit(dtype) + rounding(dtype, ofLog), "log, " + what);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F64", "F16", "BF16"})
    void crossEntropy(DType dtype) {
        for (int width : WIDTHS) {
            for (Tensor packed : layouts(dtype, 8, width)) {
                Tensor x = packed.reshape(packed.shape().elements() / width, width);
                int rows = (int) x.shape().extent(0);
                int[] targets = new int[2 * rows];
                Arrays.setAll(targets, i -> i * 7 % width);
                // Every second one, as I64 every other time.
                Tensor chosen = device.tensor(targets, 2 * rows).to(width % 2 == 0 ? DType.I32 : DType.I64)
                    .slice(0, 0, 2 * rows, 2);
                double sum = 0;
                double bound = 0;
                for (int i = 0; i < rows; i++) {
                    double[] row = row(x, i, width);
                    sum += logSumExp(row) - row[targets[2 * i]];
                    bound += (additions(width) + 8 + 4 * 32) * unit(dtype);
                }
                assertNear(sum / rows, x.crossEntropy(chosen).item(),
                    (bound + sum * rows * unit(dtype)) / rows + rounding(dtype, sum / rows), "loss of " + x.type());
            }
        }
    }

    /** The reference's, whose arithmetic is f64: x, gamma, beta, dy to y, dx, dgamma, dbeta. */
    private static double[][] layerNorm(double[] x, double[] gamma, double[] beta, double[] dy) {
        int width = gamma.length;
        double[][] results = {new double[x.length], new double[x.length], new double[width], new double[width]};
        for (int start = 0; start < x.length; start += width) {
            double[] row = Arrays.copyOfRange(x, start, start + width);
            double mean = Arrays.stream(row).sum() / width;
            double variance = Arrays.stream(row).map(value -> (value - mean) * (value - mean)).sum() / width;
            double rstd = 1 / Math.sqrt(variance + EPSILON);
            double sum = 0;
            double products = 0;
            for (int j = 0; j < width; j++) {
                double normalized = (row[j] - mean) * rstd;
                results[0][start + j] = normalized * gamma[j] + beta[j];
                sum += dy[start + j] * gamma[j];
                products += dy[start + j] * gamma[j] * normalized;
                results[2][j] += dy[start + j] * normalized;
                results[3][j] += dy[start + j];
            }
            for (int j = 0; j < width; j++) {
                double normalized = (row[j] - mean) * rstd;
                results[1][start + j] =
                    rstd * (dy[start + j] * gamma[j] - sum / width - normalized * products / width);
            }
        }
        return results;
    }

    private static void assertNear(double[] expected, Tensor actual, double error, String what) {
        double[] values = actual.toDoubleArray();
        assertEquals(expected.length, values.length);
        for (int i = 0; i < expected.length; i++) {
            assertNear(expected[i], values[i],
                error * unit(actual.dtype()) + 2 * rounding(actual.dtype(), expected[i]), what + " " + i);
        }
    }

    private static void assertLayerNorm(Tensor x, DType parameters) {
        int width = (int) x.shape().extent(x.shape().rank() - 1);
        int rows = (int) (x.shape().elements() / width);
        Tensor gamma = random(parameters, 2, 3, width);
        Tensor beta = random(parameters, 2, 4, width);
        Tensor dy = random(x.dtype(), 1, 5, x.shape().toArray());
        double[][] expected = layerNorm(doubles(x), doubles(gamma), doubles(beta), doubles(dy));
        Tensor y = x.layerNorm(gamma, beta, EPSILON);
        List<Tensor> gradients = y.pullback(dy, List.of(x, gamma, beta));
        String what = x.type() + " with " + gamma.type();
        // x - mean errs by units of |x| and of the sum; rows of nearly one value are scaled up by 1 / sqrt(EPSILON).
        double spread = width == 1 ? 1 / Math.sqrt(EPSILON) : 4;
        double error = 8 * (additions(width) + 8) * spread;
        assertNear(expected[0], y, error, "y of " + what);
        assertNear(expected[1], gradients.get(0), error * spread, "dx of " + what);
        assertNear(expected[2], gradients.get(1), error * rows, "dgamma of " + what);
        // Sums of so many, up to 1.
        assertNear(expected[3], gradients.get(2), 2 * rows * rows, "dbeta of " + what);
    }

    private static double[] doubles(Tensor x) {
        return x.to(DType.F64).toDoubleArray();
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F64", "F16", "BF16"})
    void layerNormAndItsGradient(DType dtype) {
        for (int width : WIDTHS) {
            for (Tensor x : layouts(dtype, 2, width)) {
                assertLayerNorm(x, dtype);
                if (dtype.isHalf() && width > 1 && width < 1024) {
                    assertLayerNorm(x, DType.F32);
                }
            }
        }
        // Stripes that are full, and one that is not.
        assertLayerNorm(random(dtype, 2, 1, 2 * 32 + 5, 40), dtype);
    }

    /** x, gamma, dy to y, dx, dgamma. */
    private static double[][] rmsNorm(double[] x, double[] gamma, double[] dy) {
        int width = gamma.length;
        double[][] results = {new double[x.length], new double[x.length], new double[width]};
        for (int start = 0; start < x.length; start += width) {
            // DoubleStream's sums are compensated.
            double squares = Arrays.stream(x, start, start + width).map(value -> value * value).sum();
            double rstd = 1 / Math.sqrt(squares / width + EPSILON);
            double products = 0;
            for (int j = 0; j < width; j++) {
                double normalized = x[start + j] * rstd;
                results[0][start + j] = normalized * gamma[j];
                results[2][j] += dy[start + j] * normalized;
                products += dy[start + j] * gamma[j] * normalized;
            }
            for (int j = 0; j < width; j++) {
                results[1][start + j] =
                    rstd * (dy[start + j] * gamma[j] - x[start + j] * rstd * products / width);
            }
        }
        return results;
    }

    private static void assertRmsNorm(Tensor x, DType parameters) {
        int width = (int) x.shape().extent(x.shape().rank() - 1);
        int rows = (int) (x.shape().elements() / width);
        Tensor gamma = random(parameters, 2, 3, width);
        Tensor dy = random(x.dtype(), 1, 5, x.shape().toArray());
        double[][] expected = rmsNorm(doubles(x), doubles(gamma), doubles(dy));
        Tensor y = x.rmsNorm(gamma, EPSILON);
        List<Tensor> gradients = y.pullback(dy, List.of(x, gamma));
        String what = x.type() + " with " + gamma.type();
        // A row of one element near 0 is scaled up by as much as 1 / sqrt(EPSILON).
        double spread = width == 1 ? 1 / Math.sqrt(EPSILON) : 4;
        double error = 4 * (additions(width) + 8);
        assertNear(expected[0], y, error, "y of " + what);
        assertNear(expected[1], gradients.get(0), error * spread, "dx of " + what);
        assertNear(expected[2], gradients.get(1), error * rows, "dgamma of " + what);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F64", "F16", "BF16"})
    void rmsNormAndItsGradient(DType dtype) {
        for (int width : WIDTHS) {
            for (Tensor x : layouts(dtype, 2, width)) {
                assertRmsNorm(x, dtype);
            }
        }
        // Stripes that are full, and one that is not; of long rows too.
        assertRmsNorm(random(dtype, 2, 1, 2 * 32 + 5, 40), dtype.computeType());
        assertRmsNorm(random(dtype, 2, 1, 18, 8193), dtype);
    }

    @Test
    void vocabularies() {
        for (DType dtype : List.of(DType.F32, DType.BF16)) {
            for (int width : new int[] {50_257, 50_304}) {
                Tensor x = random(dtype, 8, 1, 2, width);
                double[] log = x.logSoftmax(-1).toDoubleArray();
                double loss = 0;
                for (int i = 0; i < 2; i++) {
                    double[] row = row(x, i, width);
                    double normalizer = logSumExp(row);
                    loss += (normalizer - row[width - 1]) / 2;
                    for (int j = 0; j < width; j++) {
                        double expected = row[j] - normalizer;
                        assertNear(expected, log[i * width + j],
                            (additions(width) + 96) * unit(dtype) + rounding(dtype, expected), "element " + j);
                    }
                }
                double actual = x.crossEntropy(device.tensor(new int[] {width - 1, width - 1}, 2)).item();
                assertNear(loss, actual, (additions(width) + 128) * unit(dtype) + rounding(dtype, loss), "loss");
            }
        }
    }

    /** A row is held by a warp, a block, or read twice: specials lie first, last, and in the lap of another thread. */
    @Test
    void infinitiesAndNaN() {
        double inf = Double.POSITIVE_INFINITY;
        for (int width : new int[] {3, 1000, 3000, 9000}) {
            for (int at : new int[] {0, width / 2, width - 1}) {
                assertArrayEquals(ofOnes(width, at, 0, 1.0 / (width - 1)), softmax(width, at, -inf, 1), 1e-6);
                assertArrayEquals(filled(width, Double.NaN), softmax(width, at, inf, 1));
                assertArrayEquals(filled(width, Double.NaN), softmax(width, at, Double.NaN, 1));
                assertArrayEquals(ofOnes(width, at, 1, 0), softmax(width, at, 0, -inf));
                assertArrayEquals(filled(width, Double.NaN), softmax(width, at, Double.NaN, -inf));
                Tensor target = device.tensor(new int[] {at}, 1);
                assertEquals(0, device.tensor(ofOnes(width, at, 0, -inf), 1, width).crossEntropy(target).item());
                assertEquals(Double.NaN,
                    device.tensor(ofOnes(width, at, Double.NaN, 0), 1, width).crossEntropy(target).item());
            }
            assertArrayEquals(filled(width, Double.NaN), softmax(width, 0, -inf, -inf));
            Tensor none = device.tensor(filled(width, -inf), 1, width);
            assertEquals(Double.NaN, none.crossEntropy(device.tensor(new int[] {0}, 1)).item());
        }
    }

    private static double[] softmax(int width, int at, double special, double others) {
        return device.tensor(ofOnes(width, at, special, others), 1, width).to(DType.F32).softmax(-1).toDoubleArray();
    }

    private static double[] filled(int width, double value) {
        return ofOnes(width, 0, value, value);
    }

    private static double[] ofOnes(int width, int at, double special, double others) {
        double[] values = new double[width];
        Arrays.fill(values, others);
        values[at] = special;
        return values;
    }

    @Test
    void noRows() {
        assertEquals(0, device.zeros(DType.F32, 0, 5).softmax(-1).toDoubleArray().length);
        Tensor x = device.zeros(DType.F32, 0, 5);
        Tensor gamma = device.ones(DType.F32, 5);
        Tensor y = x.layerNorm(gamma, gamma, EPSILON);
        assertArrayEquals(new double[5], y.pullback(x, List.of(gamma)).getFirst().toDoubleArray());
        Tensor z = x.rmsNorm(gamma, EPSILON);
        assertArrayEquals(new double[5], z.pullback(x, List.of(gamma)).getFirst().toDoubleArray());
    }

    @Test
    void targetsOutOfRangeAreNamed() {
        Tensor x = device.zeros(DType.F32, 3, 5);
        for (int bad : new int[] {5, -1, Integer.MAX_VALUE}) {
            Tensor loss = x.crossEntropy(device.tensor(new int[] {0, bad, bad}, 3));
            String message = assertThrows(IndexOutOfBoundsException.class, loss::item).getMessage();
            assertTrue(message.startsWith("crossEntropy: ") && message.contains(" " + bad + " at position "), message);
        }
        assertEquals(Math.log(5), x.crossEntropy(device.tensor(new int[] {0, 4, 2}, 3)).item(), 1e-6);
    }

    /** The emulator compares: rows of a warp, of a block, and long ones; stripes of several rows. */
    @Test
    void everyOrderOfThreadsGivesTheSameBits() {
        emulator.order(Emulator.Order.ALL);
        try {
            for (int width : new int[] {40, 3000, 9000}) {
                Tensor x = random(DType.F32, 4, 1, 19, width);
                Tensor gamma = random(DType.F32, 4, 2, width);
                Tensor loss = x.crossEntropy(device.zeros(DType.I64, 19)).add(x.softmax(-1).square().sum())
                    .add(x.logSoftmax(-1).sum()).add(x.layerNorm(gamma, gamma, EPSILON).square().sum())
                    .add(x.rmsNorm(gamma, EPSILON).square().sum());
                assertTrue(Double.isFinite(loss.item()));
                loss.gradients(x, gamma).forEach(gradient -> assertTrue(Double.isFinite(gradient.sum().item())));
            }
        } finally {
            emulator.order(Emulator.Order.FORWARD);
        }
    }

    /** A row's result does not depend on the rows beside it. */
    @Test
    void rowsAreApart() {
        Tensor x = random(DType.F32, 4, 1, 9, 40);
        double[] all = x.softmax(-1).toDoubleArray();
        for (int i = 0; i < 9; i++) {
            assertArrayEquals(Arrays.copyOfRange(all, i * 40, i * 40 + 40),
                x.slice(0, i, i + 1).softmax(-1).toDoubleArray());
        }
    }
}

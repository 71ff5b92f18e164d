package org.adjoint.cpu.kernel;

import static org.adjoint.cpu.StepFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.adjoint.cpu.StepFixture;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Softmax, its logarithm, cross-entropy, the norms and their gradients against their definitions in double. */
class NormalizationTest {
    /** Shapes (rows, width) around lanes, chunks of sums, and blocks of rows. */
    private static final int[][] SHAPES = {{0, 5}, {1, 1}, {1, 13}, {3, 15}, {5, 16}, {4, 17}, {33, 31}, {17, 1023},
        {2, 1025}, {2, 4098}};

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

    private static double[] row(double[] values, int row, int width) {
        return Arrays.copyOfRange(values, row * width, (row + 1) * width);
    }

    /** log(sum(exp(row))), stable. */
    private static double logSumExp(double[] row) {
        double max = Double.NEGATIVE_INFINITY;
        for (double value : row) {
            max = Math.max(max, value);
        }
        double sum = 0;
        for (double value : row) {
            sum += Math.exp(value - max);
        }
        return max + Math.log(sum);
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "F64", "F16", "BF16"})
    void softmaxAndItsLogarithm(DType dtype) {
        for (int[] shape : SHAPES) {
            StepFixture fixture = new StepFixture();
            Shape full = Shape.of(shape[0], shape[1]);
            View x = fixture.tensor(dtype, full, i -> 8 * random(shape[1]).applyAsDouble(i));
            View y = fixture.output(dtype, full);
            View log = fixture.output(dtype, full);
            fixture.runEverywhere(new FusedOp.Softmax(), List.of(x), List.of(y));
            fixture.runEverywhere(new FusedOp.LogSoftmax(), List.of(x), List.of(log));
            double[] values = fixture.values(x);
            for (int i = 0; i < shape[0]; i++) {
                double[] row = row(values, i, shape[1]);
                double normalizer = logSumExp(row);
                for (int j = 0; j < shape[1]; j++) {
                    long at = (long) i * shape[1] + j;
                    double expected = Math.exp(row[j] - normalizer);
                    // The difference of up to 16 is rounded once; exp, sum (64 per lane), reciprocal, product follow.
                    double bound = (16 + 64 + shape[1] / 1024.0 + 8) * unit(dtype);
                    assertNear(expected, fixture.get(y, at), expected * bound + rounding(dtype, expected), "softmax");
                    double logarithm = row[j] - normalizer;
                    assertNear(logarithm, fixture.get(log, at),
                        (64 + shape[1] / 1024.0 + 8 + 3 * 32) * unit(dtype) + rounding(dtype, logarithm), "logSoftmax");
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "F64", "F16", "BF16"})
    void gradientsOfSoftmaxAndItsLogarithm(DType dtype) {
        for (int[] shape : SHAPES) {
            int n = shape[1];
            StepFixture fixture = new StepFixture();
            Shape full = Shape.of(shape[0], n);
            View y = fixture.tensor(dtype, full, i -> (1.0 + i % 7) / n);
            View log = fixture.tensor(dtype, full, i -> Math.log((1.0 + i % 7) / n));
            View dy = fixture.tensor(dtype, full, i -> 4 * random(n).applyAsDouble(i));
            View dx = fixture.output(dtype, full);
            View dxOfLog = fixture.output(dtype, full);
            fixture.runEverywhere(new FusedOp.SoftmaxGradient(), List.of(y, dy), List.of(dx));
            fixture.runEverywhere(new FusedOp.LogSoftmaxGradient(), List.of(log, dy), List.of(dxOfLog));
            for (int i = 0; i < shape[0]; i++) {
                double[] results = row(fixture.values(y), i, n);
                double[] logarithms = row(fixture.values(log), i, n);
                double[] cotangents = row(fixture.values(dy), i, n);
                double products = 0;
                double sum = 0;
                double size = 0;
                for (int j = 0; j < n; j++) {
                    products += results[j] * cotangents[j];
                    sum += cotangents[j];
                    size += Math.abs(cotangents[j]);
                }
                // 64 additions of each lane's, those of chunks, then three operations; y is at most 7.
                double error = (64 + n / 1024.0 + 8) * unit(dtype);
                for (int j = 0; j < n; j++) {
                    long at = (long) i * n + j;
                    double expected = results[j] * (cotangents[j] - products);
                    assertNear(expected, fixture.get(dx, at),
                        results[j] * 4 * 8 * error + rounding(dtype, expected), "softmax");
                    double share = Math.exp(logarithms[j]);
                    double ofLog = cotangents[j] - share * sum;
                    assertNear(ofLog, fixture.get(dxOfLog, at),
                        share * size * error + rounding(dtype, ofLog) + 4 * unit(dtype), "logSoftmax");
                }
            }
        }
    }

    /** One result is all of the row: what comes back for the others cancels, and none where dy is the same for all. */
    @Test
    void gradientsByDefinition() {
        StepFixture fixture = new StepFixture();
        View y = fixture.tensor(DType.F32, Shape.of(3, 2), 0.25, 0.75, 1, 0, 0.5, 0.5);
        View log = fixture.tensor(DType.F32, Shape.of(3, 2), 0, 0, 0, Double.NEGATIVE_INFINITY, 0, Double.NaN);
        View dy = fixture.tensor(DType.F32, Shape.of(3, 2), 4, 8, 3, 5, 2, 2);
        View dx = fixture.output(DType.F32, Shape.of(3, 2));
        fixture.runEverywhere(new FusedOp.SoftmaxGradient(), List.of(y, dy), List.of(dx));
        assertArrayEquals(new double[] {-0.75, 0.75, 0, 0, 0, 0}, fixture.values(dx));
        fixture.runEverywhere(new FusedOp.LogSoftmaxGradient(), List.of(log, dy), List.of(dx));
        assertArrayEquals(new double[] {-8, -4, -5, 5, -2, Double.NaN}, fixture.values(dx));
    }

    @Test
    void gradientOfSoftmaxOfRowsApart() {
        StepFixture fixture = new StepFixture();
        View y = fixture.strided(DType.F32, Shape.of(3, 4, 5), new long[] {-44, 11, 1}, 90, 140, random(1));
        View dy = fixture.strided(DType.F32, Shape.of(3, 4, 5), new long[] {0, 7, 1}, 2, 40, i -> i % 5);
        View contiguous = fixture.tensor(DType.F32, Shape.of(3, 4, 5), random(1));
        View shared = fixture.tensor(DType.F32, Shape.of(3, 4, 5), i -> i % 5);
        for (Op op : List.of(new FusedOp.SoftmaxGradient(), new FusedOp.LogSoftmaxGradient())) {
            View dx = fixture.output(DType.F32, Shape.of(3, 4, 5));
            View expected = fixture.output(DType.F32, Shape.of(3, 4, 5));
            fixture.runEverywhere(op, List.of(y, dy), List.of(dx));
            fixture.runEverywhere(op, List.of(contiguous, shared), List.of(expected));
            assertArrayEquals(fixture.values(expected), fixture.values(dx));
        }
    }

    @Test
    void softmaxOfRowsApart() {
        StepFixture fixture = new StepFixture();
        // (3, 4, 5): rows 11 apart in the innermost axis, the outermost reversed.
        View x = fixture.strided(DType.F32, Shape.of(3, 4, 5), new long[] {-44, 11, 1}, 90, 140, random(1));
        View y = fixture.output(DType.F32, Shape.of(3, 4, 5));
        View contiguous = fixture.tensor(DType.F32, Shape.of(3, 4, 5), random(1));
        View expected = fixture.output(DType.F32, Shape.of(3, 4, 5));
        fixture.run(new FusedOp.Softmax(), List.of(x), List.of(y), 0, 1);
        fixture.run(new FusedOp.Softmax(), List.of(contiguous), List.of(expected), 0, 1);
        assertArrayEquals(fixture.values(expected), fixture.values(y));
    }

    @Test
    void infinitiesAndNaN() {
        StepFixture fixture = new StepFixture();
        double inf = Double.POSITIVE_INFINITY;
        View x = fixture.tensor(DType.F32, Shape.of(4, 3), 0, -inf, 0, 1, inf, 2, 1, Double.NaN, 2, -inf, -inf, -inf);
        View y = fixture.output(DType.F32, Shape.of(4, 3));
        fixture.runEverywhere(new FusedOp.Softmax(), List.of(x), List.of(y));
        double nan = Double.NaN;
        assertArrayEquals(new double[] {0.5, 0, 0.5, nan, nan, nan, nan, nan, nan, nan, nan, nan}, fixture.values(y));
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "F64", "F16", "BF16"})
    void crossEntropy(DType dtype) {
        for (int[] shape : SHAPES) {
            StepFixture fixture = new StepFixture();
            int classes = shape[1];
            View logits = fixture.tensor(dtype, Shape.of(shape[0], classes), i -> 8 * random(classes).applyAsDouble(i));
            View targets = fixture.strided(classes % 2 == 0 ? DType.I32 : DType.I64, Shape.of(shape[0]),
                new long[] {2}, 1, 2L * shape[0] + 1, i -> (i * 7) % classes);
            View losses = fixture.output(dtype.computeType(), Shape.of(shape[0]));
            View maxima = fixture.output(dtype.computeType(), Shape.of(shape[0]));
            View sums = fixture.output(dtype.computeType(), Shape.of(shape[0]));
            fixture.runEverywhere(new FusedOp.CrossEntropy(), List.of(logits, targets),
                List.of(losses, maxima, sums));
            double[] values = fixture.values(logits);
            for (int i = 0; i < shape[0]; i++) {
                double[] row = row(values, i, classes);
                double largest = Arrays.stream(row).max().orElseThrow();
                double sum = Arrays.stream(row).map(x -> Math.exp(x - largest)).sum();
                double bound = (64 + classes / 1024.0 + 8 + 3 * 32) * unit(dtype);
                assertEquals(largest, fixture.get(maxima, i));
                assertNear(sum, fixture.get(sums, i), sum * bound, "sum");
                assertNear(Math.log(sum) + largest - row[(int) fixture.get(targets, i)], fixture.get(losses, i), bound,
                    "loss");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"5", "-1", "123456"})
    void aTargetOutsideTheClassesIsAnError(long target) {
        StepFixture fixture = new StepFixture();
        View logits = fixture.tensor(DType.F32, Shape.of(3, 5), random(1));
        View targets = fixture.tensor(DType.I64, Shape.of(3), 0, 4, target);
        View row = fixture.output(DType.F32, Shape.of(3));
        assertEquals("crossEntropy: target " + target + " at position 2 is out of range for 5 classes",
            assertThrows(IndexOutOfBoundsException.class, () -> fixture.run(new FusedOp.CrossEntropy(),
                List.of(logits, targets), List.of(row, fixture.output(DType.F32, Shape.of(3)),
                    fixture.output(DType.F32, Shape.of(3))), 256, 2)).getMessage());
    }

    /** What a mean over {@code width} elements of size {@code size} may be off by, relative to {@code size}. */
    private static double meanBound(DType dtype, int width) {
        return (64 + width / 1024.0 + 8) * unit(dtype);
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "F64", "F16", "BF16"})
    void layerNormAndItsGradient(DType dtype) {
        for (int[] shape : SHAPES) {
            int rows = shape[0];
            int n = shape[1];
            double epsilon = 1e-2;
            StepFixture fixture = new StepFixture();
            DType compute = dtype.computeType();
            View x = fixture.tensor(dtype, Shape.of(rows, n), random(n));
            View gamma = fixture.tensor(dtype, Shape.of(n), i -> 1 + 0.5 * random(2).applyAsDouble(i));
            View beta = fixture.tensor(dtype, Shape.of(n), random(3));
            View y = fixture.output(dtype, Shape.of(rows, n));
            View mean = fixture.output(compute, Shape.of(rows));
            View rstd = fixture.output(compute, Shape.of(rows));
            fixture.runEverywhere(new FusedOp.LayerNorm(epsilon), List.of(x, gamma, beta), List.of(y, mean, rstd));
            View dy = fixture.tensor(dtype, Shape.of(rows, n), random(4));
            View dx = fixture.output(dtype, Shape.of(rows, n));
            View dgamma = fixture.output(dtype, Shape.of(n));
            View dbeta = fixture.output(dtype, Shape.of(n));
            fixture.runEverywhere(new FusedOp.LayerNormGradient(), List.of(x, gamma, mean, rstd, dy),
                List.of(dx, dgamma, dbeta));
            checkLayerNorm(fixture, dtype, rows, n, epsilon, List.of(x, gamma, beta, dy),
                List.of(y, mean, rstd, dx, dgamma, dbeta));
        }
    }

    private static void checkLayerNorm(StepFixture fixture, DType dtype, int rows, int n, double epsilon,
        List<View> inputs, List<View> outputs) {
        double[] gamma = fixture.values(inputs.get(1));
        double[] beta = fixture.values(inputs.get(2));
        double[] dgamma = new double[n];
        double[] dbeta = new double[n];
        // Elements are at most 1 in size, rstd at most 10: errors of the mean are magnified by it, those of the
        // variance by rstd^2 / 2; products with normalized values (at most 20) follow.
        double bound = 20 * (10 + 50) * meanBound(dtype, n);
        double[] x = fixture.values(inputs.get(0));
        double[] cotangents = fixture.values(inputs.get(3));
        for (int i = 0; i < rows; i++) {
            double[] row = row(x, i, n);
            double[] dy = row(cotangents, i, n);
            double mean = Arrays.stream(row).sum() / n;
            double variance = Arrays.stream(row).map(v -> (v - mean) * (v - mean)).sum() / n;
            double rstd = 1 / Math.sqrt(variance + epsilon);
            assertNear(mean, fixture.get(outputs.get(1), i), meanBound(dtype, n), "mean");
            assertNear(rstd, fixture.get(outputs.get(2), i), rstd * 60 * meanBound(dtype, n), "rstd");
            double level = 0;
            double slope = 0;
            for (int j = 0; j < n; j++) {
                double normalized = (row[j] - mean) * rstd;
                double expected = normalized * gamma[j] + beta[j];
                assertNear(expected, fixture.get(outputs.get(0), (long) i * n + j),
                    bound + rounding(dtype, expected), "y");
                level += dy[j] * gamma[j] / n;
                slope += dy[j] * gamma[j] * normalized / n;
                dgamma[j] += dy[j] * normalized;
                dbeta[j] += dy[j];
            }
            for (int j = 0; j < n; j++) {
                double expected = rstd * (dy[j] * gamma[j] - level - (row[j] - mean) * rstd * slope);
                assertNear(expected, fixture.get(outputs.get(3), (long) i * n + j),
                    20 * bound + rounding(dtype, expected), "dx");
            }
        }
        for (int j = 0; j < n; j++) {
            assertNear(dgamma[j], fixture.get(outputs.get(4), j), (rows * bound + rows * 20 * rows * unit(dtype))
                + rounding(dtype, dgamma[j]), "dgamma");
            assertNear(dbeta[j], fixture.get(outputs.get(5), j), rows * (double) rows * unit(dtype)
                + rounding(dtype, dbeta[j]), "dbeta");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "F64", "F16", "BF16"})
    void rmsNormAndItsGradient(DType dtype) {
        for (int[] shape : SHAPES) {
            int rows = shape[0];
            int n = shape[1];
            double epsilon = 1e-2;
            StepFixture fixture = new StepFixture();
            View x = fixture.tensor(dtype, Shape.of(rows, n), random(n));
            View gamma = fixture.tensor(dtype, Shape.of(n), i -> 1 + 0.5 * random(2).applyAsDouble(i));
            View y = fixture.output(dtype, Shape.of(rows, n));
            View rstd = fixture.output(dtype.computeType(), Shape.of(rows));
            fixture.runEverywhere(new FusedOp.RmsNorm(epsilon), List.of(x, gamma), List.of(y, rstd));
            View dy = fixture.tensor(dtype, Shape.of(rows, n), random(4));
            View dx = fixture.output(dtype, Shape.of(rows, n));
            View dgamma = fixture.output(dtype, Shape.of(n));
            fixture.runEverywhere(new FusedOp.RmsNormGradient(), List.of(x, gamma, rstd, dy), List.of(dx, dgamma));
            checkRmsNorm(fixture, dtype, rows, n, epsilon, List.of(x, gamma, dy), List.of(y, rstd, dx, dgamma));
        }
    }

    private static void checkRmsNorm(StepFixture fixture, DType dtype, int rows, int n, double epsilon,
        List<View> inputs, List<View> outputs) {
        double[] gamma = fixture.values(inputs.get(1));
        double[] dgamma = new double[n];
        double[] sizes = new double[n];
        double[] x = fixture.values(inputs.get(0));
        double[] cotangents = fixture.values(inputs.get(2));
        // Nothing cancels in the sum of squares: rstd errs by half as much, and by its own few roundings.
        double bound = meanBound(dtype, n) / 2 + 4 * unit(dtype);
        for (int i = 0; i < rows; i++) {
            double[] row = row(x, i, n);
            double[] dy = row(cotangents, i, n);
            double rstd = 1 / Math.sqrt(Arrays.stream(row).map(v -> v * v).sum() / n + epsilon);
            assertNear(rstd, fixture.get(outputs.get(1), i), rstd * bound, "rstd");
            double slope = 0;
            double size = 0;
            for (int j = 0; j < n; j++) {
                double expected = row[j] * rstd * gamma[j];
                assertNear(expected, fixture.get(outputs.get(0), (long) i * n + j),
                    Math.abs(expected) * (bound + 2 * unit(dtype)) + rounding(dtype, expected), "y");
                double product = dy[j] * gamma[j] * row[j] * rstd;
                slope += product / n;
                size += Math.abs(product) / n;
                dgamma[j] += dy[j] * row[j] * rstd;
                sizes[j] += Math.abs(dy[j] * row[j] * rstd);
            }
            for (int j = 0; j < n; j++) {
                double normalized = row[j] * rstd;
                double expected = rstd * (dy[j] * gamma[j] - normalized * slope);
                double terms = rstd * (Math.abs(dy[j] * gamma[j]) + Math.abs(normalized) * size);
                assertNear(expected, fixture.get(outputs.get(2), (long) i * n + j),
                    terms * (4 * bound + meanBound(dtype, n)) + rounding(dtype, expected), "dx");
            }
        }
        for (int j = 0; j < n; j++) {
            assertNear(dgamma[j], fixture.get(outputs.get(3), j),
                sizes[j] * (bound + (rows + 2) * unit(dtype)) + rounding(dtype, dgamma[j]), "dgamma");
        }
    }

    @Test
    void rmsNormKeepsZerosSigns() {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.of(1, 4), 0.0, -0.0, 0.0, -0.0);
        View gamma = fixture.tensor(DType.F32, Shape.of(4), 1, 2, -3, -4);
        View y = fixture.output(DType.F32, Shape.of(1, 4));
        fixture.run(new FusedOp.RmsNorm(1e-5), List.of(x, gamma),
            List.of(y, fixture.output(DType.F32, Shape.of(1))), 512, 1);
        assertArrayEquals(new double[] {0.0, -0.0, -0.0, 0.0}, fixture.values(y));
    }

    @Test
    void layerNormOfAConstantRowIsBeta() {
        StepFixture fixture = new StepFixture();
        View x = fixture.tensor(DType.F32, Shape.of(2, 4), i -> 3);
        View gamma = fixture.tensor(DType.F32, Shape.of(4), 1, 2, 3, 4);
        View beta = fixture.tensor(DType.F32, Shape.of(4), 5, 6, 7, 8);
        View y = fixture.output(DType.F32, Shape.of(2, 4));
        fixture.run(new FusedOp.LayerNorm(1e-5), List.of(x, gamma, beta),
            List.of(y, fixture.output(DType.F32, Shape.of(2)), fixture.output(DType.F32, Shape.of(2))), 512, 1);
        assertArrayEquals(new double[] {5, 6, 7, 8, 5, 6, 7, 8}, fixture.values(y));
    }
}

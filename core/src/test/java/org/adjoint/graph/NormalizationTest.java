package org.adjoint.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.adjoint.BatchNormalized;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Normalizations against their definitions, written out. */
class NormalizationTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor tensor(double[] values, long... shape) {
        return device.tensor(values, shape);
    }

    /** Element i of {@code x}, standardized by those that are in its group. */
    private static double[] standardized(double[] x, int[] group, double epsilon) {
        double[] result = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            double sum = 0;
            double squares = 0;
            int count = 0;
            for (int j = 0; j < x.length; j++) {
                if (group[j] == group[i]) {
                    sum += x[j];
                    squares += x[j] * x[j];
                    count++;
                }
            }
            double mean = sum / count;
            result[i] = (x[i] - mean) / Math.sqrt(squares / count - mean * mean + epsilon);
        }
        return result;
    }

    private static final double[] X = {1, 4, -2, 0.5, 3, -1, 2, 2.5, -0.5, 1.5, 6, 0};

    @Test
    void channelsAreNormalizedOverTheirGroups() {
        double[] batch = standardized(X, new int[] {0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1}, 0.1);
        BatchNormalized normalized = tensor(X, 2, 2, 3).batchNorm(null, null, 0.1);
        assertArrayEquals(batch, normalized.output().toDoubleArray(), 1e-14);
        assertArrayEquals(new double[] {7 / 6.0, 10 / 6.0}, normalized.mean().toDoubleArray(), 1e-15);
        // The mean of the squares less the square of the mean.
        assertArrayEquals(new double[] {31.5 / 6 - 49 / 36.0, 48.5 / 6 - 100 / 36.0},
            normalized.variance().toDoubleArray(), 1e-14);
        double[] scaled = batch.clone();
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] = i / 3 % 2 == 0 ? 2 * batch[i] + 5 : -batch[i] + 7;
        }
        Tensor gamma = tensor(new double[] {2, -1}, 2);
        Tensor beta = tensor(new double[] {5, 7}, 2);
        assertArrayEquals(scaled, tensor(X, 2, 2, 3).batchNorm(gamma, beta, 0.1).output().toDoubleArray(), 1e-14);
        Tensor given = tensor(X, 2, 2, 3).batchNorm(normalized.mean(), normalized.variance(), gamma, beta, 0.1);
        assertArrayEquals(scaled, given.toDoubleArray(), 1e-14);
        double[] instances = standardized(X, new int[] {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}, 0.1);
        assertArrayEquals(instances, tensor(X, 2, 2, 3).instanceNorm(null, null, 0.1).toDoubleArray(), 1e-14);
        assertArrayEquals(instances, tensor(X, 2, 2, 3).groupNorm(2, null, null, 0.1).toDoubleArray(), 1e-14);
        double[] samples = standardized(X, new int[] {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}, 0.1);
        assertArrayEquals(samples, tensor(X, 2, 2, 3).groupNorm(1, null, null, 0.1).toDoubleArray(), 1e-14);
        assertArrayEquals(samples, tensor(X, 2, 2, 3).layerNorm(2, 0.1).toDoubleArray(), 1e-14);
    }

    @Test
    void severalAxesShareTheirStatistics() {
        double[] gamma = {1, 2, 3, 4, 5, 6};
        double[] samples = standardized(X, new int[] {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}, 0.1);
        double[] expected = new double[12];
        Arrays.setAll(expected, i -> samples[i] * gamma[i % 6]);
        assertArrayEquals(expected, tensor(X, 2, 2, 3).layerNorm(tensor(gamma, 2, 3), 0.1).toDoubleArray(), 1e-14);
        double[] roots = new double[12];
        Arrays.setAll(roots, i -> {
            double squares = Arrays.stream(X, i / 6 * 6, i / 6 * 6 + 6).map(x -> x * x).sum();
            return X[i] / Math.sqrt(squares / 6 + 0.1);
        });
        assertArrayEquals(roots, tensor(X, 2, 2, 3).rmsNorm(2, 0.1).toDoubleArray(), 1e-14);
    }

    @Test
    void neighboringChannelsCount() {
        Tensor x = tensor(new double[] {1, 2, 3, 4}, 1, 4);
        // Windows {1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4}; the missing ones are 0.
        double[] sums = {5, 14, 29, 25};
        double[] expected = new double[4];
        Arrays.setAll(expected, i -> (i + 1) / Math.pow(2 + 0.5 / 3 * sums[i], 0.75));
        assertArrayEquals(expected, x.localResponseNorm(3, 0.5, 0.75, 2).toDoubleArray(), 1e-14);
        // Of two, one is in front.
        assertArrayEquals(new double[] {1 / 1.5, 2 / 3.5, 3 / 7.5, 4 / 13.5},
            x.localResponseNorm(2, 1, 1, 1).toDoubleArray(), 1e-14);
    }

    @Test
    void lengthsBecomeOne() {
        Tensor x = tensor(new double[] {3, -4, 0, 0}, 2, 2);
        assertArrayEquals(new double[] {0.6, -0.8, 0, 0}, x.normalize(2, 1).toDoubleArray(), 1e-15);
        assertArrayEquals(new double[] {3 / 7.0, -4 / 7.0, 0, 0}, x.normalize(1, 1).toDoubleArray(), 1e-15);
        assertArrayEquals(new double[] {0.75, -1, 0, 0},
            x.normalize(Double.POSITIVE_INFINITY, 1).toDoubleArray(), 1e-15);
        double cubes = Math.cbrt(27 + 64);
        assertArrayEquals(new double[] {3 / cubes, -4 / cubes, 0, 0}, x.normalize(3, 1).toDoubleArray(), 1e-15);
        assertArrayEquals(new double[] {0, 0}, x.normalize(2, 1).sum().gradient(x).slice(0, 1, 2).mul(0).reshape(2)
            .toDoubleArray());
    }

    /** The mean square less the squared mean would lose all digits here. */
    @Test
    void aVarianceSurvivesALargeMean() {
        float[] values = new float[64];
        for (int i = 0; i < 64; i++) {
            values[i] = 10_000 + i % 4;
        }
        Tensor x = device.tensor(values, 16, 1, 4);
        assertEquals(1.25, x.batchNorm(null, null, 1e-5).variance().item(), 1e-4);
        assertEquals(DType.F32, x.to(DType.BF16).batchNorm(null, null, 1e-5).mean().dtype());
        assertEquals(DType.BF16, x.to(DType.BF16).batchNorm(null, null, 1e-5).output().dtype());
    }
}

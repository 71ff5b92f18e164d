package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/** A Hessian-vector product through every fused operation, against central differences of the gradient. */
class SecondOrderTest {
    private static final int BATCH = 2;
    private static final int TIME = 5;
    private static final int WIDTH = 4;
    private static final int CLASSES = 3;

    private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(42);

    private double[] normal(int count) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextGaussian();
        }
        return values;
    }

    /** Layer norm, RMS norm, causal attention, softmax, logSoftmax, GELU and cross-entropy in one small network. */
    private static Tensor loss(Tensor x, Tensor targets, List<Tensor> p) {
        Tensor h = x.layerNorm(p.get(0), p.get(1), 1e-5);
        Tensor attended = h.matmul(p.get(2)).attention(h.matmul(p.get(3)), h.matmul(p.get(4)), true).add(x);
        Tensor gate = attended.rmsNorm(p.get(7), 1e-5).matmul(p.get(5)).softmax(-1);
        Tensor logits = attended.mul(gate).gelu().matmul(p.get(6));
        return logits.crossEntropy(targets).add(logits.logSoftmax(-1).square().mean().mul(0.1));
    }

    @Test
    void aHessianVectorProductAgreesWithDifferencesOfTheGradient() {
        try (Device device = Device.open("reference")) {
            Tensor x = device.tensor(normal(BATCH * TIME * WIDTH), BATCH, TIME, WIDTH);
            int[] classes = new int[BATCH * TIME];
            for (int i = 0; i < classes.length; i++) {
                classes[i] = random.nextInt(CLASSES);
            }
            Tensor targets = device.tensor(classes, BATCH, TIME);
            List<long[]> shapes = List.of(new long[] {WIDTH}, new long[] {WIDTH}, new long[] {WIDTH, WIDTH},
                new long[] {WIDTH, WIDTH}, new long[] {WIDTH, WIDTH}, new long[] {WIDTH, WIDTH},
                new long[] {WIDTH, CLASSES}, new long[] {WIDTH});
            List<Tensor> parameters = new ArrayList<>();
            List<Tensor> direction = new ArrayList<>();
            for (long[] shape : shapes) {
                int count = 1;
                for (long extent : shape) {
                    count *= (int) extent;
                }
                parameters.add(device.tensor(normal(count), shape));
                direction.add(device.tensor(normal(count), shape));
            }

            List<Tensor> gradients = loss(x, targets, parameters).gradients(parameters);
            Tensor slope = device.full(org.adjoint.graph.DType.F64, 0);
            for (int i = 0; i < gradients.size(); i++) {
                slope = slope.add(gradients.get(i).mul(direction.get(i)).sum());
            }
            List<Tensor> product = slope.gradients(parameters);

            double step = 1e-4;
            double largest = 0;
            double worst = 0;
            List<double[]> numeric = new ArrayList<>();
            for (int i = 0; i < parameters.size(); i++) {
                // Richardson extrapolation of central differences: (4 d(h) - d(2h)) / 3.
                double[] near = difference(x, targets, parameters, direction, i, step);
                double[] far = difference(x, targets, parameters, direction, i, 2 * step);
                double[] extrapolated = new double[near.length];
                for (int j = 0; j < near.length; j++) {
                    extrapolated[j] = (4 * near[j] - far[j]) / 3;
                    largest = Math.max(largest, Math.abs(extrapolated[j]));
                }
                numeric.add(extrapolated);
            }
            for (int i = 0; i < parameters.size(); i++) {
                double[] analytic = product.get(i).toDoubleArray();
                for (int j = 0; j < analytic.length; j++) {
                    double greater = Math.max(Math.abs(analytic[j]), Math.abs(numeric.get(i)[j]));
                    double scale = Math.max(greater, 1e-3 * largest);
                    worst = Math.max(worst, Math.abs(analytic[j] - numeric.get(i)[j]) / scale);
                }
            }
            assertTrue(largest > 0.01, "the product is not trivially zero");
            assertEquals(0, worst, 1e-6);
        }
    }

    private static double[] difference(Tensor x, Tensor targets, List<Tensor> parameters, List<Tensor> direction,
        int index, double step) {
        double[] up = gradientAt(x, targets, parameters, direction, step).get(index).toDoubleArray();
        double[] down = gradientAt(x, targets, parameters, direction, -step).get(index).toDoubleArray();
        double[] result = new double[up.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = (up[i] - down[i]) / (2 * step);
        }
        return result;
    }

    private static List<Tensor> gradientAt(Tensor x, Tensor targets, List<Tensor> parameters, List<Tensor> direction,
        double step) {
        List<Tensor> moved = new ArrayList<>();
        for (int i = 0; i < parameters.size(); i++) {
            moved.add(parameters.get(i).add(direction.get(i).mul(step)).realize());
        }
        return loss(x, targets, moved).gradients(moved);
    }
}

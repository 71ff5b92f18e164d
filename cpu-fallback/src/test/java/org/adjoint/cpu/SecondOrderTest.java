package org.adjoint.cpu;

import java.util.SplittableRandom;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.gradcheck.GradientCheck;
import org.junit.jupiter.api.Test;

/** The gradient of the gradient through every fused kernel that has a gradient of its own. */
class SecondOrderTest {
    private static final int BATCH = 2;
    private static final int TIME = 5;
    private static final int WIDTH = 4;
    private static final int CLASSES = 3;

    private final SplittableRandom random = new SplittableRandom(3);

    @Test
    void hessianVectorProductsAgreeWithDifferencesOfTheGradient() {
        try (Device device = Device.open("cpu")) {
            Tensor x = normal(device, BATCH, TIME, WIDTH);
            Tensor targets = device.tensor(random.ints(BATCH * TIME, 0, CLASSES).toArray(), BATCH, TIME);
            GradientCheck.of(p -> {
                Tensor h = x.layerNorm(p[0], p[1], 1e-5);
                Tensor attended = h.matmul(p[2]).attention(h.matmul(p[3]), h.matmul(p[4]), true).add(x);
                Tensor gated = attended.mul(attended.rmsNorm(p[7], 1e-5).matmul(p[5]).softmax(-1)).gelu();
                Tensor logits = gated.matmul(p[6]);
                return logits.crossEntropy(targets).add(logits.logSoftmax(-1).square().mean().mul(0.1));
            }).named("a small transformer").order(2).tolerance(1e-6).assertGradients(normal(device, WIDTH),
                normal(device, WIDTH), normal(device, WIDTH, WIDTH), normal(device, WIDTH, WIDTH),
                normal(device, WIDTH, WIDTH), normal(device, WIDTH, WIDTH), normal(device, WIDTH, CLASSES),
                normal(device, WIDTH));
        }
    }

    private Tensor normal(Device device, long... shape) {
        long count = 1;
        for (long extent : shape) {
            count *= extent;
        }
        double[] values = new double[(int) count];
        for (int i = 0; i < values.length; i++) {
            // The sum of twelve uniforms, less six: near enough to normal.
            values[i] = random.doubles(12).sum() - 6;
        }
        return device.tensor(values, shape);
    }
}

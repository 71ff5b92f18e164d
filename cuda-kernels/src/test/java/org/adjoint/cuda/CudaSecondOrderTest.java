package org.adjoint.cuda;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.LongStream;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.gradcheck.GradientCheck;
import org.junit.jupiter.api.Test;

/** Hessian-vector products on the emulated card agree with differences of the gradient. */
class CudaSecondOrderTest {
    private final Random random = new Random(3);

    @Test
    void throughFusedKernelsThatHaveGradientsOfTheirOwn() {
        Emulator emulator = Emulator.require();
        emulator.reset();
        emulator.order(Emulator.Order.FORWARD);
        try (Device device = Device.open("cuda")) {
            Tensor x = normal(device, 2, 3, 4);
            Tensor targets = device.tensor(new int[] {0, 2, 1, 1, 0, 2}, 2, 3);
            GradientCheck.of(p -> {
                Tensor h = x.layerNorm(p[0], p[1], 1e-5);
                Tensor attended = h.attention(h.matmul(p[2]), h, true).add(x);
                return attended.rmsNorm(p[4], 1e-5).matmul(p[3]).crossEntropy(targets);
            }).named("attention between norms").order(2).tolerance(1e-6).assertGradients(normal(device, 4),
                normal(device, 4), normal(device, 4, 4), normal(device, 4, 3), normal(device, 4));
        }
    }

    private Tensor normal(Device device, long... shape) {
        double[] values = new double[(int) LongStream.of(shape).reduce(1, (a, b) -> a * b)];
        Arrays.setAll(values, _ -> random.nextGaussian());
        return device.tensor(values, shape);
    }
}

package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.contract.RandomPrograms;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.Test;

class CpuRandomProgramsTest {
    @Test
    void randomProgramsGiveTheReferencesResultsAndGradients() {
        int programs = Integer.getInteger("adjoint.test.randomPrograms", 10_000);
        assertEquals(List.of(), RandomPrograms.runInThreads(Runtime.getRuntime().availableProcessors(),
            () -> Device.open("cpu", Map.of("threads", "1")), any -> any, programs));
    }

    /** Gradients compute the elements again, and must find the one that the stored maximum is equal to. */
    @Test
    void aMaximumOfHalvesIsOneOfThem() {
        try (Device device = Device.open("cpu")) {
            for (DType dtype : List.of(DType.F16, DType.BF16)) {
                Tensor x = device.arange(DType.F32, 60).add(1).mul(0.37).sin().mul(2).to(dtype).reshape(10, 6).realize();
                float[] gradient = x.square().add(0.25).sqrt().max(1).to(DType.F32).sum().gradient(x).toFloatArray();
                check(dtype + ", not stored", gradient);
                List<Tensor> both = Step.compileAll(device, arguments -> {
                    Tensor root = arguments.getFirst().abs().add(0.5).rsqrt();
                    Tensor loss = root.silu().max(1).to(DType.F32).sum();
                    return List.of(root, loss.gradient(arguments.getFirst()));
                }).runAll(List.of(x));
                check(dtype + ", stored", both.getLast().toFloatArray());
            }
        }
    }

    /** What a plan has stored is compared with elements that another one computes, and rounds elsewhere. */
    @Test
    void aMinimumThatWasReadIsStillOneOfThem() {
        try (Device device = Device.open("cpu")) {
            for (DType dtype : List.of(DType.F16, DType.BF16)) {
                for (int seed = 0; seed < 30; seed++) {
                    double[] numbers = new Random(seed).doubles(64, -2, 2).toArray();
                    Tensor x = device.tensor(numbers, new long[] {1, 64}).to(dtype);
                    Tensor least = x.abs().add(0.5).rsqrt().min(0, 1);
                    least.toFloatArray();
                    double gradient = least.to(DType.F32).gradient(x).to(DType.F32).abs().sum().item();
                    assertTrue(gradient > 0.05 && gradient < 4, dtype + " " + seed + ": " + gradient);
                }
            }
        }
    }

    /** One of six elements of each row, or those that tie, has the gradient. */
    private static void check(String what, float[] gradient) {
        for (int row = 0; row < gradient.length; row += 6) {
            float sum = 0;
            for (int i = row; i < row + 6; i++) {
                sum += Math.abs(gradient[i]);
            }
            assertTrue(sum > 0.05 && sum < 4, what + ", row " + row / 6 + ": " + sum);
        }
    }
}

package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.adjoint.AnomalyException;
import org.adjoint.Debug;
import org.adjoint.Device;
import org.adjoint.Functions;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.cuda.emulator.Emulator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Recomputation, mapped functions and the search for anomalies in steps on the emulated card. */
class CudaTransformsTest {
    @BeforeEach
    void start() {
        Emulator emulator = Emulator.require();
        emulator.reset();
        emulator.order(Emulator.Order.FORWARD);
    }

    @Test
    void checkpointsSpareMemoryAndChangeNoBit() {
        Random random = new Random(1);
        float[] weights = new float[6 * 16 * 16];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) (0.2 * random.nextGaussian());
        }
        try (Device device = Device.open("cuda")) {
            Tensor w = device.tensor(weights, 6, 16, 16);
            Tensor x = device.tensor(Arrays.copyOf(weights, 64 * 16), 64, 16);
            Step plain = chain(device, false);
            Step again = chain(device, true);
            assertArrayEquals(plain.run(x, w).toFloatArray(), again.run(x, w).toFloatArray());
            long without = plain.memory().arenaBytes();
            long with = again.memory().arenaBytes();
            assertTrue(with < 0.8 * without, with + " bytes rather than " + without);
        }
    }

    private static Step chain(Device device, boolean again) {
        return Step.compile(device, (x, w) -> {
            Tensor y = x;
            for (int i = 0; i < 6; i++) {
                Tensor weight = w.slice(0, i, i + 1).squeeze(0);
                Step.Function1 layer = in -> in.matmul(weight).tanh().mul(in.exp()).tanh();
                y = (again ? Functions.checkpoint(layer) : layer).apply(y);
            }
            return y.square().sum().gradient(w);
        });
    }

    @Test
    void anomaliesAreNamed() {
        try (Device device = Device.open("cuda")) {
            Step step = Step.compile(device,
                x -> Functions.vmap(row -> row.mul(2).sqrt().sum()).apply(x).sum().gradient(x));
            Tensor x = device.tensor(new float[] {1, 4, 0, 2}, 2, 2);
            assertEquals(Float.POSITIVE_INFINITY, step.run(x).toFloatArray()[2]);
            try (var _ = Debug.detectAnomaly()) {
                var anomaly = assertThrows(AnomalyException.class, () -> step.run(x));
                assertTrue(anomaly.getMessage().contains("the gradient of sqrt, a div, gave Infinity at [1, 0]"),
                    anomaly.getMessage());
                assertEquals("CudaTransformsTest.java", anomaly.location().orElseThrow().getFileName());
                List<Tensor> finite = List.of(step.run(device.tensor(new float[] {2, 2, 2, 2}, 2, 2)));
                assertArrayEquals(new float[] {0.5f, 0.5f, 0.5f, 0.5f}, finite.getFirst().toFloatArray());
            }
        }
    }
}

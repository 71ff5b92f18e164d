package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.adjoint.model.GPT;
import org.adjoint.optim.AdamW;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whole training steps on the emulated card against the CPU's. */
class CudaTrainingTest {
    private static final int STEPS = 10;

    private Emulator emulator;

    @BeforeEach
    void start() {
        emulator = Emulator.require();
        emulator.reset();
        emulator.order(Emulator.Order.FORWARD);
    }

    /** The model that the command line trains, with two layers of its four. */
    @Test
    void losesAsTheCpuDoes() {
        GPT.Config model = new GPT.Config(256, 128, 2, 4, 128);
        compare(model, 8, Map.of(), 1e-4);
    }

    /** Dropout draws the same numbers; 16-bit parameters round as they do on the CPU. */
    @Test
    void losesAsTheCpuDoesWithDropoutIn16Bits() {
        GPT.Config model = new GPT.Config(61, 32, 2, 2, 32).withDropout(0.1).withDType(DType.BF16);
        compare(model, 4, Map.of("pooling", "false", "separateIntermediates", "true", "graphs", "false"), 2e-2);
    }

    /** A dry run launches as many kernels, which do nothing. */
    @Test
    void dryRunsComputeNothing() {
        try (Device device = Device.open("cuda")) {
            var counter = device.variable("counter", device.full(DType.F32, 3));
            Tensor one = device.tensor(new float[] {1}).reshape();
            try (Step step = Step.compile(device, x -> {
                counter.assign(counter.tensor().add(x));
                return counter.tensor();
            })) {
                assertTrue(step.dryRunNanos(one) > 0);
                assertEquals(3, counter.tensor().item());
                assertEquals(4, step.run(one).item());
            }
            assertEquals("", emulator.fault());
        }
    }

    private void compare(GPT.Config model, int batch, Map<String, String> options, double tolerance) {
        double[] actual;
        try (Device device = Device.open("cuda", options)) {
            actual = losses(device, model, batch);
            assertEquals("", emulator.fault());
        }
        double[] expected;
        try (Device device = Device.open("cpu")) {
            expected = losses(device, model, batch);
        }
        assertTrue(expected[STEPS - 1] < 0.95 * expected[0], "the model does not learn: " + Arrays.toString(expected));
        assertArrayEquals(expected, actual, tolerance);
        assertEquals(0, emulator.liveBytes());
    }

    private static double[] losses(Device device, GPT.Config config, int batch) {
        device.random().seed(5);
        GPT model = GPT.of(config).initialize(device, 7);
        AdamW optimizer = AdamW.of(model.parameters()).learningRate(1e-3).weightDecay(0.1);
        Step step = Step.compile(device, (tokens, targets) -> {
            Tensor loss = model.loss(tokens, targets);
            optimizer.minimize(loss);
            return loss;
        });
        int count = batch * config.context();
        int[] text = new Random(3).ints(2L * count, 0, config.vocabulary() / 4).toArray();
        double[] losses = new double[STEPS];
        for (int i = 0; i < STEPS; i++) {
            try (var scope = device.scope()) {
                losses[i] = step.run(device.tensor(Arrays.copyOf(text, count), batch, config.context()),
                    device.tensor(Arrays.copyOfRange(text, count, 2 * count), batch, config.context())).item();
            }
        }
        return losses;
    }
}

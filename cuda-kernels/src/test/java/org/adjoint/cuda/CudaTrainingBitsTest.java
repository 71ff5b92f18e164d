package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.Map;
import java.util.SplittableRandom;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.adjoint.model.GPT;
import org.adjoint.optim.AdamW;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Training gives the same bits however memory is laid out, whether or not runs are replayed, on any number of processors. */
class CudaTrainingBitsTest {
    private static final int VOCABULARY = 20;

    private Emulator emulator;

    @BeforeEach
    void start() {
        emulator = Emulator.require();
        emulator.reset();
        emulator.order(Emulator.Order.FORWARD);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void areTheSameHoweverItRuns(DType dtype) {
        long expected = train(dtype, 7, Map.of());
        assertNotEquals(expected, train(dtype, 8, Map.of()), "another seed");
        assertEquals(expected, train(dtype, 7, Map.of("graphs", "false")));
        assertEquals(expected, train(dtype, 7, Map.of("graphs", "false", "pooling", "false",
            "separateIntermediates", "true")));
        assertEquals(expected, train(dtype, 7, Map.of("blocking", "true")));
        emulator.device(90, 7);
        assertEquals(expected, train(dtype, 7, Map.of()), "a card of seven multiprocessors");
    }

    /** Hash of all parameters after training with dropout, losses mixed in. */
    private long train(DType dtype, long seed, Map<String, String> options) {
        try (Device device = Device.open("cuda", options)) {
            device.random().seed(seed);
            GPT model = GPT.of(new GPT.Config(VOCABULARY, 13, 2, 2, 16).withDropout(0.1).withDType(dtype))
                .initialize(device, 7);
            AdamW optimizer = AdamW.of(model.parameters()).learningRate(1e-3).clipNorm(1);
            Step step = Step.compile(device, (tokens, targets) -> {
                Tensor loss = model.loss(tokens, targets);
                optimizer.minimize(loss);
                return loss;
            });
            SplittableRandom random = new SplittableRandom(11);
            long hash = 17;
            for (int i = 0; i < 4; i++) {
                try (var scope = device.scope()) {
                    hash = mix(hash, step.run(draw(device, random), draw(device, random)));
                }
            }
            for (Variable parameter : model.parameters()) {
                hash = mix(hash, parameter.tensor());
            }
            assertEquals("", emulator.fault());
            return hash;
        }
    }

    private static Tensor draw(Device device, SplittableRandom random) {
        return device.tensor(random.ints(3 * 13, 0, VOCABULARY).toArray(), 3, 13);
    }

    private static long mix(long hash, Tensor tensor) {
        long result = hash;
        for (double value : tensor.toDoubleArray()) {
            result = result * 1_000_003 + Double.doubleToLongBits(value);
        }
        return result;
    }
}

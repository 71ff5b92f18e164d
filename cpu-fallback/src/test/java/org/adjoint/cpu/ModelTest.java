package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.data.Batch;
import org.adjoint.data.TokenBatches;
import org.adjoint.graph.DType;
import org.adjoint.io.Checkpoint;
import org.adjoint.model.Decoder;
import org.adjoint.model.GPT;
import org.adjoint.model.Sampler;
import org.adjoint.nn.Activation;
import org.adjoint.nn.Linear;
import org.adjoint.nn.Sequential;
import org.adjoint.optim.AdamW;
import org.adjoint.optim.Optimizer;
import org.adjoint.optim.Schedule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Models on this backend: they learn, agree with the reference, decode from a cache, and go on where they stopped. */
class ModelTest {
    private static final byte[] TEXT = "Sphinx of black quartz, judge my vow. ".repeat(4)
        .getBytes(StandardCharsets.US_ASCII);

    /** A GPT in training: dropout, clipping, weight decay for matrices, a schedule. */
    private static final class Run implements AutoCloseable {
        private final Device device;
        private final GPT gpt;
        private final AdamW adam;
        private final TokenBatches batches = TokenBatches.of(TEXT, 3, 17, 5);
        private final Schedule schedule = Schedule.cosine(2e-2, 2e-3, 100).warmup(5);
        private final Step step;

        Run(String name, DType dtype, double dropout) {
            device = Device.open(name);
            device.random().seed(13);
            gpt = GPT.of(new GPT.Config(128, 40, 2, 2, 24, dropout, dtype)).initialize(device, 1);
            adam = AdamW.of(gpt.parameters()).weightDecay(0.1).decayOnly(Optimizer.MATRICES).clipNorm(1);
            step = Step.compile(device, (x, y) -> {
                Tensor loss = gpt.loss(x, y);
                adam.minimize(loss);
                return loss;
            });
        }

        double[] train(int from, int to) {
            double[] losses = new double[to - from];
            for (int i = from; i < to; i++) {
                adam.learningRate(schedule.rate(i));
                Batch batch = batches.sample(i);
                losses[i - from] = step.run(batch.tokens(device), batch.targets(device)).item();
            }
            return losses;
        }

        Checkpoint checkpoint() {
            return Checkpoint.of(gpt.namedParameters()).with(adam.state()).with(device.random());
        }

        @Override
        public void close() {
            device.close();
        }
    }

    @Test
    void theFirstProgramLearnsXor() {
        try (Device device = Device.open("cpu")) {
            Tensor xs = device.tensor(new float[] {0, 0, 0, 1, 1, 0, 1, 1}, 4, 2);
            Tensor ys = device.tensor(new float[] {0, 1, 1, 0}, 4, 1);
            Sequential net = Sequential.of(Linear.of(2, 8), Activation.TANH, Linear.of(8, 1)).initialize(device, 42);
            AdamW adam = AdamW.of(net.parameters()).learningRate(1e-2);
            Step step = Step.compile(device, (x, y) -> {
                Tensor loss = net.forward(x).binaryCrossEntropyWithLogits(y);
                adam.minimize(loss);
                return loss;
            });
            for (int i = 0; i < 1000; i++) {
                step.run(xs, ys).close();
            }
            assertArrayEquals(new double[] {0, 1, 1, 0}, net.forward(xs).sigmoid().toDoubleArray(), 0.1);
        }
    }

    /** Both start with the same values and see the same batches and dropout masks. */
    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F64", "F32", "BF16"})
    void trainingFollowsTheReference(DType dtype) {
        try (Run cpu = new Run("cpu", dtype, 0.1); Run reference = new Run("reference", DType.F64, 0.1)) {
            double[] expected = reference.train(0, 5);
            // BF16 parameters lose what is below their eight bits at each step.
            double tolerance = switch (dtype) {
                case F64 -> 1e-9;
                case F32 -> 1e-4;
                default -> 0.1;
            };
            assertArrayEquals(expected, cpu.train(0, 5), tolerance);
        }
    }

    @Test
    void aGptLearnsTheTextAndWritesIt() {
        try (Run run = new Run("cpu", DType.F32, 0)) {
            double first = run.train(0, 1)[0];
            assertEquals(Math.log(128), first, 0.1);
            double[] losses = run.train(1, 100);
            double last = Arrays.stream(losses).skip(90).average().orElseThrow();
            assertTrue(last < 0.5, "the loss fell from " + first + " to " + last);
            assertEquals(1, run.step.traces());
            StringBuilder text = new StringBuilder();
            try (Decoder decoder = Decoder.of(run.gpt.eval())) {
                int[] prompt = "Sphinx of bl".chars().toArray();
                decoder.generate(prompt, 10, Sampler.of(0).temperature(0), token -> text.append((char) token) != null);
                long traces = decoder.traces();
                long plans = run.device.plansMade();
                decoder.generate(prompt, 100, Sampler.of(0), token -> true);
                assertEquals(traces, decoder.traces());
                assertEquals(plans, run.device.plansMade(), "a token makes no plan");
            }
            assertEquals("ack quartz", text.toString());
        }
    }

    @Test
    void cachedDecodingGivesTheLogitsOfTheWholeSequence() {
        try (Run run = new Run("cpu", DType.F32, 0)) {
            run.train(0, 20);
            int[] text = run.batches.sample(1).tokens();
            int[] tokens = Arrays.copyOf(text, 40);
            float[] whole = run.gpt.eval().logits(run.device.tensor(tokens, 1, 40)).toFloatArray();
            List<float[]> cached = new ArrayList<>();
            try (Decoder decoder = Decoder.of(run.gpt)) {
                cached.add(decoder.feed(Arrays.copyOf(tokens, 33)));
                for (int t = 33; t < 40; t++) {
                    cached.add(decoder.feed(tokens[t]));
                }
            }
            for (int t = 32; t < 40; t++) {
                float[] expected = Arrays.copyOfRange(whole, t * 128, (t + 1) * 128);
                assertArrayEquals(expected, cached.get(t - 32), 2e-5f, "token " + t);
            }
        }
    }

    @Test
    void aResumedRunHasTheSameBits(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("checkpoint.safetensors");
        double[] losses;
        try (Run run = new Run("cpu", DType.F32, 0.1)) {
            losses = run.train(0, 12);
        }
        try (Run run = new Run("cpu", DType.F32, 0.1)) {
            run.train(0, 6);
            run.checkpoint().save(file, Map.of("step", "6"));
        }
        try (Run run = new Run("cpu", DType.F32, 0.1)) {
            int step = Integer.parseInt(run.checkpoint().load(file).get("step"));
            assertArrayEquals(Arrays.copyOfRange(losses, 6, 12), run.train(step, 12));
        }
    }

    @Test
    void tenThousandStepsHoldNoMoreMemoryThanAHundred() {
        try (Device device = Device.open("cpu")) {
            var net = Sequential.of(Linear.of(2, 8), Activation.TANH, Linear.of(8, 1)).initialize(device, 42);
            var adam = AdamW.of(net.parameters()).learningRate(1e-2);
            Step step = Step.compile(device, (x, y) -> {
                Tensor loss = net.forward(x).binaryCrossEntropyWithLogits(y);
                adam.minimize(loss);
                return loss;
            });
            long early = 0;
            for (int i = 0; i < 10_000; i++) {
                try (var scope = device.scope()) {
                    Tensor x = device.tensor(new float[] {0, 0, 0, 1, 1, 0, 1, 1}, 4, 2);
                    step.run(x, device.tensor(new float[] {0, 1, 1, 0}, 4, 1));
                }
                early = i == 99 ? device.liveBytes() : early;
            }
            assertEquals(early, device.liveBytes());
            assertEquals(1, step.traces());
        }
    }

    @Test
    void aLongRunHoldsNoMoreMemoryThanAShortOne() {
        try (Run run = new Run("cpu", DType.F32, 0.1)) {
            Batch batch = run.batches.sample(0);
            Tensor x = batch.tokens(run.device);
            Tensor y = batch.targets(run.device);
            long early = 0;
            for (int i = 0; i < 300; i++) {
                run.adam.learningRate(run.schedule.rate(i));
                run.step.run(x, y).close();
                early = i == 20 ? run.device.liveBytes() : early;
            }
            assertEquals(early, run.device.liveBytes());
        }
    }
}

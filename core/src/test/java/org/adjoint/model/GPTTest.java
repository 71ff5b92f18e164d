package org.adjoint.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Functions;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.optim.AdamW;
import org.adjoint.optim.Optimizer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GPTTest {
    private static final GPT.Config TINY = new GPT.Config(11, 40, 2, 2, 8).withDType(DType.F64);
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void checkpointedBlocksGiveTheSameGradientsFromLessMemory() {
        GPT gpt = GPT.of(new GPT.Config(11, 40, 6, 2, 8).withDropout(0.1)).initialize(device, 1);
        Tensor x = device.tensor(tokens(80, 11), 2, 40);
        Tensor y = device.tensor(tokens(81, 11), 81).slice(0, 1, 81).reshape(2, 40).realize();
        Step step = Step.compileAll(device, in -> {
            Tensor loss = gpt.loss(in.get(0), in.get(1));
            List<Tensor> results = new ArrayList<>(List.of(loss));
            results.addAll(loss.gradients(gpt.parameters()));
            return results;
        });
        device.random().seed(2);
        List<Tensor> expected = step.runAll(List.of(x, y));
        long without = step.memory().arenaBytes();
        gpt.checkpointBlocks(true);
        device.random().seed(2);
        List<Tensor> actual = step.runAll(List.of(x, y));
        assertEquals(2, step.traces());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i).toFloatArray(), actual.get(i).toFloatArray());
        }
        assertTrue(step.memory().arenaBytes() < 0.6 * without, step.memory().arenaBytes() + " rather than " + without);
    }

    @Test
    void gradientsPerExampleAddUpToThoseOfTheBatch() {
        GPT gpt = GPT.of(TINY).initialize(device, 1);
        Tensor x = device.tensor(tokens(30, 11), 3, 10);
        Tensor y = device.tensor(tokens(31, 11), 31).slice(0, 1, 31).reshape(3, 10).realize();
        List<Variable> parameters = gpt.parameters();
        int[] outAxes = new int[parameters.size()];
        Step step = Step.compileAll(device, in -> Functions.vmapAll(example -> gpt.loss(example.get(0).unsqueeze(0),
            example.get(1).unsqueeze(0)).gradients(parameters), new int[] {0, 0}, outAxes).apply(in));
        List<Tensor> each = step.runAll(List.of(x, y));
        List<Tensor> all = gpt.loss(x, y).gradients(parameters);
        for (int i = 0; i < all.size(); i++) {
            assertArrayEquals(all.get(i).toDoubleArray(), each.get(i).mean(0).toDoubleArray(), 1e-12);
        }
    }

    /** Tokens without a pattern that a model could know. */
    private static int[] tokens(int count, int vocabulary) {
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = (i * i * 7 + i * 3 + 1) % vocabulary;
        }
        return tokens;
    }

    @Test
    void parametersAreGpt2s() {
        GPT gpt = GPT.of(GPT.Config.gpt2());
        assertEquals(124_439_808, gpt.parameterCount());
        Map<String, Shape> shapes = gpt.parameterShapes();
        assertEquals(148, shapes.size());
        assertEquals(Shape.of(50_257, 768), shapes.get("tokenEmbedding.weight"));
        assertEquals(Shape.of(2_304, 768), shapes.get("blocks.11.attention.qkv.weight"));
        assertEquals(Shape.of(768, 3_072), shapes.get("blocks.0.mlp.contract.weight"));
        assertEquals(List.of("wte.weight", "wpe.weight", "h.10.ln_1.weight", "h.10.attn.c_attn.bias",
                "h.10.attn.c_proj.weight", "h.10.ln_2.bias", "h.10.mlp.c_fc.weight", "h.10.mlp.c_proj.weight",
                "ln_f.bias"),
            List.of("tokenEmbedding.weight", "positionEmbedding.weight", "blocks.10.norm1.weight",
                "blocks.10.attention.qkv.bias", "blocks.10.attention.output.weight", "blocks.10.norm2.bias",
                "blocks.10.mlp.expand.weight", "blocks.10.mlp.contract.weight", "norm.bias")
                .stream().map(GPT::gpt2Name).toList());
        assertTrue(shapes.keySet().containsAll(List.of("blocks.10.norm1.weight", "norm.bias")));
    }

    @Test
    void weightsOfAGpt2AreTakenAndGiven() {
        GPT source = GPT.of(TINY).initialize(device, 1);
        GPT target = GPT.of(TINY).initialize(device, 2);
        Map<String, Tensor> weights = source.toGpt2();
        assertEquals(Shape.of(8, 24), weights.get("h.1.attn.c_attn.weight").shape());
        target.loadGpt2(weights::get);
        source.namedParameters().forEach((name, variable) -> assertArrayEquals(variable.tensor().toDoubleArray(),
            target.namedParameters().get(name).tensor().toDoubleArray(), name));
        weights.remove("ln_f.bias");
        assertEquals("GPT: there is no 'ln_f.bias' for 'norm.bias'",
            assertThrows(IllegalArgumentException.class, () -> target.loadGpt2(weights::get)).getMessage());
        weights.put("ln_f.bias", device.zeros(DType.F64, 9));
        assertEquals("GPT: parameter 'norm.bias' is (8) but 'ln_f.bias' holds (9)",
            assertThrows(IllegalArgumentException.class, () -> target.loadGpt2(weights::get)).getMessage());
    }

    @Test
    void theFirstLossIsThatOfAGuess() {
        GPT gpt = GPT.of(TINY).initialize(device, 3);
        int[] text = tokens(61, 11);
        Tensor x = device.tensor(Arrays.copyOfRange(text, 0, 60), 2, 30);
        Tensor y = device.tensor(Arrays.copyOfRange(text, 1, 61), 2, 30);
        assertEquals(Math.log(11), gpt.loss(x, y).item(), 0.02);
    }

    @Test
    void residualProjectionsStartSmaller() {
        GPT gpt = GPT.of(new GPT.Config(5, 8, 8, 4, 64)).initialize(device, 3);
        assertEquals(0.02, deviation(gpt, "blocks.3.attention.qkv.weight"), 0.001);
        assertEquals(0.005, deviation(gpt, "blocks.3.attention.output.weight"), 0.0003);
        assertEquals(0.005, deviation(gpt, "blocks.3.mlp.contract.weight"), 0.0003);
        assertEquals(0, deviation(gpt, "blocks.3.mlp.contract.bias"));
    }

    private static double deviation(GPT gpt, String name) {
        double[] values = gpt.namedParameters().get(name).tensor().toDoubleArray();
        return Math.sqrt(Arrays.stream(values).map(v -> v * v).average().orElseThrow());
    }

    @Test
    void aLaterTokenDoesNotChangeEarlierLogits() {
        GPT gpt = sharpened();
        int[] text = tokens(12, 11);
        double[] before = gpt.logits(device.tensor(text, 1, 12)).toDoubleArray();
        text[7] = (text[7] + 1) % 11;
        double[] after = gpt.logits(device.tensor(text, 1, 12)).toDoubleArray();
        assertArrayEquals(Arrays.copyOf(before, 7 * 11), Arrays.copyOf(after, 7 * 11));
        for (int t = 7; t < 12; t++) {
            assertNotEquals(before[t * 11], after[t * 11], "token " + t + " sees token 7");
        }
    }

    /** With weights ten times the usual, so that attention is no mere average. */
    private GPT sharpened() {
        GPT gpt = GPT.of(TINY).initialize(device, 5).eval();
        gpt.parameters().forEach(p -> p.assign(p.tensor().mul(10)));
        return gpt;
    }

    @Test
    void cachedDecodingGivesTheLogitsOfTheWholeSequence() {
        GPT gpt = sharpened();
        int[] text = tokens(40, 11);
        double[] whole = gpt.logits(device.tensor(text, 1, 40)).toDoubleArray();
        double largest = Arrays.stream(whole).map(Math::abs).max().orElseThrow();
        try (Decoder decoder = Decoder.of(gpt)) {
            for (int round = 0; round < 2; round++) {
                for (int t = 0; t < 40; ) {
                    // The second round reads a prompt of 35: a piece and three single tokens.
                    int count = round == 1 && t == 0 ? 35 : 1;
                    float[] logits = decoder.feed(Arrays.copyOfRange(text, t, t + count));
                    t += count;
                    for (int v = 0; v < 11; v++) {
                        assertEquals(whole[(t - 1) * 11 + v], logits[v], 1e-6 * largest, "token " + (t - 1));
                    }
                }
                assertEquals(40, decoder.position());
                decoder.reset();
            }
            assertEquals(2, decoder.traces(), "one plan for a piece and one for a token");
        }
    }

    @Test
    void aTokenRetracesNothingAndAFullContextGoesOn() {
        GPT gpt = sharpened();
        try (Decoder decoder = Decoder.of(gpt)) {
            List<Integer> written = new ArrayList<>();
            decoder.feed(tokens(33, 11));
            long traces = decoder.traces();
            decoder.generate(new int[] {1, 2, 3}, 100, Sampler.of(1), written::add);
            assertEquals(100, written.size());
            assertEquals(traces, decoder.traces());
            List<Integer> again = new ArrayList<>();
            decoder.generate(new int[] {1, 2, 3}, 100, Sampler.of(1), again::add);
            assertEquals(written, again);
            decoder.generate(tokens(99, 11), 1, Sampler.of(1), written::add);
            assertEquals(101, written.size());
        }
    }

    @Test
    void generationStopsWhenTold() {
        try (Decoder decoder = Decoder.of(sharpened())) {
            List<Integer> written = new ArrayList<>();
            decoder.generate(new int[] {1}, 50, Sampler.of(2), token -> {
                written.add(token);
                return written.size() < 3;
            });
            assertEquals(3, written.size());
        }
    }

    @Test
    void aModelThatDropsOutDoesNotDecode() {
        GPT gpt = GPT.of(TINY.withDropout(0.5)).initialize(device, 1);
        try (Decoder decoder = Decoder.of(gpt)) {
            assertEquals("decoder: the model is in training mode and drops out: call eval() first",
                assertThrows(IllegalStateException.class, () -> decoder.feed(1)).getMessage());
            gpt.eval();
            assertEquals(11, decoder.feed(1).length);
        }
    }

    @Test
    void tooManyTokensAreAnError() {
        GPT gpt = GPT.of(TINY).initialize(device, 1);
        assertEquals("GPT: a sequence must have 1 to 40 tokens, the context, but has 41",
            assertThrows(IllegalArgumentException.class,
                () -> gpt.logits(device.zeros(DType.I32, 1, 41))).getMessage());
        try (Decoder decoder = Decoder.of(gpt)) {
            decoder.feed(1, 2);
            assertEquals("decoder: 39 tokens after 2 exceed the context of 40: reset, or feed fewer",
                assertThrows(IllegalStateException.class, () -> decoder.feed(tokens(39, 11))).getMessage());
        }
    }

    @Test
    void aTinyModelLearnsASequenceByHeart() {
        GPT gpt = GPT.of(new GPT.Config(11, 8, 1, 2, 16).withDropout(0.05)).initialize(device, 1);
        AdamW adam = AdamW.of(gpt.parameters()).learningRate(1e-2).decayOnly(Optimizer.MATRICES).clipNorm(1);
        int[] text = tokens(33, 11);
        Tensor x = device.tensor(Arrays.copyOfRange(text, 0, 32), 4, 8);
        Tensor y = device.tensor(Arrays.copyOfRange(text, 1, 33), 4, 8);
        Step step = Step.compile(device, (a, b) -> {
            Tensor loss = gpt.loss(a, b);
            adam.minimize(loss);
            return loss;
        });
        double first = step.run(x, y).item();
        for (int i = 1; i < 60; i++) {
            step.run(x, y);
        }
        assertEquals(1, step.traces());
        double last = gpt.eval().loss(x, y).item();
        assertTrue(last < first / 4, first + " fell to " + last);
    }

    @Test
    void aConfigurationSurvivesAsMetadata() {
        GPT.Config config = new GPT.Config(50, 60, 7, 8, 16, 0.25, DType.BF16);
        assertEquals(config, GPT.Config.ofMetadata(config.toMetadata()));
        assertEquals("GPT: the metadata lacks 'gpt.vocabulary': it does not describe a GPT",
            assertThrows(IllegalArgumentException.class, () -> GPT.Config.ofMetadata(Map.of())).getMessage());
        assertEquals("GPT: a width of 10 does not divide into 4 heads",
            assertThrows(IllegalArgumentException.class, () -> new GPT.Config(5, 5, 1, 4, 10)).getMessage());
    }

    @Test
    void parametersHaveTheDtypeOfTheConfiguration() {
        GPT gpt = GPT.of(TINY.withDType(DType.BF16)).initialize(device, 1);
        for (Variable parameter : gpt.parameters()) {
            assertEquals(DType.BF16, parameter.dtype());
        }
        int[] text = tokens(61, 11);
        Tensor x = device.tensor(Arrays.copyOfRange(text, 0, 60), 2, 30);
        Tensor y = device.tensor(Arrays.copyOfRange(text, 1, 61), 2, 30);
        assertEquals(Math.log(11), gpt.loss(x, y).item(), 0.05);
        try (Decoder decoder = Decoder.of(gpt)) {
            assertEquals(11, decoder.feed(3).length);
        }
    }
}

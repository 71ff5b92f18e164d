package org.adjoint.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.graph.RotaryLayout;
import org.adjoint.optim.AdamW;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Attention's modules and the transformer's layers against what they are made of. */
class TransformerTest {
    private static final TransformerSettings SETTINGS = TransformerSettings.of(8, 2, 16).dropout(0);
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor tokens(int seed, long... shape) {
        device.random().seed(seed);
        return device.random().normal(DType.F64, shape).realize();
    }

    private static Tensor parameter(Module<?> module, String name) {
        return module.namedParameters().get(name).tensor();
    }

    private static void assertClose(Tensor expected, Tensor actual) {
        assertEquals(expected.shape(), actual.shape());
        assertArrayEquals(expected.toDoubleArray(), actual.toDoubleArray(), 1e-12);
    }

    /** As heads of their own whose weights are equal within a group. */
    @Test
    void groupedQueriesShareKeysAndValues() {
        MultiHeadAttention grouped =
            randomizeVectors(MultiHeadAttention.grouped(8, 4, 2, true).initialize(device, 3, DType.F64));
        MultiHeadAttention full = MultiHeadAttention.causal(8, 4).initialize(device, 4, DType.F64);
        for (String name : List.of("qkv.weight", "qkv.bias")) {
            Tensor source = parameter(grouped, name);
            List<Tensor> rows = new ArrayList<>(List.of(source.slice(0, 0, 8)));
            // Of heads of width 2: keys are rows 8 to 12, values 12 to 16.
            for (int head : new int[] {0, 0, 1, 1, 2, 2, 3, 3}) {
                rows.add(source.slice(0, 8 + 2 * head, 10 + 2 * head));
            }
            full.namedParameters().get(name).assign(Tensor.concat(0, rows));
        }
        for (String name : List.of("output.weight", "output.bias")) {
            full.namedParameters().get(name).assign(parameter(grouped, name));
        }
        Tensor x = tokens(1, 2, 5, 8);
        assertClose(full.forward(x), grouped.forward(x));
    }

    /** Token by token from a cache as all at once. */
    @Test
    void aCacheContinuesRotaryGroups() {
        for (RotaryLayout layout : RotaryLayout.values()) {
            MultiHeadAttention attention =
                MultiHeadAttention.grouped(8, 4, 2, true).rotary(layout).initialize(device, 3, DType.F64);
            Tensor x = tokens(2, 1, 6, 8);
            Tensor whole = attention.forward(x);
            Step step = null;
            try (KeyValueCache cache = KeyValueCache.of(device, "cache", DType.F64, 1, 2, 6, 2)) {
                step = Step.compile(device, (token, position) -> attention.forward(token, cache, position));
                for (int t = 0; t < 6; t++) {
                    assertClose(whole.slice(1, t, t + 1),
                        step.run(x.slice(1, t, t + 1), device.tensor(new long[] {t}).reshape()));
                }
            }
            assertEquals(1, step.traces());
        }
    }

    @Test
    void paddingIsNotSeen() {
        MultiHeadAttention attention = MultiHeadAttention.of(8, 2).initialize(device, 3, DType.F64);
        Tensor x = tokens(3, 2, 5, 8);
        Tensor seen = device.tensor(new int[] {1, 1, 1, 0, 0}).equal(1).reshape(1, 1, 1, 5);
        assertClose(attention.forward(x.slice(1, 0, 3)), attention.forward(x, seen).slice(1, 0, 3));
    }

    @Test
    void crossAttentionToItselfIsSelfAttention() {
        MultiHeadAttention self = randomizeVectors(MultiHeadAttention.of(8, 2).initialize(device, 3, DType.F64));
        CrossAttention cross = CrossAttention.of(8, 2).initialize(device, 4, DType.F64);
        for (String kind : List.of("weight", "bias")) {
            Tensor qkv = parameter(self, "qkv." + kind);
            cross.namedParameters().get("query." + kind).assign(qkv.slice(0, 0, 8));
            cross.namedParameters().get("keyValue." + kind).assign(qkv.slice(0, 8, 24));
            cross.namedParameters().get("output." + kind).assign(parameter(self, "output." + kind));
        }
        Tensor x = tokens(5, 2, 4, 8);
        assertClose(self.forward(x), cross.forward(x, x));
        CrossAttention narrow = CrossAttention.of(8, 2, 3).initialize(device, 4, DType.F64);
        assertEquals(x.shape(), narrow.forward(x, tokens(6, 2, 7, 3)).shape());
    }

    /** PyTorch: MultiheadAttention's in_proj_weight (96, 32), or q, k and v_proj_weight where widths differ. */
    @Test
    void attentionStartsAsPyTorchs() {
        Module<?> self = MultiHeadAttention.causal(32, 4).initialize(device, 3);
        assertSpread(Math.sqrt(6.0 / 128), self, "qkv.weight");
        assertSpread(Math.sqrt(1.0 / 32), self, "output.weight");
        assertSpread(0, self, "qkv.bias", "output.bias");
        assertSpread(Math.sqrt(6.0 / 128), CrossAttention.of(32, 4).initialize(device, 3), "query.weight",
            "keyValue.weight");
        Module<?> cross = CrossAttention.of(32, 4, 16).initialize(device, 3);
        assertSpread(Math.sqrt(6.0 / 64), cross, "query.weight");
        assertSpread(Math.sqrt(6.0 / 48), cross, "keyValue.weight");
        assertSpread(Math.sqrt(1.0 / 32), cross, "output.weight");
        assertSpread(0, cross, "query.bias", "keyValue.bias", "output.bias");
    }

    /** Values uniform in [-bound, bound): of hundreds, the largest is near it. */
    private static void assertSpread(double bound, Module<?> module, String... names) {
        for (String name : names) {
            double largest = parameter(module, name).abs().max().item();
            assertTrue(largest <= bound && largest >= 0.98 * bound, name + ": " + largest + " of " + bound);
        }
    }

    private static Tensor linear(Module<?> module, String name, Tensor x) {
        return x.matmul(parameter(module, name + ".weight").transpose()).add(parameter(module, name + ".bias"));
    }

    private static Tensor norm(Module<?> module, String name, Tensor x) {
        return x.layerNorm(parameter(module, name + ".weight"), parameter(module, name + ".bias"), 1e-5);
    }

    private static Tensor attended(Module<?> module, Tensor x) {
        Tensor qkv = linear(module, "attention.qkv", x);
        long[] heads = {2, x.shape().extent(1), 2, 4};
        Tensor q = qkv.slice(2, 0, 8).reshape(heads).permute(0, 2, 1, 3);
        Tensor k = qkv.slice(2, 8, 16).reshape(heads).permute(0, 2, 1, 3);
        Tensor v = qkv.slice(2, 16, 24).reshape(heads).permute(0, 2, 1, 3);
        Tensor mixed = q.matmul(k.transpose()).mul(0.5).softmax(-1).matmul(v).permute(0, 2, 1, 3);
        return linear(module, "attention.output", mixed.reshape(x.shape().toArray()));
    }

    private static Tensor fed(Module<?> module, Tensor x) {
        return linear(module, "feedForward.3", linear(module, "feedForward.0", x).relu());
    }

    /** Biases, and scales of norms, start as zeros and ones, which show little. */
    private static <M extends Module<M>> M randomizeVectors(M module) {
        for (Variable variable : module.parameters()) {
            if (variable.shape().rank() == 1) {
                variable.assign(variable.tensor().add(
                    variable.device().random().normal(DType.F64, variable.shape().toArray()).mul(0.3)));
            }
        }
        return module;
    }

    @Test
    void anEncoderLayerAddsItsPartsAndNormalizes() {
        Tensor x = tokens(7, 2, 5, 8);
        TransformerEncoderLayer after = TransformerEncoderLayer.of(SETTINGS).initialize(device, 1, DType.F64);
        randomizeVectors(after);
        Tensor sum = norm(after, "norm1", x.add(attended(after, x)));
        assertClose(norm(after, "norm2", sum.add(fed(after, sum))), after.forward(x));
        TransformerEncoder stack = TransformerEncoder.of(SETTINGS.normFirst(true), 1).initialize(device, 1, DType.F64);
        randomizeVectors(stack);
        TransformerEncoderLayer before =
            TransformerEncoderLayer.of(SETTINGS.normFirst(true)).initialize(device, 2, DType.F64);
        before.namedParameters().forEach((name, variable) -> variable.assign(parameter(stack, "layers.0." + name)));
        Tensor first = x.add(attended(before, norm(before, "norm1", x)));
        Tensor second = first.add(fed(before, norm(before, "norm2", first)));
        assertClose(second, before.forward(x));
        assertClose(norm(stack, "norm", second), stack.forward(x));
    }

    @Test
    void aDecoderLooksBackAndToItsMemory() {
        for (boolean normFirst : new boolean[] {false, true}) {
            TransformerDecoder decoder =
                TransformerDecoder.of(SETTINGS.normFirst(normFirst), 2).initialize(device, 1, DType.F64);
            Tensor x = tokens(8, 2, 5, 8);
            Tensor memory = tokens(9, 2, 3, 8);
            Tensor y = decoder.forward(x, memory);
            Tensor changed = Tensor.concat(1, List.of(x.slice(1, 0, 3), tokens(10, 2, 2, 8)));
            Tensor z = decoder.forward(changed, memory);
            assertClose(y.slice(1, 0, 3), z.slice(1, 0, 3));
            assertFalse(Arrays.equals(y.slice(1, 3, 4).toDoubleArray(), z.slice(1, 3, 4).toDoubleArray()));
            Tensor longer = Tensor.concat(1, List.of(memory, tokens(11, 2, 2, 8)));
            Tensor mask = device.tensor(new int[] {1, 1, 1, 0, 0}).equal(1);
            assertClose(y, decoder.forward(x, longer, null, mask));
            assertFalse(Arrays.equals(y.toDoubleArray(), decoder.forward(x, longer).toDoubleArray()));
        }
    }

    @Test
    void aLayersOrderOfNormsIsTheDecodersToo() {
        TransformerDecoderLayer layer = TransformerDecoderLayer.of(SETTINGS).initialize(device, 1, DType.F64);
        randomizeVectors(layer);
        Tensor x = tokens(8, 2, 1, 8);
        Tensor memory = tokens(9, 2, 1, 8);
        // One token sees itself alone, and one memory: attention gives its values.
        Tensor own = linear(layer, "attention.output", linear(layer, "attention.qkv", x).slice(2, 16, 24));
        Tensor first = norm(layer, "norm1", x.add(own));
        Tensor read = linear(layer, "memoryAttention.output",
            linear(layer, "memoryAttention.keyValue", memory).slice(2, 8, 16));
        Tensor second = norm(layer, "norm2", first.add(read));
        assertClose(norm(layer, "norm3", second.add(fed(layer, second))), layer.forward(x, memory));
    }

    @Test
    void dropoutIsForTraining() {
        TransformerEncoder encoder = TransformerEncoder.of(SETTINGS.dropout(0.3), 2).initialize(device, 1, DType.F64);
        Tensor x = tokens(12, 1, 4, 8);
        assertFalse(Arrays.equals(encoder.forward(x).toDoubleArray(), encoder.forward(x).toDoubleArray()));
        encoder.eval();
        assertArrayEquals(encoder.forward(x).toDoubleArray(), encoder.forward(x).toDoubleArray());
    }

    /** Learns to copy the first token's class to the last place. */
    @Test
    void anEncoderLearnsInOneTrace() {
        TransformerEncoder encoder = TransformerEncoder.of(
            SETTINGS.normFirst(true).activation(Activation.GELU).dropout(0.05), 1).initialize(device, 2);
        Embedding embedding = Embedding.of(4, 8).initialize(device, 3);
        Variable table = embedding.parameters().getFirst();
        AdamW adam = AdamW.of(encoder.parameters()).learningRate(0.02);
        Layer positions = Positions.sinusoidal();
        Step step = Step.compile(device, tokens -> {
            Tensor y = encoder.forward(positions.forward(embedding.forward(tokens))).slice(1, 4, 5).reshape(8, 8);
            Tensor loss = y.matmul(table.tensor().transpose()).crossEntropy(tokens.slice(1, 0, 1).reshape(8));
            adam.minimize(loss);
            return loss;
        });
        int[] ids = new int[40];
        Arrays.setAll(ids, i -> (i * 7 + i / 5 * 3) % 4);
        Tensor x = device.tensor(ids, 8, 5);
        double first = step.run(x).item();
        double last = first;
        for (int i = 0; i < 60; i++) {
            last = step.run(x).item();
        }
        assertEquals(1, step.traces());
        assertTrue(last < first / 4, first + " to " + last);
    }

    @Test
    void positionsAreAsPublished() {
        double[] table = Positions.sinusoidal(device, 3, 4).toDoubleArray();
        assertArrayEquals(new double[] {0, 1, 0, 1, Math.sin(1), Math.cos(1), Math.sin(0.01), Math.cos(0.01),
            Math.sin(2), Math.cos(2), Math.sin(0.02), Math.cos(0.02)}, table, 1e-7);
        // Two heads have 2^-4 and 2^-8; the third has the first of four heads.
        double[] slopes = Positions.alibi(device, 3, 1, 2).slice(2, 0, 1).toDoubleArray();
        assertArrayEquals(new double[] {-0x1p-4, -0x1p-8, -0x1p-2}, slopes, 1e-8);
        assertArrayEquals(new double[] {-0.5, -0.25, 0, -0.25, -0.75, -0.5, -0.25, 0},
            Positions.alibi(device, 4, 2, 4).slice(0, 0, 1).toDoubleArray(), 1e-7);
    }

    @Test
    void misfitsAreErrors() {
        assertEquals("MultiHeadAttention: 4 heads do not divide into 3 groups",
            assertThrows(IllegalArgumentException.class, () -> MultiHeadAttention.grouped(8, 4, 3, true)).getMessage());
        assertEquals("MultiHeadAttention(3, heads=1): rotary positions need heads of an even width, not 3",
            assertThrows(IllegalArgumentException.class,
                () -> MultiHeadAttention.of(3, 1).rotary(RotaryLayout.HALVES)).getMessage());
        assertEquals("CrossAttention: a width of 8 does not divide into 3 heads",
            assertThrows(IllegalArgumentException.class, () -> CrossAttention.of(8, 3)).getMessage());
        assertEquals("alibi: 2 heads, 3 queries and 2 keys must be positive, the keys no fewer than the queries",
            assertThrows(IllegalArgumentException.class, () -> Positions.alibi(device, 2, 3, 2)).getMessage());
        assertEquals("TransformerEncoder: needs at least one layer, not 0",
            assertThrows(IllegalArgumentException.class, () -> TransformerEncoder.of(SETTINGS, 0)).getMessage());
    }
}

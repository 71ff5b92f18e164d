package org.adjoint.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModuleTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    /** A module as a user writes one, with parts in lists and a part that stands in two places. */
    private static final class Twice extends Module<Twice> {
        private final Linear inner = child("inner", Linear.withoutBias(3, 3));
        private final List<LayerNorm> norms =
            List.of(child("norms.0", LayerNorm.of(3)), child("norms.1", LayerNorm.of(3)));
        private final Linear again = child("again", inner);
        private final Parameter scale = parameter("scale", Shape.of(), Initializer.constant(0.5));

        Tensor forward(Tensor x) {
            Tensor y = again.forward(norms.get(0).forward(inner.forward(x)));
            return norms.get(1).forward(y).mul(scale.tensor());
        }
    }

    private static Variable named(Module<?> module, String name) {
        return module.namedParameters().get(name);
    }

    private static double[] values(Module<?> module, String name) {
        return named(module, name).tensor().toDoubleArray();
    }

    @Test
    void parametersHaveTheNamesOfThePartsAroundThem() {
        Sequential net = Sequential.of(Linear.of(2, 8), Activation.TANH, Sequential.of(Linear.withoutBias(8, 1)));
        assertEquals(Map.of("0.weight", Shape.of(8, 2), "0.bias", Shape.of(8), "2.0.weight", Shape.of(1, 8)),
            net.parameterShapes());
        assertEquals(List.of("0.weight", "0.bias", "2.0.weight"), List.copyOf(net.parameterShapes().keySet()));
        assertEquals(32, net.parameterCount());
        net.initialize(device, 1);
        assertEquals(List.of("0.weight", "0.bias", "2.0.weight"),
            net.parameters().stream().map(Variable::name).toList());
        assertEquals(Set.of("qkv.weight", "qkv.bias", "output.weight", "output.bias"),
            MultiHeadAttention.of(4, 2).parameterShapes().keySet());
    }

    @Test
    void aPartInTwoPlacesIsOnePart() {
        Twice module = new Twice().initialize(device, 1);
        assertEquals(
            List.of("scale", "inner.weight", "norms.0.weight", "norms.0.bias", "norms.1.weight", "norms.1.bias"),
            List.copyOf(module.namedParameters().keySet()));
        assertEquals(Shape.of(2, 3), module.forward(device.ones(DType.F32, 2, 3)).shape());
    }

    @Test
    void twoPartsOfOneNameAreAnError() {
        final class Clash extends Module<Clash> {
            Clash() {
                child("x", Linear.of(1, 1));
                parameter("x", Shape.of(), Initializer.ZEROS);
            }
        }
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, Clash::new);
        assertEquals("Clash: a part must have a name of its own, 'x' is none", e.getMessage());
    }

    @Test
    void useBeforeInitializeIsAnError() {
        Sequential net = Sequential.of(Linear.of(2, 8));
        IllegalStateException e =
            assertThrows(IllegalStateException.class, () -> net.forward(device.ones(DType.F32, 1, 2)));
        assertEquals("parameter 'weight' of Linear(2, 8) has no value yet: call initialize(device, seed) on the model "
            + "first", e.getMessage());
        assertThrows(IllegalStateException.class, net::parameters);
        net.initialize(device, 1);
        assertEquals("initialize: parameter '0.weight' of Sequential(Linear(2, 8)) has a value already",
            assertThrows(IllegalStateException.class, () -> net.initialize(device, 1)).getMessage());
    }

    @Test
    void valuesDependOnSeedAndNameAlone() {
        Sequential small = Sequential.of(Linear.of(300, 300)).initialize(device, 42);
        Sequential large = Sequential.of(Linear.of(300, 300), Linear.of(300, 300)).initialize(device, 42);
        Sequential other = Sequential.of(Linear.of(300, 300)).initialize(device, 43);
        assertArrayEquals(values(small, "0.weight"), values(large, "0.weight"));
        assertFalse(Arrays.equals(values(small, "0.weight"), values(other, "0.weight")));
        assertFalse(Arrays.equals(values(large, "0.weight"), values(large, "1.weight")));
    }

    @Test
    void weightsAreDistributedAsAnnounced() {
        Shape shape = Shape.of(200, 400);
        assertMoments(Initializer.normal(1, 0.5), shape, 1, 0.25);
        assertMoments(Initializer.uniform(-1, 3), shape, 1, 16 / 12.0);
        assertMoments(Initializer.xavierUniform(), shape, 0, 2 / 600.0);
        assertMoments(Initializer.xavierNormal(), shape, 0, 2 / 600.0);
        assertMoments(Initializer.kaimingUniform(), shape, 0, 2 / 400.0);
        assertMoments(Initializer.kaimingNormal(), shape, 0, 2 / 400.0);
        assertMoments(Initializer.kaimingNormal(), Shape.of(100, 20, 5, 8), 0, 2 / 800.0);
        assertMoments(Initializer.fanInUniform(400), shape, 0, 1 / 1200.0);
    }

    private static void assertMoments(Initializer initializer, Shape shape, double mean, double variance) {
        RandomNumbers random = new RandomNumbers(3, "w");
        long count = shape.elements();
        double sum = 0;
        double squares = 0;
        double lag = 0;
        for (long i = 0; i < count; i++) {
            double value = initializer.value(shape, random, i) - mean;
            sum += value;
            squares += value * value;
            lag += value * (initializer.value(shape, random, (i + 1) % count) - mean);
        }
        // Five standard errors; a square has at most the variance that the normal distribution gives it.
        double bound = 5 / Math.sqrt(count);
        assertEquals(0, sum / count, bound * Math.sqrt(variance));
        assertEquals(variance, squares / count, bound * Math.sqrt(2) * variance);
        assertEquals(0, lag / count, bound * variance, "neighbors are independent");
    }

    /** Tabulated quantiles. */
    @ParameterizedTest
    @CsvSource({"0.5, 0", "0.975, 1.959963984540054", "0.025, -1.959963984540054", "0.9, 1.2815515655446004",
        "0.999, 3.090232306167813", "1e-9, -5.997807015007796"})
    void normalNumbersComeFromTheQuantileFunction(double probability, double quantile) {
        assertEquals(quantile, RandomNumbers.normalQuantile(probability), 1e-6 * Math.abs(quantile));
    }

    @Test
    void aVectorHasNoFan() {
        assertEquals("initializer: a parameter (3) has no fan-in and fan-out, only weights of at least two axes do: "
            + "use normal, uniform or constant", assertThrows(IllegalArgumentException.class,
                () -> Initializer.xavierNormal().value(Shape.of(3), new RandomNumbers(0, ""), 0)).getMessage());
    }

    @Test
    void aDtypeIsOfAllParameters() {
        for (DType dtype : List.of(DType.F64, DType.F32, DType.BF16, DType.F16)) {
            Linear layer = Linear.of(3, 2).initialize(device, 5, dtype);
            assertEquals(dtype, named(layer, "weight").dtype());
            assertEquals(dtype, layer.forward(device.ones(dtype, 1, 3)).dtype());
            assertArrayEquals(values(Linear.of(3, 2).initialize(device, 5), "weight"), values(layer, "weight"),
                Math.max(dtype.epsilon(), DType.F32.epsilon()));
        }
    }

    @Test
    void linearIsAProductWithTheTransposedWeight() {
        Linear layer = Linear.of(2, 3).initialize(device, 0);
        named(layer, "weight").assign(device.tensor(new float[] {1, 2, 3, 4, 5, 6}, 3, 2));
        named(layer, "bias").assign(device.tensor(new float[] {10, 20, 30}));
        assertArrayEquals(new double[] {11, 23, 35, 12, 24, 36},
            layer.forward(device.tensor(new float[] {1, 0, 0, 1}, 2, 2)).toDoubleArray());
        assertArrayEquals(new double[] {13, 27, 41}, layer.forward(device.tensor(new float[] {1, 1})).toDoubleArray());
        assertEquals("Linear(2, 3): the last axis of its input must be 2 but the input is (4, 3)",
            assertThrows(IllegalArgumentException.class,
                () -> layer.forward(device.ones(DType.F32, 4, 3))).getMessage());
    }

    @Test
    void normsDivideByTheirLevels() {
        Tensor x = device.tensor(new double[] {3, -4, 1, 7}, 2, 2);
        RMSNorm root = RMSNorm.of(2, 0.5).initialize(device, 0, DType.F64);
        assertEquals(List.of("weight"), List.copyOf(root.parameterShapes().keySet()));
        named(root, "weight").assign(device.tensor(new double[] {2, 10}));
        assertArrayEquals(new double[] {6 / Math.sqrt(13), -40 / Math.sqrt(13), 2 / Math.sqrt(25.5),
            70 / Math.sqrt(25.5)}, root.forward(x).toDoubleArray(), 1e-14);
        for (DType dtype : List.of(DType.F64, DType.F32, DType.BF16)) {
            // Small enough for epsilon to count: the computed type's, as 16-bit numbers are computed in f32.
            double unit = dtype == DType.F64 ? 0x1p-26 : 0x1p-12;
            double epsilon = dtype == DType.F64 ? 0x1p-52 : 0x1p-23;
            double expected = unit / Math.sqrt(unit * unit + epsilon);
            assertArrayEquals(new double[] {expected, -expected}, RMSNorm.of(2).initialize(device, 0, dtype)
                .forward(device.tensor(new double[] {unit, -unit}).to(dtype)).toDoubleArray(), dtype.epsilon());
        }
        assertEquals("RMSNorm(3): the last axis of its input must be 3 but the input is (2, 2)",
            assertThrows(IllegalArgumentException.class, () -> RMSNorm.of(3).initialize(device, 0).forward(x))
                .getMessage());
    }

    @Test
    void attentionAgreesWithSumsWrittenOut() {
        MultiHeadAttention attention =
            MultiHeadAttention.causal(4, 2, Linear.of(4, 12), Linear.of(4, 4)).initialize(device, 9, DType.F64);
        double[] x = {0.1, -0.4, 0.7, 0.2, 0.9, 0.3, -0.5, -0.8, -0.6, 0.5, 0.4, 0.05};
        double[] weight = values(attention, "qkv.weight");
        double[] bias = values(attention, "qkv.bias");
        double[][] qkv = new double[3][12];
        for (int t = 0; t < 3; t++) {
            for (int o = 0; o < 12; o++) {
                qkv[t][o] = bias[o];
                for (int i = 0; i < 4; i++) {
                    qkv[t][o] += weight[o * 4 + i] * x[t * 4 + i];
                }
            }
        }
        double[] mixed = new double[12];
        for (int head = 0; head < 2; head++) {
            for (int t = 0; t < 3; t++) {
                double total = 0;
                double[] sum = new double[2];
                for (int s = 0; s <= t; s++) {
                    double score = 0;
                    for (int d = 0; d < 2; d++) {
                        score += qkv[t][head * 2 + d] * qkv[s][4 + head * 2 + d];
                    }
                    double e = Math.exp(score / Math.sqrt(2));
                    total += e;
                    sum[0] += e * qkv[s][8 + head * 2];
                    sum[1] += e * qkv[s][8 + head * 2 + 1];
                }
                mixed[t * 4 + head * 2] = sum[0] / total;
                mixed[t * 4 + head * 2 + 1] = sum[1] / total;
            }
        }
        double[] outWeight = values(attention, "output.weight");
        double[] expected = new double[12];
        for (int t = 0; t < 3; t++) {
            for (int o = 0; o < 4; o++) {
                expected[t * 4 + o] = values(attention, "output.bias")[o];
                for (int i = 0; i < 4; i++) {
                    expected[t * 4 + o] += outWeight[o * 4 + i] * mixed[t * 4 + i];
                }
            }
        }
        assertArrayEquals(expected, attention.forward(device.tensor(x, 1, 3, 4)).toDoubleArray(), 1e-12);
    }

    @Test
    void widthsThatDoNotFitAreErrors() {
        assertEquals("MultiHeadAttention: a width of 6 does not divide into 4 heads",
            assertThrows(IllegalArgumentException.class, () -> MultiHeadAttention.of(6, 4)).getMessage());
        MultiHeadAttention attention = MultiHeadAttention.of(4, 2).initialize(device, 1);
        assertEquals("MultiHeadAttention(4, heads=2): its input must be (batch, t, 4) but is (3, 4)",
            assertThrows(IllegalArgumentException.class,
                () -> attention.forward(device.ones(DType.F32, 3, 4))).getMessage());
    }

    @Test
    void aStepIsTracedAgainWhenTheModeChanges() {
        Sequential net = Sequential.of(Linear.of(4, 50), Dropout.of(0.5)).initialize(device, 7);
        Step step = Step.compile(device, x -> net.forward(x).equal(0).sum());
        Tensor x = device.ones(DType.F32, 1, 4);
        assertNotEquals(0, step.run(x).item());
        net.eval();
        assertEquals(0, step.run(x).item());
        assertEquals(0, step.run(x).item());
        assertEquals(2, step.traces());
        net.train();
        assertTrue(step.run(x).item() > 0);
        assertEquals(2, step.traces());
    }

    @Test
    void activationsAreLayers() {
        Tensor x = device.tensor(new double[] {-1, 0.5});
        assertArrayEquals(new double[] {Math.tanh(-1), Math.tanh(0.5)}, Activation.TANH.forward(x).toDoubleArray(),
            1e-15);
        assertArrayEquals(new double[] {0, 0.5}, Activation.RELU.forward(x).toDoubleArray());
        assertArrayEquals(new double[] {1 / (1 + Math.E), 1 / (1 + Math.exp(-0.5))},
            Activation.SIGMOID.forward(x).toDoubleArray(), 1e-15);
        // Phi(-1), Phi(0.5) from tables of the normal distribution
        assertArrayEquals(new double[] {-0.15865525393145705, 0.5 * 0.6914624612740131},
            Activation.GELU.forward(x).toDoubleArray(), 1e-14);
        assertArrayEquals(Activation.GELU.forward(x).toDoubleArray(), Activation.GELU_TANH.forward(x).toDoubleArray(),
            5e-4);
    }

    @Test
    void embeddingPicksRows() {
        Embedding table = Embedding.of(3, 2).initialize(device, 0);
        named(table, "weight").assign(device.tensor(new float[] {0, 1, 10, 11, 20, 21}, 3, 2));
        assertArrayEquals(new double[] {20, 21, 0, 1},
            table.forward(device.tensor(new int[] {2, 0}, 2)).toDoubleArray());
    }

    /** PyTorch: Embedding(3, 2, padding_idx=1). */
    @Test
    void aRowOfPaddingStaysAsItIs() {
        Embedding table = Embedding.withPadding(3, 2, 1).initialize(device, 0);
        double[] start = values(table, "weight");
        double[] without = values(Embedding.of(3, 2).initialize(device, 0), "weight");
        assertArrayEquals(new double[] {without[0], without[1], 0, 0, without[4], without[5]}, start);
        named(table, "weight").assign(device.tensor(new float[] {0, 1, 10, 11, 20, 21}, 3, 2));
        Tensor y = table.forward(device.tensor(new int[] {1, 2, 1, 2}, 2, 2));
        assertArrayEquals(new double[] {10, 11, 20, 21, 10, 11, 20, 21}, y.toDoubleArray());
        assertArrayEquals(new double[] {0, 0, 0, 0, 2, 2},
            y.sum().gradient(named(table, "weight")).toDoubleArray());
        assertEquals("Embedding(3, 2): the index of padding must be in [0, 3) but is 3",
            assertThrows(IllegalArgumentException.class, () -> Embedding.withPadding(3, 2, 3)).getMessage());
    }
}

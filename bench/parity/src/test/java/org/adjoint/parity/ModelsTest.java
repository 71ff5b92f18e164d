package org.adjoint.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.model.GPT;
import org.adjoint.nn.Activation;
import org.adjoint.nn.AdaptiveAvgPool2d;
import org.adjoint.nn.Conv2d;
import org.adjoint.nn.Flatten;
import org.adjoint.nn.LSTM;
import org.adjoint.nn.Linear;
import org.adjoint.nn.MaxPool2d;
import org.adjoint.nn.RecurrentOptions;
import org.adjoint.nn.Sequential;
import org.adjoint.optim.AdamW;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whole models on the CPU against PyTorch with the same weights: logits, gradients and ten losses, in f32. */
class ModelsTest {
    private static final double BOUND = 1e-4;
    private static final double LEARNING_RATE = 1e-3;
    private static final int STEPS = 10;

    private final SplittableRandom random = new SplittableRandom(7);
    private Device device;

    @BeforeEach
    void open() {
        torch.set_num_threads(1);
        device = Device.open("cpu");
    }

    @AfterEach
    void close() {
        device.close();
    }

    @Test
    void gptOfFourLayers() {
        int layers = 4;
        GPT gpt = GPT.of(new GPT.Config(61, 24, layers, 4, 48)).initialize(device, 3);
        StringBuilder body = new StringBuilder("""
                h = torch.embedding(tokenEmbedding_weight, x) + positionEmbedding_weight[0:24]
            """);
        for (int i = 0; i < layers; i++) {
            body.append("""
                    n = torch.layer_norm(h, [48], B_norm1_weight, B_norm1_bias)
                    qkv = torch.matmul(n, B_attention_qkv_weight.t()) + B_attention_qkv_bias
                    qkv = qkv.reshape(2, 24, 3, 4, 12).permute(2, 0, 3, 1, 4)
                    a = torch.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], None, 0.0, True)
                    a = a.permute(0, 2, 1, 3).reshape(2, 24, 48)
                    h = h + torch.matmul(a, B_attention_output_weight.t()) + B_attention_output_bias
                    n = torch.layer_norm(h, [48], B_norm2_weight, B_norm2_bias)
                    n = torch.gelu(torch.matmul(n, B_mlp_expand_weight.t()) + B_mlp_expand_bias, approximate='tanh')
                    h = h + torch.matmul(n, B_mlp_contract_weight.t()) + B_mlp_contract_bias
                """.replace("B_", "blocks_" + i + "_"));
        }
        body.append("""
                logits = torch.matmul(torch.layer_norm(h, [48], norm_weight, norm_bias), tokenEmbedding_weight.t())
            """);
        TorchModel theirs = new TorchModel(gpt.namedParameters(), body.toString(),
            "torch.cross_entropy_loss(logits.reshape(-1, 61), t.reshape(-1))", LEARNING_RATE);
        long[] tokens = random.longs(48, 0, 61).toArray();
        long[] targets = random.longs(48, 0, 61).toArray();
        Shape shape = Shape.of(2, 24);
        compare(gpt.namedParameters(), theirs, gpt::logits, gpt::loss, device.tensor(tokens, shape),
            device.tensor(targets, shape), TorchModel.indices(tokens, shape), TorchModel.indices(targets, shape));
    }

    @Test
    void convolutionalNet() {
        Sequential net = Sequential.of(Conv2d.of(1, 6, 3, Convolution.DEFAULT.padding(1)), Activation.RELU,
            MaxPool2d.of(2), Conv2d.of(6, 8, 3), Activation.GELU, AdaptiveAvgPool2d.of(2, 2), Flatten.of(),
            Linear.of(32, 10)).initialize(device, 5);
        TorchModel theirs = new TorchModel(net.namedParameters(), """
                h = torch.relu(torch.conv2d(x, W0, B0, [1, 1], [1, 1]))
                h = torch.max_pool2d(h, [2, 2])
                h = torch.gelu(torch.conv2d(h, W3, B3))
                h = torch.flatten(torch.adaptive_avg_pool2d(h, [2, 2]), 1)
                logits = torch.matmul(h, W7.t()) + B7
            """.replaceAll("W(\\d)", "_$1_weight").replaceAll("B(\\d)", "_$1_bias"),
            "torch.cross_entropy_loss(logits, t)", LEARNING_RATE);
        Shape images = Shape.of(8, 1, 12, 12);
        double[] pixels = random.doubles(images.elements()).map(v -> (float) v).toArray();
        long[] labels = random.longs(8, 0, 10).toArray();
        compare(net.namedParameters(), theirs, net::forward, (x, t) -> net.forward(x).crossEntropy(t),
            device.tensor(pixels, images).to(DType.F32), device.tensor(labels),
            TorchModel.tensor(pixels, images.toArray()).to(torch.ScalarType.Float),
            TorchModel.indices(labels, Shape.of(8)));
    }

    @Test
    void longShortTermMemory() {
        Sequential net = Sequential.of(LSTM.of(RecurrentOptions.of(5, 12).layers(2)), Linear.of(12, 7))
            .initialize(device, 6);
        TorchModel theirs = new TorchModel(net.namedParameters(), """
                zeros = torch.zeros([2, 3, 12])
                h = torch.lstm(x, [zeros, zeros], [_0_weight_ih_l0, _0_weight_hh_l0, _0_bias_ih_l0, _0_bias_hh_l0,
                    _0_weight_ih_l1, _0_weight_hh_l1, _0_bias_ih_l1, _0_bias_hh_l1], True, 2, 0.0, True, False, False)[0]
                logits = torch.matmul(h, _1_weight.t()) + _1_bias
            """, "torch.cross_entropy_loss(logits.reshape(-1, 7), t.reshape(-1))", LEARNING_RATE);
        Shape inputs = Shape.of(19, 3, 5);
        double[] values = random.doubles(inputs.elements(), -1, 1).map(v -> (float) v).toArray();
        long[] labels = random.longs(57, 0, 7).toArray();
        compare(net.namedParameters(), theirs, net::forward, (x, t) -> net.forward(x).crossEntropy(t),
            device.tensor(values, inputs).to(DType.F32), device.tensor(labels, Shape.of(19, 3)),
            TorchModel.tensor(values, inputs.toArray()).to(torch.ScalarType.Float),
            TorchModel.indices(labels, Shape.of(19, 3)));
    }

    private void compare(Map<String, Variable> parameters, TorchModel theirs, UnaryOperator<Tensor> logits,
        BinaryOperator<Tensor> loss, Tensor x, Tensor t, org.bytedeco.pytorch.Tensor theirX,
        org.bytedeco.pytorch.Tensor theirT) {
        assertClose("logits", theirs.logits(theirX), logits.apply(x).toDoubleArray());
        Map<String, double[]> theirGradients = theirs.gradients(theirX, theirT);
        List<String> names = List.copyOf(parameters.keySet());
        List<Tensor> gradients = loss.apply(x, t).gradients(List.copyOf(parameters.values()));
        for (int i = 0; i < names.size(); i++) {
            assertClose("gradient of " + names.get(i), theirGradients.get(TorchModel.identifier(names.get(i))),
                gradients.get(i).toDoubleArray());
        }
        AdamW adam = AdamW.of(List.copyOf(parameters.values())).learningRate(LEARNING_RATE);
        List<Double> ours = new ArrayList<>();
        List<Double> expected = new ArrayList<>();
        try (Step step = Step.compile(device, (a, b) -> {
            Tensor value = loss.apply(a, b);
            adam.minimize(value);
            return value;
        })) {
            for (int i = 0; i < STEPS; i++) {
                ours.add(step.run(x, t).item());
                expected.add(theirs.step(theirX, theirT));
            }
        }
        assertTrue(expected.getLast() < expected.getFirst(), "PyTorch learns: " + expected);
        for (int i = 0; i < STEPS; i++) {
            assertEquals(expected.get(i), ours.get(i), BOUND, "loss " + i + " of " + ours + ", PyTorch's " + expected);
        }
    }

    /** Relative to the norm, which for a gradient that is all rounding is that of the machine's epsilon. */
    private static void assertClose(String what, double[] expected, double[] actual) {
        assertEquals(expected.length, actual.length, what);
        double distance = 0;
        for (int i = 0; i < expected.length; i++) {
            distance += (expected[i] - actual[i]) * (expected[i] - actual[i]);
        }
        double size = Math.sqrt(Arrays.stream(expected).map(v -> v * v).sum());
        assertTrue(Math.sqrt(distance) <= BOUND * size + 0x1p-23,
            what + " is off by " + Math.sqrt(distance) + " of " + size);
    }
}

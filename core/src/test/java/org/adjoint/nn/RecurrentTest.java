package org.adjoint.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Recurrence.Nonlinearity;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.optim.AdamW;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Recurrent networks against their definitions, written here number by number. */
class RecurrentTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
        device.random().seed(5);
    }

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor random(long... shape) {
        return device.random().normal(DType.F64, shape).realize();
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** {@code weights . x + bias}. */
    private static double[] affine(Variable weights, double[] x, Variable bias) {
        double[] w = weights.tensor().toDoubleArray();
        double[] y = bias.tensor().toDoubleArray();
        for (int i = 0; i < y.length; i++) {
            for (int j = 0; j < x.length; j++) {
                y[i] += w[i * x.length + j] * x[j];
            }
        }
        return y;
    }

    /** A step of one direction for one example: state is h, and c for an LSTM. */
    private static double[][] step(Module<?> net, String suffix, double[] x, double[][] state) {
        Map<String, Variable> named = net.namedParameters();
        double[] a = affine(named.get("weight_ih" + suffix), x, named.get("bias_ih" + suffix));
        double[] b = affine(named.get("weight_hh" + suffix), state[0], named.get("bias_hh" + suffix));
        int n = state[0].length;
        double[][] next = new double[state.length][n];
        for (int i = 0; i < n; i++) {
            switch (net) {
                case LSTM _ -> {
                    next[1][i] = sigmoid(a[n + i] + b[n + i]) * state[1][i]
                        + sigmoid(a[i] + b[i]) * Math.tanh(a[2 * n + i] + b[2 * n + i]);
                    next[0][i] = sigmoid(a[3 * n + i] + b[3 * n + i]) * Math.tanh(next[1][i]);
                }
                case GRU _ -> {
                    double z = sigmoid(a[n + i] + b[n + i]);
                    double candidate = Math.tanh(a[2 * n + i] + sigmoid(a[i] + b[i]) * b[2 * n + i]);
                    next[0][i] = (1 - z) * candidate + z * state[0][i];
                }
                case RNN _ -> next[0][i] = Math.tanh(a[i] + b[i]);
                default -> throw new AssertionError(net);
            }
        }
        return next;
    }

    /** Outputs (time, 2 width) of two layers in both directions, for one example, and the last hidden states. */
    private static List<double[]> twoLayers(Module<?> net, double[][] x, int width, int states, List<double[]> last) {
        List<double[]> below = Arrays.asList(x);
        for (int layer = 0; layer < 2; layer++) {
            double[][] above = new double[x.length][2 * width];
            for (int direction = 0; direction < 2; direction++) {
                double[][] state = new double[states][width];
                for (int i = 0; i < x.length; i++) {
                    int t = direction == 0 ? i : x.length - 1 - i;
                    state = step(net, "_l" + layer + (direction == 0 ? "" : "_reverse"), below.get(t), state);
                    System.arraycopy(state[0], 0, above[t], direction * width, width);
                }
                last.add(state[0]);
            }
            below = Arrays.asList(above);
        }
        return below;
    }

    private static RecurrentOptions options() {
        return RecurrentOptions.of(3, 4).layers(2).inBothDirections();
    }

    private void check(Module<?> net, int states, Tensor output, Tensor hidden, Tensor x) {
        double[] given = x.toDoubleArray();
        double[] actual = output.toDoubleArray();
        double[] state = hidden.toDoubleArray();
        assertEquals("(5, 2, 8)", output.shape().toString());
        assertEquals("(4, 2, 4)", hidden.shape().toString());
        for (int example = 0; example < 2; example++) {
            double[][] one = new double[5][3];
            for (int t = 0; t < 5; t++) {
                System.arraycopy(given, (t * 2 + example) * 3, one[t], 0, 3);
            }
            List<double[]> last = new ArrayList<>();
            List<double[]> expected = twoLayers(net, one, 4, states, last);
            for (int t = 0; t < 5; t++) {
                int at = (t * 2 + example) * 8;
                assertArrayEquals(expected.get(t), Arrays.copyOfRange(actual, at, at + 8), 1e-14);
            }
            for (int i = 0; i < 4; i++) {
                int at = (i * 2 + example) * 4;
                assertArrayEquals(last.get(i), Arrays.copyOfRange(state, at, at + 4), 1e-14);
            }
        }
    }

    @Test
    void twoLayersInBothDirectionsFollowTheDefinition() {
        Tensor x = random(5, 2, 3);
        LSTM lstm = LSTM.of(options()).initialize(device, 1, DType.F64);
        LSTM.Results results = lstm.run(x);
        check(lstm, 2, results.output(), results.state().hidden(), x);
        GRU gru = GRU.of(options()).initialize(device, 2, DType.F64);
        check(gru, 1, gru.run(x).output(), gru.run(x).hidden(), x);
        RNN rnn = RNN.of(options(), Nonlinearity.TANH).initialize(device, 3, DType.F64);
        check(rnn, 1, rnn.run(x).output(), rnn.run(x).hidden(), x);
    }

    @Test
    void parametersBearPyTorchsNamesAndShapes() {
        Map<String, Shape> shapes = LSTM.of(options()).parameterShapes();
        assertEquals(List.of("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse",
            "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse", "weight_ih_l1", "weight_hh_l1",
            "bias_ih_l1", "bias_hh_l1", "weight_ih_l1_reverse", "weight_hh_l1_reverse", "bias_ih_l1_reverse",
            "bias_hh_l1_reverse"), List.copyOf(shapes.keySet()));
        assertEquals("(16, 3)", shapes.get("weight_ih_l0").toString());
        assertEquals("(16, 8)", shapes.get("weight_ih_l1").toString());
        assertEquals("(16, 4)", shapes.get("weight_hh_l1_reverse").toString());
        assertEquals("(16)", shapes.get("bias_hh_l0").toString());
        assertEquals("(12, 3)", GRU.of(3, 4).parameterShapes().get("weight_ih_l0").toString());
        assertEquals(List.of("weight_ih_l0", "weight_hh_l0"),
            List.copyOf(RNN.of(RecurrentOptions.of(3, 4).withoutBias(), Nonlinearity.RELU).parameterShapes().keySet()));
    }

    @Test
    void startsUniformByTheWidthOfTheState() {
        double[] weights = LSTM.of(3, 100).initialize(device, 1).namedParameters().get("weight_ih_l0").tensor()
            .toDoubleArray();
        double largest = Arrays.stream(weights).map(Math::abs).max().orElseThrow();
        assertEquals(0.1, largest, 0.001);
        assertEquals(0, Arrays.stream(weights).average().orElseThrow(), 0.01);
    }

    @Test
    void aSequenceContinuesFromTheStateThatItsStartLeft() {
        LSTM net = LSTM.of(RecurrentOptions.of(3, 4).layers(2)).initialize(device, 1, DType.F64);
        Tensor x = random(7, 2, 3);
        LSTM.Results start = net.run(x.slice(0, 0, 3));
        Tensor rest = net.run(x.slice(0, 3, 7), start.state()).output();
        assertArrayEquals(net.forward(x).toDoubleArray(),
            Tensor.concat(0, List.of(start.output(), rest)).toDoubleArray());
        GRU gru = GRU.of(3, 4).initialize(device, 1, DType.F64);
        Tensor hidden = gru.run(x.slice(0, 0, 3)).hidden();
        assertArrayEquals(gru.run(x).hidden().toDoubleArray(),
            gru.run(x.slice(0, 3, 7), hidden).hidden().toDoubleArray());
    }

    @Test
    void theBatchMayComeFirstOrBeLeftOut() {
        LSTM timeFirst = LSTM.of(options()).initialize(device, 1, DType.F64);
        LSTM batchFirst = LSTM.of(options().withBatchFirst()).initialize(device, 1, DType.F64);
        Tensor x = random(5, 2, 3);
        double[] expected = timeFirst.forward(x).transpose(0, 1).toDoubleArray();
        Tensor output = batchFirst.forward(x.transpose(0, 1));
        assertEquals("(2, 5, 8)", output.shape().toString());
        assertArrayEquals(expected, output.toDoubleArray());
        LSTM.Results one = batchFirst.run(x.slice(1, 1, 2).squeeze(1));
        assertEquals("(5, 8)", one.output().shape().toString());
        assertEquals("(4, 4)", one.state().cell().shape().toString());
        assertArrayEquals(Arrays.copyOfRange(expected, 40, 80), one.output().toDoubleArray());
        Tensor again = batchFirst.run(x.slice(1, 1, 2).squeeze(1), one.state()).output();
        assertEquals("(5, 8)", again.shape().toString());
    }

    @Test
    void dropoutActsBetweenLayersInTrainingAlone() {
        RecurrentOptions options = RecurrentOptions.of(3, 4).layers(2).dropout(0.5);
        LSTM net = LSTM.of(options).initialize(device, 1, DType.F64);
        Tensor x = random(5, 2, 3);
        assertNotEquals(Arrays.toString(net.forward(x).toDoubleArray()),
            Arrays.toString(net.forward(x).toDoubleArray()));
        net.eval();
        LSTM plain = LSTM.of(RecurrentOptions.of(3, 4).layers(2)).initialize(device, 1, DType.F64);
        assertArrayEquals(plain.forward(x).toDoubleArray(), net.forward(x).toDoubleArray());
        LSTM single = LSTM.of(RecurrentOptions.of(3, 4).dropout(0.5)).initialize(device, 1, DType.F64);
        assertArrayEquals(single.forward(x).toDoubleArray(), single.forward(x).toDoubleArray());
    }

    @Test
    void sequencesOfNoLengthLeaveTheState() {
        GRU net = GRU.of(3, 4).initialize(device, 1, DType.F64);
        Tensor state = random(1, 2, 4);
        GRU.Results results = net.run(random(0, 2, 3), state);
        assertEquals("(0, 2, 4)", results.output().shape().toString());
        assertArrayEquals(state.toDoubleArray(), results.hidden().toDoubleArray());
    }

    @Test
    void whatDoesNotFitIsRefused() {
        LSTM net = LSTM.of(3, 4).initialize(device, 1, DType.F64);
        assertRefused("LSTM(3, 4): the last axis of its input must be 3 but the input is (5, 2, 2)",
            () -> net.forward(random(5, 2, 2)));
        assertRefused(
            "LSTM(3, 4): its input must be (time, batch, 3), or (time, 3) of one example, but is (1, 5, 2, 3)",
            () -> net.forward(random(1, 5, 2, 3)));
        assertRefused("LSTM(3, 4): a state must be (1, 2, 4) but is (1, 4)",
            () -> net.run(random(5, 2, 3), new LSTM.State(random(1, 4), random(1, 4))));
        assertRefused("lstm: x is f32(5, 2, 3) but one of the weights and states is f64(16, 3): cast one",
            () -> net.forward(random(5, 2, 3).to(DType.F32)));
        assertRefused("recurrent network: there must be a layer, not 0", () -> RecurrentOptions.of(3, 4).layers(0));
        assertRefused("recurrent network: the probability of dropout must be in [0, 1) but is 1.0",
            () -> RecurrentOptions.of(3, 4).dropout(1));
        assertRefused("recurrent network (3, 0): both widths must be positive", () -> LSTM.of(3, 0));
    }

    private static void assertRefused(String message, Executable what) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, what).getMessage());
    }

    /** Which of a sequence's numbers came first shows at its end alone. */
    @Test
    void learnsToRememberInACompiledStep() {
        LSTM net = LSTM.of(1, 6).initialize(device, 1);
        Linear read = Linear.of(6, 1).initialize(device, 2);
        List<Variable> parameters = new ArrayList<>(net.parameters());
        parameters.addAll(read.parameters());
        var adam = AdamW.of(parameters).learningRate(0.05);
        Step step = Step.compile(device, (x, y) -> {
            Tensor loss = read.forward(net.run(x).state().hidden().squeeze(0)).binaryCrossEntropyWithLogits(y);
            adam.minimize(loss);
            return loss;
        });
        double last = 1;
        for (int i = 0; i < 60; i++) {
            Tensor x = device.random().bernoulli(0.5, 6, 16, 1).to(DType.F32);
            Tensor y = x.slice(0, 0, 1).squeeze(0);
            last = step.run(x.mul(2).sub(1), y).item();
        }
        assertEquals(1, step.traces());
        assertEquals(0, last, 0.15);
    }
}

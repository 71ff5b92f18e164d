package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.adjoint.gradcheck.GradientCheck;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Functions whose gradient computes them again: the same bits from less memory. */
class CheckpointTest {
    private static final int WIDTH = 8;
    private static final int LAYERS = 16;
    private static final int MANY = 32;

    private Device device;
    private List<Variable> weights;
    private Tensor input;

    @BeforeEach
    void open() {
        device = Device.open("reference");
        Random random = new Random(3);
        weights = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            weights.add(device.variable("w" + i, gaussian(random, WIDTH, WIDTH)));
        }
        input = gaussian(random, 64, WIDTH);
    }

    @AfterEach
    void close() {
        device.close();
    }

    private Tensor gaussian(Random random, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() / Math.sqrt(columns));
        }
        return device.tensor(values, rows, columns);
    }

    private List<Tensor> network(Tensor x, int every, boolean again, double dropped) {
        return network(x, LAYERS, every, again, dropped);
    }

    /** So many layers, the loss, its gradients for their weights; {@code every} so many layers are one function. */
    private List<Tensor> network(Tensor x, int count, int every, boolean again, double dropped) {
        for (int first = 0; first < count; first += every) {
            List<Variable> block = weights.subList(first, first + every);
            Step.Function1 layers = y -> {
                for (Variable weight : block) {
                    y = y.matmul(weight.tensor()).geluTanh().add(y).dropout(dropped);
                }
                return y;
            };
            x = (again ? Functions.checkpoint(layers) : layers).apply(x);
        }
        Tensor loss = x.square().mean();
        List<Tensor> results = new ArrayList<>(List.of(loss));
        results.addAll(loss.gradients(weights.subList(0, count)));
        return results;
    }

    private static void assertSameBits(List<Tensor> expected, List<Tensor> actual) {
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i).toFloatArray(), actual.get(i).toFloatArray(), "result " + i);
        }
    }

    @Test
    void aDeepChainTakesLessMemoryAndGivesTheSameBits() {
        Step plain = Step.compileAll(device, in -> network(in.getFirst(), MANY, 4, false, 0));
        Step again = Step.compileAll(device, in -> network(in.getFirst(), MANY, 4, true, 0));
        assertSameBits(plain.runAll(List.of(input)), again.runAll(List.of(input)));
        long without = plain.memory().arenaBytes();
        long with = again.memory().arenaBytes();
        assertTrue(with < without / 2, with + " bytes rather than " + without);
    }

    @Test
    void deeperChainsNeedLittleMore() {
        Step once = Step.compileAll(device, in -> network(in.getFirst(), 16, true, 0));
        Step nested = Step.compileAll(device, in -> {
            Step.Function1 half = x -> {
                for (int i = 0; i < 8; i += 2) {
                    int first = i;
                    x = Functions.checkpoint((Step.Function1) y -> {
                        for (Variable weight : weights.subList(first, first + 2)) {
                            y = y.matmul(weight.tensor()).geluTanh().add(y);
                        }
                        return y;
                    }).apply(x);
                }
                return x;
            };
            Tensor loss = Functions.checkpoint(half).apply(in.getFirst()).square().mean();
            return loss.gradients(weights.subList(0, 8));
        });
        Step plain = Step.compileAll(device, in -> network(in.getFirst(), 16, false, 0));
        List<Tensor> of = once.runAll(List.of(input));
        assertSameBits(plain.runAll(List.of(input)), of);
        nested.runAll(List.of(input));
        assertTrue(nested.memory().arenaBytes() < once.memory().arenaBytes(),
            nested.memory().arenaBytes() + " bytes nested, " + once.memory().arenaBytes() + " at once");
    }

    @Test
    void eagerlyToo() {
        assertSameBits(network(input, 4, false, 0), network(input, 4, true, 0));
    }

    @Test
    void randomNumbersAreTheSameAgain() {
        Step plain = Step.compileAll(device, in -> network(in.getFirst(), 4, false, 0.3));
        Step again = Step.compileAll(device, in -> network(in.getFirst(), 4, true, 0.3));
        device.random().seed(1);
        List<Tensor> expected = plain.runAll(List.of(input));
        device.random().seed(1);
        assertSameBits(expected, again.runAll(List.of(input)));
        device.random().seed(1);
        List<Tensor> eager = network(input, 4, false, 0.3);
        device.random().seed(1);
        assertSameBits(eager, network(input, 4, true, 0.3));
    }

    @Test
    void aVariableThatTheFunctionAssignsIsAssignedOnce() {
        Variable calls = device.variable("calls", device.scalar(0));
        Step step = Step.compile(device, x -> Functions.checkpoint((Step.Function1) y -> {
            calls.assign(calls.tensor().add(1));
            return y.mul(y).mul(calls.tensor());
        }).apply(x).sum().gradient(x));
        Tensor x = device.tensor(new float[] {1, 2});
        assertArrayEquals(new float[] {2, 4}, step.run(x).toFloatArray());
        assertArrayEquals(new float[] {4, 8}, step.run(x).toFloatArray());
        assertEquals(2, calls.tensor().item());
    }

    @Test
    void derivativesOfHigherOrder() {
        Step.Function1 f = Functions.checkpoint((Step.Function1) x -> x.tanh().mul(x.exp()));
        GradientCheck.of(x -> f.apply(x[0])).order(2)
            .assertGradients(device.tensor(new double[] {0.3, -0.7, 1.1}));
        Tensor x = device.tensor(new double[] {0.3, -0.7, 1.1});
        Tensor v = device.tensor(new double[] {1, 2, 3});
        assertArrayEquals(Functions.hvp(y -> y.tanh().mul(y.exp()).sum(), x, v).toDoubleArray(),
            Functions.hvp(y -> f.apply(y).sum(), x, v).toDoubleArray(), 1e-12);
    }

    @Test
    void severalResultsOfWhichOneIsRead() {
        Tensor x = device.full(DType.F64, 3).realize();
        List<Tensor> both = Functions.checkpointAll(in -> List.of(in.getFirst().square(), in.getFirst().exp()))
            .apply(List.of(x));
        assertEquals(6, both.getFirst().gradient(x).item());
        assertEquals(9 + Math.exp(3), both.get(0).add(both.get(1)).item(), 1e-12);
    }
}

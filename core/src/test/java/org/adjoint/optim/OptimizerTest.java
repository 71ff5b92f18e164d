package org.adjoint.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.io.Checkpoint;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OptimizerTest {
    private static final double[] START = {1.5, -0.25, 3};
    private static final double[] SCALES = {1, 4, 0.5};
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    /** What one step does to one parameter, in Java's doubles: p becomes update(g) of the gradient at p. */
    private interface Rule {
        double update(double p, double g);
    }

    private static double gradient(int i, double p) {
        return SCALES[i] * p + Math.cos(p);
    }

    /** {@code sum(s p^2 / 2 + sin p)}, whose gradient is {@code s p + cos p}. */
    private Tensor loss(Variable p) {
        Tensor scales = p.device().tensor(SCALES);
        return p.tensor().square().mul(scales).mul(0.5).add(p.tensor().sin()).sum();
    }

    /** Takes ten steps, eager and compiled, and compares each with the rule. */
    private void assertFollows(Function<List<Variable>, Optimizer<?>> optimizer, Function<Integer, Rule> rules) {
        for (boolean compiled : new boolean[] {false, true}) {
            Variable p = device.variable("p", device.tensor(START));
            Optimizer<?> made = optimizer.apply(List.of(p));
            Tensor scales = device.tensor(SCALES);
            Step step = Step.compile(device, s -> {
                Tensor loss = p.tensor().square().mul(s).mul(0.5).add(p.tensor().sin()).sum();
                made.minimize(loss);
                return loss;
            });
            List<Rule> rule = List.of(rules.apply(0), rules.apply(1), rules.apply(2));
            double[] expected = START.clone();
            for (int t = 1; t <= 10; t++) {
                if (compiled) {
                    step.run(scales);
                } else {
                    made.minimize(loss(p));
                }
                for (int i = 0; i < expected.length; i++) {
                    expected[i] = rule.get(i).update(expected[i], gradient(i, expected[i]));
                }
                assertArrayEquals(expected, p.tensor().toDoubleArray(), 1e-13, "step " + t + ", compiled " + compiled);
                assertEquals(t, made.steps());
            }
        }
    }

    @Test
    void sgd() {
        assertFollows(p -> SGD.of(p).learningRate(0.1), i -> (p, g) -> p - 0.1 * g);
        assertFollows(p -> SGD.of(p).learningRate(0.1).weightDecay(0.3), i -> (p, g) -> p - 0.1 * (g + 0.3 * p));
    }

    @Test
    void sgdWithMomentum() {
        // What was said last counts.
        assertFollows(p -> SGD.of(p).learningRate(0.05).nesterov(0.5).momentum(0.9).weightDecay(0.1), i -> {
            double[] v = {0};
            return (p, g) -> {
                v[0] = 0.9 * v[0] + (g + 0.1 * p);
                return p - 0.05 * v[0];
            };
        });
    }

    @Test
    void sgdWithNesterovsMomentum() {
        assertFollows(p -> SGD.of(p).learningRate(0.05).nesterov(0.9), i -> {
            double[] v = {0};
            return (p, g) -> {
                v[0] = 0.9 * v[0] + g;
                return p - 0.05 * (g + 0.9 * v[0]);
            };
        });
    }

    /** PyTorch's formula, with the corrections as divisors. */
    private static Rule adam(double rate, double beta1, double beta2, double epsilon, ToDoubleFunction<Double> l2,
        double decoupled) {
        double[] state = {0, 0, 0};
        return (p, raw) -> {
            double g = raw + l2.applyAsDouble(p);
            state[0] = beta1 * state[0] + (1 - beta1) * g;
            state[1] = beta2 * state[1] + (1 - beta2) * g * g;
            state[2]++;
            double denominator = Math.sqrt(state[1]) / Math.sqrt(1 - Math.pow(beta2, state[2])) + epsilon;
            return p * (1 - rate * decoupled)
                - rate / (1 - Math.pow(beta1, state[2])) * state[0] / denominator;
        };
    }

    @Test
    void adam() {
        assertFollows(p -> Adam.of(p), i -> adam(1e-3, 0.9, 0.999, 1e-8, p -> 0, 0));
        assertFollows(p -> Adam.of(p).learningRate(0.1).betas(0.8, 0.95).epsilon(1e-3).weightDecay(0.2),
            i -> adam(0.1, 0.8, 0.95, 1e-3, p -> 0.2 * p, 0));
    }

    @Test
    void adamW() {
        assertFollows(p -> AdamW.of(p), i -> adam(1e-3, 0.9, 0.999, 1e-8, p -> 0, 0.01));
        assertFollows(p -> AdamW.of(p).learningRate(0.1).weightDecay(0.2),
            i -> adam(0.1, 0.9, 0.999, 1e-8, p -> 0, 0.2));
    }

    @Test
    void sixteenBitParametersHaveWiderMoments() {
        for (DType dtype : List.of(DType.BF16, DType.F16, DType.F32)) {
            Variable p = device.variable("p", device.tensor(START).to(dtype));
            AdamW adam = AdamW.of(List.of(p)).learningRate(0.5);
            SGD sgd = SGD.of(List.of(p)).momentum(0.9);
            assertEquals(DType.F32, adam.state().get("optimizer.firstMoment.p").dtype());
            assertEquals(DType.F32, sgd.state().get("optimizer.velocity.p").dtype());
            double before = p.tensor().toDoubleArray()[0];
            adam.minimize(p.tensor().sum());
            assertEquals(before * (1 - 0.005) - 0.5, p.tensor().toDoubleArray()[0], 2 * dtype.epsilon());
            sgd.minimize(p.tensor().sum());
            assertEquals(dtype, p.dtype());
        }
    }

    /** Takes {@code steps} steps of {@code -rate g} and so on for a gradient of 1 wherever the parameter is. */
    private static void slide(Variable p, Optimizer<?> optimizer, int steps) {
        try (Step step = Step.compile(p.device(), () -> {
            Tensor loss = p.tensor().to(DType.F32).sum();
            optimizer.minimize(loss);
            return loss;
        })) {
            for (int t = 0; t < steps; t++) {
                step.run();
            }
        }
    }

    @Test
    void smallStepsOfSixteenBitParametersAddUp() {
        double rate = 2e-4;
        Map<Function<List<Variable>, Optimizer<?>>, Supplier<Rule>> optimizers = Map.of(
            p -> SGD.of(p).learningRate(rate).weightDecay(0.1), () -> (x, g) -> x - rate * (g + 0.1 * x),
            p -> Adam.of(p).learningRate(rate).weightDecay(0.1),
            () -> adam(rate, 0.9, 0.999, 1e-8, x -> 0.1 * x, 0),
            p -> AdamW.of(p).learningRate(rate).weightDecay(0.1), () -> adam(rate, 0.9, 0.999, 1e-8, x -> 0, 0.1));
        for (DType dtype : List.of(DType.BF16, DType.F16)) {
            optimizers.forEach((optimizer, rules) -> {
                Variable p = device.variable("p", device.tensor(START).to(dtype));
                slide(p, optimizer.apply(List.of(p)), 100);
                double[] actual = p.tensor().toDoubleArray();
                for (int i = 0; i < START.length; i++) {
                    Rule rule = rules.get();
                    double expected = START[i];
                    for (int t = 0; t < 100; t++) {
                        expected = rule.update(expected, 1);
                    }
                    // Rounded once, and half a unit of the copy at each step.
                    double bound = Math.abs(expected) * (dtype.epsilon() / 2 + 100 * DType.F32.epsilon());
                    assertEquals(expected, actual[i], bound, dtype + " " + i);
                }
            });
        }
    }

    @Test
    void withoutMasterWeightsSmallStepsAreLost() {
        Variable p = device.variable("p", device.tensor(START).to(DType.BF16));
        for (Optimizer<?> optimizer : List.of(SGD.of(List.of(p)), Adam.of(List.of(p)), AdamW.of(List.of(p)))) {
            optimizer.learningRate(2e-4).weightDecay(0);
            assertTrue(optimizer.state().containsKey("optimizer.master.p"));
            optimizer.masterWeights(false);
            assertFalse(optimizer.state().containsKey("optimizer.master.p"));
            slide(p, optimizer, 20);
            assertArrayEquals(START, p.tensor().toDoubleArray());
            optimizer.masterWeights(true);
            slide(p, optimizer, 20);
            assertEquals(START[0] - 20 * 2e-4, p.tensor().toDoubleArray()[0], 0x1p-8);
            assertTrue(p.tensor().toDoubleArray()[0] < START[0]);
            p.assign(device.tensor(START).to(DType.BF16));
        }
    }

    @Test
    void anAssignedParameterCountsFromThere() {
        Variable p = device.variable("p", device.tensor(START).to(DType.BF16));
        SGD sgd = SGD.of(List.of(p)).learningRate(2e-4);
        slide(p, sgd, 50);
        p.assign(device.tensor(new double[] {8, START[1], 0}).to(DType.BF16));
        slide(p, sgd, 50);
        double[] master = sgd.state().get("optimizer.master.p").tensor().toDoubleArray();
        assertEquals(8 - 0.01, master[0], 50 * Math.ulp(4f));
        assertEquals(START[1] - 0.01, master[1], 50 * Math.ulp(0.25f));
        assertEquals(-0.01, master[2], 50 * Math.ulp(0.01f));
    }

    @Test
    void aCheckpointKeepsWhatIsRoundedOff(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("training.safetensors");
        double[] expected = null;
        for (boolean interrupted : new boolean[] {false, true}) {
            Variable p = device.variable("p", device.tensor(START).to(DType.BF16));
            AdamW adam = AdamW.of(List.of(p)).learningRate(3e-4);
            slide(p, adam, 15);
            if (interrupted) {
                Checkpoint.of(Map.of("p", p)).with(adam.state()).save(file, Map.of());
                p = device.variable("p", device.zeros(DType.BF16, START.length));
                adam = AdamW.of(List.of(p)).learningRate(3e-4);
                Checkpoint.of(Map.of("p", p)).with(adam.state()).load(file);
            }
            slide(p, adam, 15);
            double[] master = adam.state().get("optimizer.master.p").tensor().toDoubleArray();
            if (interrupted) {
                assertArrayEquals(expected, master);
            }
            expected = master;
        }
    }

    @Test
    void aRateThatChangesEveryStepTracesOnce() {
        Variable p = device.variable("p", device.tensor(new double[] {0}));
        SGD sgd = SGD.of(List.of(p));
        Step step = Step.compile(device, () -> {
            sgd.minimize(p.tensor().sum());
            return p.tensor();
        });
        Schedule schedule = Schedule.cosine(0.5, 0.1, 20).warmup(5);
        double expected = 0;
        long plans = 0;
        for (int t = 0; t < 30; t++) {
            assertEquals(schedule.rate(t), sgd.learningRate(schedule.rate(t)).learningRate());
            expected -= schedule.rate(t);
            assertEquals(expected, step.run().item(), 1e-14);
            plans = t == 1 ? device.plansMade() : plans;
        }
        assertEquals(1, step.traces());
        assertEquals(plans, device.plansMade(), "nothing was planned again");
    }

    @Test
    void someParametersDoNotDecay() {
        Variable weight = device.variable("0.weight", device.ones(DType.F64, 1, 1));
        Variable bias = device.variable("0.bias", device.ones(DType.F64, 1));
        AdamW adam = AdamW.of(List.of(weight, bias)).learningRate(0.5).weightDecay(0.5).decayOnly(Optimizer.MATRICES);
        Tensor zero = weight.tensor().mul(0).sum().add(bias.tensor().mul(0).sum());
        adam.minimize(zero);
        assertEquals(0.75, weight.tensor().item());
        assertEquals(1, bias.tensor().item());
    }

    @Test
    void gradientsAreClipped() {
        Tensor a = device.tensor(new double[] {3, 0});
        Tensor b = device.tensor(new float[] {-4});
        assertEquals(5, Clip.globalNorm(List.of(a, b)).item(), 1e-12);
        List<Tensor> clipped = Clip.byGlobalNorm(List.of(a, b), 1);
        assertArrayEquals(new double[] {0.6, 0}, clipped.get(0).toDoubleArray(), 1e-6);
        assertArrayEquals(new double[] {-0.8}, clipped.get(1).toDoubleArray(), 1e-6);
        assertEquals(DType.F32, clipped.get(1).dtype());
        List<Tensor> kept = Clip.byGlobalNorm(List.of(a, b), 6);
        assertArrayEquals(new double[] {3, 0}, kept.get(0).toDoubleArray());
        List<Tensor> limited = Clip.byValue(List.of(a, b), 2);
        assertArrayEquals(new double[] {2, 0}, limited.get(0).toDoubleArray());
        assertArrayEquals(new double[] {-2}, limited.get(1).toDoubleArray());
    }

    @Test
    void anOptimizerClipsAsSet() {
        assertFollows(p -> SGD.of(p).learningRate(0.1).clipValue(0.5),
            i -> (p, g) -> p - 0.1 * Math.clamp(g, -0.5, 0.5));
        Variable p = device.variable("p", device.tensor(START));
        SGD sgd = SGD.of(List.of(p)).learningRate(1).clipNorm(1);
        sgd.minimize(p.tensor().mul(100).sum());
        double step = 1 / Math.sqrt(3);
        assertArrayEquals(new double[] {1.5 - step, -0.25 - step, 3 - step}, p.tensor().toDoubleArray(), 1e-7);
    }

    @Test
    void stateIsNamedAfterParameters() {
        Variable p = device.variable("0.weight", device.tensor(START));
        assertEquals(Set.of("optimizer.step", "optimizer.learningRate", "optimizer.firstMoment.0.weight",
            "optimizer.secondMoment.0.weight"), AdamW.of(List.of(p)).state().keySet());
        assertEquals(Set.of("optimizer.step", "optimizer.learningRate"), SGD.of(List.of(p)).state().keySet());
        Variable twin = device.variable("0.weight", device.tensor(START));
        assertEquals("AdamW: two parameters are named '0.weight': initialize them as parts of one model",
            assertThrows(IllegalArgumentException.class, () -> AdamW.of(List.of(p, twin))).getMessage());
    }

    @Test
    void misuseIsAnError() {
        Variable p = device.variable("p", device.tensor(START));
        SGD sgd = SGD.of(List.of(p));
        assertEquals("SGD: the learning rate must not be negative but is -1.0",
            assertThrows(IllegalArgumentException.class, () -> sgd.learningRate(-1)).getMessage());
        assertEquals("SGD: momentum must be in [0, 1.0) but is 1.0",
            assertThrows(IllegalArgumentException.class, () -> sgd.momentum(1)).getMessage());
        assertEquals("SGD: the gradient of variable p f64(3) is ()", assertThrows(IllegalArgumentException.class,
            () -> sgd.apply(List.of(device.scalar(1)))).getMessage());
        Step step = Step.compile(device, () -> {
            sgd.learningRate(0.5);
            return p.tensor();
        });
        assertEquals("SGD: set the learning rate before Step.run, not in the traced function, which runs once",
            assertThrows(IllegalStateException.class, step::run).getMessage());
        Variable count = device.variable("count", device.zeros(DType.I64));
        assertEquals("SGD: variable count i64() is not floating",
            assertThrows(IllegalArgumentException.class, () -> SGD.of(List.of(count))).getMessage());
        assertThrows(IllegalArgumentException.class, () -> AdamW.of(List.of()));
    }

    @Test
    void schedules() {
        assertRates(Schedule.constant(3), 3, 3, 3);
        assertRates(Schedule.linear(1, 0.5, 2), 1, 0.75, 0.5, 0.5);
        assertRates(Schedule.cosine(1, 0, 4), 1, 0.5 + Math.sqrt(0.125), 0.5, 0.5 - Math.sqrt(0.125), 0, 0);
        assertRates(Schedule.decay(8, 0.5, 2), 8, 8, 4, 4, 2);
        assertRates(Schedule.linear(4, 0, 4).warmup(4), 1, 2, 3, 4, 4, 3, 2, 1, 0);
        assertRates(Schedule.constant(1).warmup(0), 1);
    }

    private static void assertRates(Schedule schedule, double... expected) {
        for (int step = 0; step < expected.length; step++) {
            assertEquals(expected[step], schedule.rate(step), 1e-15, "step " + step);
        }
    }
}

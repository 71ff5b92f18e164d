package org.adjoint.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
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

/** Optimizers over twenty steps, eager, compiled, and interrupted by a checkpoint, against their rules in doubles. */
class OptimizerRulesTest {
    private static final int STEPS = 20;
    private static final double[] START = {1.5, -0.25, 3, 0.5, -2, 0.75};
    private static final double[] SCALES = {1, 4, 0.5, -0.5, 2, 0.25};
    private Device device;
    @TempDir
    private Path folder;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    /** What one step, counted from 1, makes of all elements of a parameter. */
    private interface Rule {
        double[] update(int step, double[] p, double[] g);
    }

    /** What one step, counted from 1, makes of one element. */
    private interface Element {
        double update(int step, double p, double g);
    }

    private static Supplier<Rule> each(Supplier<Element> rule) {
        return () -> {
            List<Element> elements = Arrays.stream(START).mapToObj(_ -> rule.get()).toList();
            return (step, p, g) -> {
                double[] next = new double[p.length];
                Arrays.setAll(next, i -> elements.get(i).update(step, p[i], g[i]));
                return next;
            };
        };
    }

    /** {@code sum(s p^2 / 2 + sin p)}, whose gradient is {@code s p + cos p}. */
    private static Tensor loss(Tensor p, Tensor scales) {
        return p.square().mul(scales).mul(0.5).add(p.sin()).sum();
    }

    private void assertFollows(Function<List<Variable>, Optimizer<?>> optimizer, Supplier<Rule> rule)
        throws IOException {
        assertFollows(optimizer, rule, 2, 3);
    }

    private void assertFollows(Function<List<Variable>, Optimizer<?>> optimizer, Supplier<Rule> rules, long... shape)
        throws IOException {
        for (boolean compiled : new boolean[] {false, true}) {
            Rule rule = rules.get();
            Variable p = device.variable("p", device.tensor(START, shape));
            Optimizer<?> made = optimizer.apply(List.of(p));
            Tensor scales = device.tensor(SCALES, shape);
            Step step = step(p, made);
            double[] expected = START;
            for (int t = 1; t <= STEPS; t++) {
                if (t == STEPS / 2) {
                    assertTrue(!compiled || step.traces() == 1, "nothing is traced again");
                    Path file = folder.resolve(made + ".safetensors");
                    Checkpoint.of(Map.of("p", p)).with(made.state()).save(file, Map.of());
                    p = device.variable("p", device.zeros(DType.F64, shape));
                    made = optimizer.apply(List.of(p));
                    Checkpoint.of(Map.of("p", p)).with(made.state()).load(file);
                    step = step(p, made);
                }
                if (compiled) {
                    step.run(scales);
                } else {
                    made.minimize(loss(p.tensor(), scales));
                }
                double[] g = new double[expected.length];
                double[] before = expected;
                Arrays.setAll(g, i -> SCALES[i] * before[i] + Math.cos(before[i]));
                expected = rule.update(t, before, g);
                assertArrayEquals(expected, p.tensor().toDoubleArray(), 1e-12, made + " step " + t + " " + compiled);
            }
        }
    }

    private Step step(Variable p, Optimizer<?> optimizer) {
        return Step.compile(device, s -> {
            Tensor loss = loss(p.tensor(), s);
            optimizer.minimize(loss);
            return loss;
        });
    }

    @Test
    void rmsProp() throws IOException {
        assertFollows(RMSProp::of, each(() -> {
            double[] v = {0};
            return (t, p, g) -> {
                v[0] = 0.99 * v[0] + 0.01 * g * g;
                return p - 0.01 * g / (Math.sqrt(v[0]) + 1e-8);
            };
        }));
        assertFollows(p -> RMSProp.of(p).learningRate(0.05).smoothing(0.9).momentum(0.8).centered().epsilon(1e-3)
            .weightDecay(0.1), each(() -> {
                double[] s = new double[3];
                return (t, p, raw) -> {
                    double g = raw + 0.1 * p;
                    s[0] = 0.9 * s[0] + 0.1 * g * g;
                    s[1] = 0.9 * s[1] + 0.1 * g;
                    s[2] = 0.8 * s[2] + g / (Math.sqrt(s[0] - s[1] * s[1]) + 1e-3);
                    return p - 0.05 * s[2];
                };
            }));
    }

    @Test
    void adagrad() throws IOException {
        assertFollows(p -> Adagrad.of(p).learningRate(0.1), each(() -> {
            double[] s = {0};
            return (t, p, g) -> {
                s[0] += g * g;
                return p - 0.1 * g / (Math.sqrt(s[0]) + 1e-10);
            };
        }));
        assertFollows(p -> Adagrad.of(p).learningRate(0.1).rateDecay(0.2).initialSum(0.5).weightDecay(0.1), each(() -> {
            double[] s = {0.5};
            return (t, p, raw) -> {
                double g = raw + 0.1 * p;
                s[0] += g * g;
                return p - 0.1 / (1 + (t - 1) * 0.2) * g / (Math.sqrt(s[0]) + 1e-10);
            };
        }));
    }

    @Test
    void adadelta() throws IOException {
        assertFollows(p -> Adadelta.of(p).smoothing(0.8).epsilon(1e-2).weightDecay(0.1), each(() -> {
            double[] s = new double[2];
            return (t, p, raw) -> {
                double g = raw + 0.1 * p;
                s[0] = 0.8 * s[0] + 0.2 * g * g;
                double step = Math.sqrt(s[1] + 1e-2) / Math.sqrt(s[0] + 1e-2) * g;
                s[1] = 0.8 * s[1] + 0.2 * step * step;
                return p - step;
            };
        }));
    }

    @Test
    void adamax() throws IOException {
        assertFollows(p -> Adamax.of(p).learningRate(0.05).betas(0.8, 0.9).weightDecay(0.1), each(() -> {
            double[] s = new double[2];
            return (t, p, raw) -> {
                double g = raw + 0.1 * p;
                s[0] = 0.8 * s[0] + 0.2 * g;
                s[1] = Math.max(0.9 * s[1], Math.abs(g) + 1e-8);
                return p - 0.05 / (1 - Math.pow(0.8, t)) * s[0] / s[1];
            };
        }));
    }

    @Test
    void nAdam() throws IOException {
        assertFollows(p -> NAdam.of(p).learningRate(0.05).betas(0.8, 0.95).momentumDecay(0.1).weightDecay(0.1),
            each(() -> {
                double[] s = {0, 0, 1};
                return (t, p, raw) -> {
                    double g = raw + 0.1 * p;
                    double now = 0.8 * (1 - 0.5 * Math.pow(0.96, t * 0.1));
                    double next = 0.8 * (1 - 0.5 * Math.pow(0.96, (t + 1) * 0.1));
                    s[0] = 0.8 * s[0] + 0.2 * g;
                    s[1] = 0.95 * s[1] + 0.05 * g * g;
                    s[2] *= now;
                    double mean = next * s[0] / (1 - s[2] * next) + (1 - now) * g / (1 - s[2]);
                    return p - 0.05 * mean / (Math.sqrt(s[1] / (1 - Math.pow(0.95, t))) + 1e-8);
                };
            }));
    }

    @Test
    void lion() throws IOException {
        assertFollows(p -> Lion.of(p).learningRate(0.02).betas(0.8, 0.9).weightDecay(0.3), each(() -> {
            double[] m = {0};
            return (t, p, g) -> {
                double direction = Math.signum(0.8 * m[0] + 0.2 * g);
                m[0] = 0.9 * m[0] + 0.1 * g;
                return p * (1 - 0.02 * 0.3) - 0.02 * direction;
            };
        }));
    }

    private static double norm(double[] x) {
        return Math.sqrt(Arrays.stream(x).map(value -> value * value).sum());
    }

    @Test
    void lamb() throws IOException {
        assertFollows(p -> LAMB.of(p).learningRate(0.05).betas(0.8, 0.95).weightDecay(0.1), () -> {
            double[] m = new double[START.length];
            double[] v = new double[START.length];
            return (t, p, g) -> {
                double[] direction = new double[p.length];
                Arrays.setAll(direction, i -> {
                    m[i] = 0.8 * m[i] + 0.2 * g[i];
                    v[i] = 0.95 * v[i] + 0.05 * g[i] * g[i];
                    return m[i] / (1 - Math.pow(0.8, t)) / (Math.sqrt(v[i] / (1 - Math.pow(0.95, t))) + 1e-6)
                        + 0.1 * p[i];
                });
                double[] next = new double[p.length];
                Arrays.setAll(next, i -> p[i] - 0.05 * norm(p) / norm(direction) * direction[i]);
                return next;
            };
        });
    }

    @Test
    void aZeroParameterTrustsItsStep() {
        Variable p = device.variable("p", device.zeros(DType.F64, 2));
        LAMB.of(List.of(p)).learningRate(0.5).minimize(p.tensor().sum());
        assertArrayEquals(new double[] {-0.5, -0.5}, p.tensor().toDoubleArray(), 1e-5);
        LAMB.of(List.of(p)).weightDecay(0).apply(List.of(device.zeros(DType.F64, 2)));
        assertArrayEquals(new double[] {-0.5, -0.5}, p.tensor().toDoubleArray(), 1e-5);
    }

    /** x of (2, 3), or its transpose, with orthogonal rows, about. */
    private static double[] orthogonal(double[] g, boolean tall) {
        double[][] x = new double[2][3];
        double norm = norm(g);
        for (int r = 0; r < 2; r++) {
            for (int c = 0; c < 3; c++) {
                x[r][c] = (tall ? g[2 * c + r] : g[3 * r + c]) / norm;
            }
        }
        for (int iteration = 0; iteration < 5; iteration++) {
            double[][] a = new double[2][2];
            for (int r = 0; r < 2; r++) {
                for (int s = 0; s < 2; s++) {
                    for (int c = 0; c < 3; c++) {
                        a[r][s] += x[r][c] * x[s][c];
                    }
                }
            }
            double[][] next = new double[2][3];
            for (int r = 0; r < 2; r++) {
                for (int c = 0; c < 3; c++) {
                    next[r][c] = 3.4445 * x[r][c];
                    for (int s = 0; s < 2; s++) {
                        double square = a[r][0] * a[0][s] + a[r][1] * a[1][s];
                        next[r][c] += (-4.7750 * a[r][s] + 2.0315 * square) * x[s][c];
                    }
                }
            }
            x = next;
        }
        double[] result = new double[6];
        for (int r = 0; r < 2; r++) {
            for (int c = 0; c < 3; c++) {
                result[tall ? 2 * c + r : 3 * r + c] = x[r][c];
            }
        }
        return result;
    }

    private static Supplier<Rule> muon(boolean tall, boolean nesterov, double scale) {
        return () -> {
            double[] b = new double[START.length];
            return (t, p, g) -> {
                Arrays.setAll(b, i -> 0.9 * b[i] + 0.1 * g[i]);
                double[] mixed = new double[p.length];
                Arrays.setAll(mixed, i -> nesterov ? 0.9 * b[i] + 0.1 * g[i] : b[i]);
                double[] step = orthogonal(mixed, tall);
                double[] next = new double[p.length];
                Arrays.setAll(next, i -> p[i] * (1 - 0.05 * 0.2) - 0.05 * scale * step[i]);
                return next;
            };
        };
    }

    @Test
    void muon() throws IOException {
        assertFollows(p -> Muon.of(p).learningRate(0.05).nesterov(0.9).weightDecay(0.2), muon(false, true, 1), 2, 3);
        assertFollows(p -> Muon.of(p).learningRate(0.05).momentum(0.9).weightDecay(0.2),
            muon(true, false, Math.sqrt(1.5)), 3, 2);
        assertFollows(p -> Muon.of(p).learningRate(0.05).nesterov(0.9).weightDecay(0.2).scale(Muon.Scale.MATCH_ADAMW),
            muon(true, true, 0.2 * Math.sqrt(3)), 3, 2);
        // A vector is AdamW's.
        assertFollows(p -> Muon.of(p).learningRate(0.05).betas(0.8, 0.95).weightDecay(0.2), each(() -> {
            double[] s = new double[2];
            return (t, p, g) -> {
                s[0] = 0.8 * s[0] + 0.2 * g;
                s[1] = 0.95 * s[1] + 0.05 * g * g;
                double denominator = Math.sqrt(s[1] / (1 - Math.pow(0.95, t))) + 1e-8;
                return p * (1 - 0.05 * 0.2) - 0.05 * s[0] / (1 - Math.pow(0.8, t)) / denominator;
            };
        }), 6);
    }

    /** Five iterations bring singular values of 0.01 and more, of a matrix of norm 1, between 0.68 and 1.13. */
    @Test
    void muonsStepsAreNearlyOrthogonal() {
        Variable p = device.variable("p", device.zeros(DType.F64, 2, 3));
        Muon.of(List.of(p)).learningRate(1).momentum(0).weightDecay(0)
            .apply(List.of(device.tensor(new double[] {3, 0.1, -0.2, 0.1, 0.05, 0.2}, 2, 3)));
        Tensor step = p.tensor();
        double[] products = step.matmul(step.transpose()).toDoubleArray();
        assertArrayEquals(new double[] {1, 0, 0, 1}, products, 0.6);
        assertEquals(0, products[1], 0.2);
        assertTrue(step.toDoubleArray()[0] < -0.6, "against the gradient");
    }

    @Test
    void groupsHaveRatesAndDecaysOfTheirOwn() {
        for (Function<List<Variable>, Optimizer<?>> made : List.<Function<List<Variable>, Optimizer<?>>>of(SGD::of,
            AdamW::of, Lion::of)) {
            List<Variable> p = List.of(device.variable("body.w", device.tensor(START)),
                device.variable("head.w", device.tensor(START)), device.variable("frozen.w", device.tensor(START)));
            Optimizer<?> optimizer = made.apply(p).learningRate(0.1).weightDecay(0)
                .rateFactor(v -> v.name().startsWith("head"), 0.5).rateFactor(v -> v.name().startsWith("frozen"), 0);
            optimizer.minimize(p.stream().map(v -> v.tensor().sum()).reduce(Tensor::add).orElseThrow());
            double body = START[0] - p.get(0).tensor().toDoubleArray()[0];
            assertEquals(0.1, body, 1e-6);
            assertEquals(body / 2, START[0] - p.get(1).tensor().toDoubleArray()[0], 1e-12);
            assertArrayEquals(START, p.get(2).tensor().toDoubleArray());
        }
        Variable p = device.variable("p", device.tensor(START));
        SGD.of(List.of(p)).learningRate(0.1).weightDecay(0.5).weightDecay(v -> v.name().equals("p"), 0.25)
            .apply(List.of(device.zeros(DType.F64, START.length)));
        assertEquals(START[0] * (1 - 0.025), p.tensor().toDoubleArray()[0], 1e-15);
    }

    @Test
    void sixteenBitParametersKeepMasters() {
        for (Function<List<Variable>, Optimizer<?>> made : List.<Function<List<Variable>, Optimizer<?>>>of(RMSProp::of,
            Adagrad::of, Adadelta::of, Adamax::of, NAdam::of, Lion::of, LAMB::of, Muon::of)) {
            Variable p = device.variable("p", device.tensor(START, 2, 3).to(DType.BF16));
            Optimizer<?> optimizer = made.apply(List.of(p)).learningRate(1e-4);
            assertTrue(optimizer.state().containsKey("optimizer.master.p"), optimizer.toString());
            optimizer.minimize(p.tensor().to(DType.F32).square().sum());
            Tensor master = optimizer.state().get("optimizer.master.p").tensor();
            assertArrayEquals(p.tensor().toDoubleArray(), master.to(DType.BF16).toDoubleArray());
            assertTrue(master.sub(device.tensor(START, 2, 3).to(DType.F32)).abs().max().item() > 0,
                optimizer.toString());
        }
    }

    @Test
    void misuseIsAnError() {
        Variable p = device.variable("p", device.tensor(START));
        List<Variable> all = List.of(p);
        assertEquals("RMSProp: smoothing must be in [0, 1.0) but is 1.0",
            assertThrows(IllegalArgumentException.class, () -> RMSProp.of(all).smoothing(1)).getMessage());
        assertEquals("Muon: variable p f64(6) is no matrix",
            assertThrows(IllegalArgumentException.class, () -> Muon.matrices(all, _ -> true)).getMessage());
        assertEquals("Lion: rate factor must be in [0, Infinity) but is -1.0", assertThrows(
            IllegalArgumentException.class, () -> Lion.of(all).rateFactor(_ -> true, -1)).getMessage());
        Adagrad adagrad = Adagrad.of(all);
        adagrad.minimize(p.tensor().sum());
        assertEquals("Adagrad: set the initial sum before the first step",
            assertThrows(IllegalStateException.class, () -> adagrad.initialSum(1)).getMessage());
    }
}

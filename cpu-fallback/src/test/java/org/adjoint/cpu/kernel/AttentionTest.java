package org.adjoint.cpu.kernel;

import static org.adjoint.cpu.StepFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.cpu.StepFixture;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention and its gradient against their definitions in double. */
class AttentionTest {
    private static final double SCALE = 0.3;

    /** One problem, its inputs in a fixture and the definition's results for each head. */
    private record Problem(StepFixture fixture, int heads, int t, int s, int d, int e, boolean causal, View q,
        View k, View v, View bias, View dout, double[] qs, double[] ks, double[] vs, double[] douts) {

        static Problem of(DType dtype, int heads, int t, int s, int d, int e, boolean causal, boolean biased) {
            StepFixture fixture = new StepFixture();
            View bias = biased
                // Broadcast over heads, and stored transposed: (heads, t, s) with strides (0, 1, t).
                ? fixture.strided(dtype.computeType(), Shape.of(heads, t, s), new long[] {0, 1, t}, 0, (long) t * s,
                    i -> random(4).applyAsDouble(i % ((long) t * s)))
                : null;
            View q = fixture.tensor(dtype, Shape.of(heads, t, d), random(1));
            View k = fixture.tensor(dtype, Shape.of(heads, s, d), random(2));
            View v = fixture.tensor(dtype, Shape.of(heads, s, e), random(3));
            View dout = fixture.tensor(dtype, Shape.of(heads, t, e), random(5));
            return new Problem(fixture, heads, t, s, d, e, causal, q, k, v, bias, dout, fixture.values(q),
                fixture.values(k), fixture.values(v), fixture.values(dout));
        }

        List<View> inputs() {
            return bias == null ? List.of(q, k, v) : List.of(q, k, v, bias);
        }

        double q(int head, int i, int c) {
            return qs[(head * t + i) * d + c];
        }

        double k(int head, int j, int c) {
            return ks[(head * s + j) * d + c];
        }

        double v(int head, int j, int c) {
            return vs[(head * s + j) * e + c];
        }

        double dout(int head, int i, int c) {
            return douts[(head * t + i) * e + c];
        }

        int visible(int i) {
            return causal ? Math.min(s, i + 1) : s;
        }

        double[] scores(int head, int i) {
            double[] scores = new double[visible(i)];
            for (int j = 0; j < scores.length; j++) {
                for (int c = 0; c < d; c++) {
                    scores[j] += q(head, i, c) * k(head, j, c);
                }
                scores[j] = scores[j] * SCALE + (bias == null ? 0 : fixture.get(bias, ((long) head * t + i) * s + j));
            }
            return scores;
        }
    }

    private static void assertNear(double[] expected, View actual, Problem problem, double bound, String what) {
        for (int i = 0; i < expected.length; i++) {
            double found = problem.fixture().get(actual, i);
            double error = Math.abs(expected[i] - found);
            double allowed = bound + Math.abs(expected[i]) * actual.dtype().epsilon() / 2;
            int at = i;
            assertTrue(error <= allowed, () -> what + "[" + at + "]: expected " + expected[at] + " but was " + found
                + ", bound " + allowed);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "F32,  1,   1,   1,   1,  1, false, false", "F32,  3,  13,  13,   5,  7, true,  false",
        "F32,  2,  63, 127,  64, 64, false, true",  "F32,  2,  65, 300,  16, 17, false, false",
        "F32,  2, 207, 207,  64, 64, true,  true",  "F32,  1, 257, 257,  31, 33, true,  false",
        "F32,  1,   5, 300,  64, 64, true,  false", "F32,  1, 300,   5,   8,  8, true,  false",
        "F32,  1,  70,  70, 500, 70, true,  false", "F64,  2, 130, 130,  13, 64, true,  true",
        "F64,  1,  34, 280, 300, 16, false, false", "F16,  2,  70, 140,  64, 64, true,  false",
        "BF16, 2,  65, 129,  32, 32, false, true",  "F32,  0,   5,   5,   4,  4, false, false",
        "F32,  2,   0,   5,   4,  4, false, false"})
    void matchesItsDefinition(DType dtype, int heads, int t, int s, int d, int e, boolean causal, boolean biased) {
        Problem p = Problem.of(dtype, heads, t, s, d, e, causal, biased);
        View out = p.fixture().output(dtype, Shape.of(heads, t, e));
        View max = p.fixture().output(dtype.computeType(), Shape.of(heads, t));
        View sum = p.fixture().output(dtype.computeType(), Shape.of(heads, t));
        p.fixture().runEverywhere(new FusedOp.Attention(SCALE, causal, biased), p.inputs(), List.of(out, max, sum));

        double[] expected = new double[heads * t * e];
        double[] expectedMax = new double[heads * t];
        double[] expectedSum = new double[heads * t];
        double[] dq = new double[heads * t * d];
        double[] dk = new double[heads * s * d];
        double[] dv = new double[heads * s * e];
        for (int head = 0; head < heads; head++) {
            for (int i = 0; i < t; i++) {
                int row = head * t + i;
                double[] scores = p.scores(head, i);
                double largest = Arrays.stream(scores).max().orElseThrow();
                double total = Arrays.stream(scores).map(x -> Math.exp(x - largest)).sum();
                expectedMax[row] = largest;
                expectedSum[row] = total;
                double delta = 0;
                double[] dp = new double[scores.length];
                for (int j = 0; j < scores.length; j++) {
                    double weight = Math.exp(scores[j] - largest) / total;
                    for (int c = 0; c < e; c++) {
                        expected[row * e + c] += weight * p.v(head, j, c);
                        dp[j] += p.dout(head, i, c) * p.v(head, j, c);
                        dv[(head * s + j) * e + c] += weight * p.dout(head, i, c);
                    }
                    delta += weight * dp[j];
                }
                for (int j = 0; j < scores.length; j++) {
                    double ds = Math.exp(scores[j] - largest) / total * (dp[j] - delta) * SCALE;
                    for (int c = 0; c < d; c++) {
                        dq[row * d + c] += ds * p.k(head, j, c);
                        dk[(head * s + j) * d + c] += ds * p.q(head, i, c);
                    }
                }
            }
        }
        double unit = dtype.computeType().epsilon() / 2;
        // All elements are in [-1, 1]: a score, |score| <= scale d + 1, is off by (d + 3) roundings of that size at
        // most; weights sum to 1 and are off by that error twice (numerator and sum), plus exp and the sum's roundings.
        double score = (d + 3) * (SCALE * d + 1) * unit;
        double weights = 2 * score + (Math.min(s, 64) + s / 128 + 16) * unit;
        assertNear(expectedMax, max, p, score, "max");
        assertNear(expectedSum, sum, p, weights * s, "sum");
        assertNear(expected, out, p, weights + (s / 128 + 128) * unit, "out");

        View dqView = p.fixture().output(dtype, Shape.of(heads, t, d));
        View dkView = p.fixture().output(dtype, Shape.of(heads, s, d));
        View dvView = p.fixture().output(dtype, Shape.of(heads, s, e));
        List<View> inputs = new ArrayList<>(p.inputs());
        inputs.addAll(List.of(out, max, sum, p.dout()));
        p.fixture().runEverywhere(new FusedOp.AttentionGradient(SCALE, causal, biased), inputs,
            List.of(dqView, dkView, dvView));
        // dp is at most e, and so is delta, which is off by the rounding of out as it is stored as well.
        double stored = e * dtype.epsilon() / 2;
        double ds = SCALE * (2 * e * weights + 2 * e * (e + 8) * unit + stored);
        assertNear(dq, dqView, p, ds + SCALE * 2 * e * (s + 8) * unit, "dq");
        double columnSum = t * (ds + SCALE * 2 * e * (t + 8) * unit);
        assertNear(dk, dkView, p, columnSum, "dk");
        assertNear(dv, dvView, p, t * (weights + (t + 8) * unit), "dv");
    }

    /** Each query sees one key alone, by far: the output is that key's value, and no other error is let through. */
    @ParameterizedTest
    @CsvSource({"F32, 150, 40, true, false", "F32, 150, 40, false, true", "F32, 400, 9, false, false",
        "F64, 70, 33, true, false", "F16, 70, 40, true, false", "BF16, 150, 8, false, true"})
    void oneKeyMayHaveAllTheWeight(DType dtype, int n, int e, boolean causal, boolean biased) {
        StepFixture fixture = new StepFixture();
        View q = fixture.tensor(dtype, Shape.of(n, n), i -> i % (n + 1) == 0 ? 60 : 0);
        View k = fixture.tensor(dtype, Shape.of(n, n), i -> i % (n + 1) == 0 ? 50 : 0);
        View v = fixture.tensor(dtype, Shape.of(n, e), random(3));
        View dout = fixture.tensor(dtype, Shape.of(n, e), random(5));
        List<View> inputs = new ArrayList<>(List.of(q, k, v));
        if (biased) {
            inputs.add(fixture.tensor(dtype.computeType(), Shape.of(n, n), random(4)));
        }
        View out = fixture.output(dtype, Shape.of(n, e));
        View max = fixture.output(dtype.computeType(), Shape.of(n));
        View sum = fixture.output(dtype.computeType(), Shape.of(n));
        fixture.runEverywhere(new FusedOp.Attention(SCALE, causal, biased), inputs, List.of(out, max, sum));
        assertArrayEquals(fixture.values(v), fixture.values(out));
        List<View> results = List.of(fixture.output(dtype, Shape.of(n, n)), fixture.output(dtype, Shape.of(n, n)),
            fixture.output(dtype, Shape.of(n, e)));
        inputs.addAll(List.of(out, max, sum, dout));
        fixture.runEverywhere(new FusedOp.AttentionGradient(SCALE, causal, biased), inputs, results);
        for (View zero : results.subList(0, 2)) {
            assertTrue(Arrays.stream(fixture.values(zero)).allMatch(x -> x == 0));
        }
        assertArrayEquals(fixture.values(dout), fixture.values(results.get(2)));
    }

    @Test
    void headsMayLieBesideEachOther() {
        StepFixture fixture = new StepFixture();
        // q, k, v cut from one (batch, t, 3, heads, d) tensor, seen as (batch, heads, t, d).
        int t = 33;
        Shape shape = Shape.of(2, 3, t, 8);
        View whole = fixture.tensor(DType.F32, Shape.of(2, t, 3, 3, 8), random(1));
        List<View> apart = new ArrayList<>();
        List<View> together = new ArrayList<>();
        for (int part = 0; part < 3; part++) {
            View view = new View(whole.slot(), DType.F32, shape, new long[] {t * 72, 8, 72, 1}, part * 24L);
            apart.add(view);
            together.add(fixture.tensor(DType.F32, shape, fixture.values(view)));
        }
        FusedOp.Attention op = new FusedOp.Attention(0.35, true, false);
        View out = fixture.output(DType.F32, shape);
        View expected = fixture.output(DType.F32, shape);
        View max = fixture.output(DType.F32, Shape.of(2, 3, t));
        View sum = fixture.output(DType.F32, Shape.of(2, 3, t));
        fixture.run(op, together, List.of(expected, max, sum), 256, 1);
        fixture.run(op, apart, List.of(out, max, sum), 256, 2);
        assertArrayEquals(fixture.values(expected), fixture.values(out));
    }

    @Test
    void aRowThatSeesNoKeyIsNaNAndAMaskedKeyHasNoWeight() {
        StepFixture fixture = new StepFixture();
        double hidden = Double.NEGATIVE_INFINITY;
        int s = 200;
        View q = fixture.tensor(DType.F32, Shape.of(3, 4), random(1));
        View k = fixture.tensor(DType.F32, Shape.of(s, 4), random(2));
        View v = fixture.tensor(DType.F32, Shape.of(s, 1), i -> i);
        // Row 0 sees nothing, row 1 only key 3, row 2 only key 150: in the second block of keys.
        View bias = fixture.tensor(DType.F32, Shape.of(3, s), i -> i == s + 3 || i == 2 * s + 150 ? 0 : hidden);
        View out = fixture.output(DType.F32, Shape.of(3, 1));
        View max = fixture.output(DType.F32, Shape.of(3));
        View sum = fixture.output(DType.F32, Shape.of(3));
        fixture.runEverywhere(new FusedOp.Attention(1, false, true), List.of(q, k, v, bias), List.of(out, max, sum));
        assertArrayEquals(new double[] {Double.NaN, 3, 150}, fixture.values(out));
        assertEquals(hidden, fixture.get(max, 0));
        assertTrue(Double.isFinite(fixture.get(max, 1)) && Double.isFinite(fixture.get(max, 2)));
        assertArrayEquals(new double[] {Double.NaN, 1, 1}, fixture.values(sum));
    }

    @Test
    void nanInAKeyReachesEveryRowThatSeesIt() {
        StepFixture fixture = new StepFixture();
        View q = fixture.tensor(DType.F32, Shape.of(4, 4), random(1));
        View k = fixture.tensor(DType.F32, Shape.of(4, 4), i -> i == 9 ? Double.NaN : random(2).applyAsDouble(i));
        View v = fixture.tensor(DType.F32, Shape.of(4, 4), random(3));
        View out = fixture.output(DType.F32, Shape.of(4, 4));
        View max = fixture.output(DType.F32, Shape.of(4));
        View sum = fixture.output(DType.F32, Shape.of(4));
        fixture.runEverywhere(new FusedOp.Attention(1, true, false), List.of(q, k, v), List.of(out, max, sum));
        for (int i = 0; i < 16; i++) {
            assertEquals(i >= 8, Double.isNaN(fixture.get(out, i)), "element " + i);
        }
    }
}

package org.adjoint.cuda.kernel;

import static org.adjoint.cuda.kernel.StepFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Attention and its gradient, with and without tensor cores, against their definitions in double. */
class AttentionTest {
    private static final double SCALE = 0.3;

    @BeforeAll
    static void open() {
        StepFixture.open();
    }

    @AfterAll
    static void close() {
        StepFixture.close();
    }

    /** Elements in [-1, 1] of q, k, v, dout and a bias that all heads share, and what the definition makes of them. */
    private static final class Problem {
        final StepFixture fixture = new StepFixture();
        final DType dtype;
        final int heads;
        final int t;
        final int s;
        final int d;
        final int e;
        final boolean causal;
        final View q;
        final View k;
        final View v;
        final View bias;
        final View dout;
        final double[] out;
        final double[] maxima;
        final double[] totals;
        final double[] dq;
        final double[] dk;
        final double[] dv;
        /** Of each key: the sum of its weights, and of |ds|; of each query: the sum of |ds|. */
        final double[] keyWeights;
        final double[] keySlopes;
        final double[] querySlopes;
        /** What the rounding of out as it is stored can make of delta, relative to that rounding; times weights. */
        final double[] queryStored;
        final double[] keyStored;

        Problem(DType dtype, int heads, int t, int s, int d, int e, boolean causal, boolean biased) {
            this.dtype = dtype;
            this.heads = heads;
            this.t = t;
            this.s = s;
            this.d = d;
            this.e = e;
            this.causal = causal;
            // Stored transposed: (heads, t, s) with strides (0, 1, t).
            bias = biased
                ? fixture.strided(dtype.computeType(), Shape.of(heads, t, s), new long[] {0, 1, t}, 0, (long) t * s,
                    i -> random(4).applyAsDouble(i % ((long) t * s)))
                : null;
            q = fixture.tensor(dtype, Shape.of(heads, t, d), random(1));
            k = fixture.tensor(dtype, Shape.of(heads, s, d), random(2));
            v = fixture.tensor(dtype, Shape.of(heads, s, e), random(3));
            dout = fixture.tensor(dtype, Shape.of(heads, t, e), random(5));
            out = new double[heads * t * e];
            maxima = new double[heads * t];
            totals = new double[heads * t];
            dq = new double[heads * t * d];
            dk = new double[heads * s * d];
            dv = new double[heads * s * e];
            keyWeights = new double[heads * s];
            keySlopes = new double[heads * s];
            querySlopes = new double[heads * t];
            queryStored = new double[heads * t];
            keyStored = new double[heads * s];
            double[] qs = fixture.values(q);
            double[] ks = fixture.values(k);
            double[] vs = fixture.values(v);
            double[] douts = fixture.values(dout);
            for (int row = 0; row < heads * t; row++) {
                define(row, row / t * s, qs, ks, vs, douts);
            }
        }

        /** One query, whose head's keys begin at {@code keys}. */
        private void define(int row, int keys, double[] qs, double[] ks, double[] vs, double[] douts) {
            int visible = causal ? Math.min(s, row % t + 1) : s;
            double[] scores = new double[visible];
            double max = Double.NEGATIVE_INFINITY;
            for (int j = 0; j < visible; j++) {
                scores[j] = SCALE * dot(qs, row, ks, keys + j, d)
                    + (bias == null ? 0 : fixture.get(bias, (long) row * s + j));
                max = Math.max(max, scores[j]);
            }
            double sum = 0;
            for (double score : scores) {
                sum += Math.exp(score - max);
            }
            maxima[row] = max;
            totals[row] = sum;
            double delta = 0;
            for (int j = 0; j < visible; j++) {
                double weight = Math.exp(scores[j] - max) / sum;
                delta += weight * dot(douts, row, vs, keys + j, e);
                for (int c = 0; c < e; c++) {
                    out[row * e + c] += weight * vs[(keys + j) * e + c];
                }
            }
            for (int c = 0; c < e; c++) {
                queryStored[row] += Math.abs(out[row * e + c] * douts[row * e + c]);
            }
            for (int j = 0; j < visible; j++) {
                int key = keys + j;
                double weight = Math.exp(scores[j] - max) / sum;
                double slope = SCALE * weight * (dot(douts, row, vs, key, e) - delta);
                keyWeights[key] += weight;
                keyStored[key] += weight * queryStored[row];
                keySlopes[key] += Math.abs(slope);
                querySlopes[row] += Math.abs(slope);
                for (int c = 0; c < d; c++) {
                    dq[row * d + c] += slope * ks[key * d + c];
                    dk[key * d + c] += slope * qs[row * d + c];
                }
                for (int c = 0; c < e; c++) {
                    dv[key * e + c] += weight * douts[row * e + c];
                }
            }
        }

        private static double dot(double[] a, int i, double[] b, int j, int columns) {
            double sum = 0;
            for (int c = 0; c < columns; c++) {
                sum += a[i * columns + c] * b[j * columns + c];
            }
            return sum;
        }

        List<View> inputs() {
            return bias == null ? List.of(q, k, v) : List.of(q, k, v, bias);
        }

        /** @param bound of a row's elements, beside the rounding to the result's dtype */
        void assertNear(double[] expected, View actual, int columns, IntToDoubleFunction bound, String what) {
            for (int i = 0; i < expected.length; i++) {
                double found = fixture.get(actual, i);
                double stored = Math.abs(expected[i]) * actual.dtype().epsilon() / 2;
                double allowed = bound.applyAsDouble(i / columns) + stored;
                int at = i;
                assertTrue(Math.abs(expected[i] - found) <= allowed, () -> what + "[" + at + "]: expected "
                    + expected[at] + " but was " + found + ", bound " + allowed);
            }
        }

        /** @param rounding of weights and their gradients before they are multiplied, relative to them */
        void check(double rounding) {
            View outView = fixture.output(dtype, Shape.of(heads, t, e));
            View max = fixture.output(dtype.computeType(), Shape.of(heads, t));
            View sum = fixture.output(dtype.computeType(), Shape.of(heads, t));
            fixture.run(new FusedOp.Attention(SCALE, causal, bias != null), inputs(), List.of(outView, max, sum));
            double unit = dtype.computeType().epsilon() / 2;
            // A score, |score| <= scale d + 1, is off by (d + 3) roundings of that size at most; weights sum to 1 and
            // are off by that error twice (numerator and sum), plus the roundings of exp, the sum and its rescaling.
            double weights = 2 * (d + 3) * (SCALE * d + 1) * unit + (s / 4 + 32) * unit;
            assertNear(maxima, max, 1, _ -> weights, "max");
            assertNear(totals, sum, 1, _ -> weights * s, "sum");
            assertNear(out, outView, e, _ -> weights + (s + 8) * unit + rounding, "out");

            View dqView = fixture.output(dtype, Shape.of(heads, t, d));
            View dkView = fixture.output(dtype, Shape.of(heads, s, d));
            View dvView = fixture.output(dtype, Shape.of(heads, s, e));
            List<View> inputs = new ArrayList<>(inputs());
            inputs.addAll(List.of(outView, max, sum, dout));
            fixture.run(new FusedOp.AttentionGradient(SCALE, causal, bias != null), inputs,
                List.of(dqView, dkView, dvView));
            // dp is at most e, and so is delta, which is off by the rounding of out as it is stored as well.
            double slope = SCALE * (2 * e * weights + 2 * e * (e + 8) * unit + e * rounding * rounding);
            double stored = SCALE * (dtype.epsilon() / 2 + rounding);
            assertNear(dq, dqView, d, i -> slope + SCALE * 2 * e * (s + 8) * unit + stored * queryStored[i]
                + rounding * querySlopes[i], "dq");
            assertNear(dk, dkView, d, j -> t * (slope + SCALE * 2 * e * (t + 8) * unit) + stored * keyStored[j]
                + rounding * keySlopes[j], "dk");
            assertNear(dv, dvView, e, j -> t * (weights + (t + 8) * unit) + rounding * keyWeights[j], "dv");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "F32,  1,   1,   1,   1,  1, false, false", "F32,  3,  13,  13,   5,  7, true,  false",
        "F32,  2,  63, 127,  64, 64, false, true",  "F32,  2,  65, 200,  16, 17, false, false",
        "F32,  1, 129, 129,  64, 64, true,  true",  "F32,  1,  65,  65, 128, 128, true, false",
        "F32,  1,   5, 200,  64, 64, true,  false", "F32,  1, 200,   5,   8,  8, true,  false",
        "F32,  1,  40,  40, 300, 140, true, false", "F32,  1,  40,  40, 70, 300, false, true",
        "F64,  2, 130, 130,  13, 64, true,  true",  "F64,  1,  34, 140, 150, 16, false, false",
        "F16,  1,  70, 140,  60, 32, true,  false", "BF16, 2,  65, 129,  32, 32, false, true",
        "BF16, 1,  65,  70,  13, 13, true, false",  "F32,  0,   5,   5,   4,  4, false, false",
        "F32,  2,   0,   5,   4,  4, false, false"})
    void matchesItsDefinition(DType dtype, int heads, int t, int s, int d, int e, boolean causal, boolean biased) {
        new Problem(dtype, heads, t, s, d, e, causal, biased).check(0);
    }

    @ParameterizedTest
    @CsvSource({
        "BF16, 1,   1,   1,  64,  64, false", "F16,  2,  13,  13, 128, 128, true",
        "BF16, 2,  65, 129,  64,  64, false", "F16,  1, 129,  65,  64,  64, true",
        "BF16, 1, 130, 130, 128, 128, true",  "F16,  1,  33, 200, 128, 128, false",
        "BF16, 1, 200,   5,  64,  64, true",  "F16,  1,   5, 130,  64,  64, true",
        "BF16, 2,  65, 129,  32,  32, true",  "F16,  1, 129,  40,   8,   8, false",
        "F16,  1,  70,  70,  40,  16, true",  "BF16, 1,  40,  70,  24,  96, false",
        "F16,  3, 300, 260,  32,  32, true"})
    void matchesItsDefinitionOnTensorCores(DType dtype, int heads, int t, int s, int d, int e, boolean causal) {
        new Problem(dtype, heads, t, s, d, e, causal, false).check(dtype.epsilon() / 2);
    }

    /** Keys outweigh those of the blocks before them, by little or by far: scores are exact. */
    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F16", "BF16", "F32", "F64"})
    void sumsFollowTheLargestScore(DType dtype) {
        StepFixture fixture = new StepFixture();
        int t = 3;
        int s = 300;
        int head = 64;
        double[] scores = new double[s];
        Arrays.setAll(scores, j -> j < 64 ? j % 3 : j < 128 ? 4 : j < 200 ? 40 - j % 2 : j < 256 ? 0 : j % 45);
        View q = fixture.tensor(dtype, Shape.of(t, head), _ -> 0.25);
        View k = fixture.tensor(dtype, Shape.of(s, head), i -> scores[(int) i / head] / 16);
        View v = fixture.tensor(dtype, Shape.of(s, head), random(3));
        View out = fixture.output(dtype, Shape.of(t, head));
        View max = fixture.output(dtype.computeType(), Shape.of(t));
        View total = fixture.output(dtype.computeType(), Shape.of(t));
        fixture.run(new FusedOp.Attention(1, false, false), List.of(q, k, v), List.of(out, max, total));
        double sum = Arrays.stream(scores).map(Math::exp).sum();
        double rounding = dtype == DType.F64 ? 1e-14 : 1e-5 + (dtype.isHalf() ? dtype.epsilon() : 0);
        for (int c = 0; c < t * head; c++) {
            double expected = 0;
            for (int j = 0; j < s; j++) {
                expected += Math.exp(scores[j]) / sum * fixture.get(v, (long) j * head + c % head);
            }
            assertEquals(expected, fixture.get(out, c), rounding);
        }
        assertEquals(44, fixture.get(max, 0));
        double relative = sum / Math.exp(44);
        assertEquals(relative, fixture.get(total, 0), relative * (dtype == DType.F64 ? 1e-13 : 1e-5));
    }

    /** Each query sees one key alone, by far: the output is that key's value, and no other error is let through. */
    @ParameterizedTest
    @CsvSource({"F32, 70, 40, true, false", "F32, 70, 33, false, true", "F64, 35, 33, true, false",
        "F16, 70, 40, true, false", "BF16, 70, 8, false, true"})
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
        fixture.run(new FusedOp.Attention(SCALE, causal, biased), inputs, List.of(out, max, sum));
        assertArrayEquals(fixture.values(v), fixture.values(out));
        List<View> results = List.of(fixture.output(dtype, Shape.of(n, n)), fixture.output(dtype, Shape.of(n, n)),
            fixture.output(dtype, Shape.of(n, e)));
        inputs.addAll(List.of(out, max, sum, dout));
        fixture.run(new FusedOp.AttentionGradient(SCALE, causal, biased), inputs, results);
        for (View zero : results.subList(0, 2)) {
            assertTrue(Arrays.stream(fixture.values(zero)).allMatch(x -> x == 0));
        }
        assertArrayEquals(fixture.values(dout), fixture.values(results.get(2)));
    }

    /** More blocks than start with the longest first. */
    @Test
    void headsMayBeMany() {
        StepFixture fixture = new StepFixture();
        Shape shape = Shape.of(514, 1, 8);
        View q = fixture.tensor(DType.BF16, shape, random(1));
        View k = fixture.tensor(DType.BF16, shape, random(2));
        View v = fixture.tensor(DType.BF16, shape, random(3));
        View out = fixture.output(DType.BF16, shape);
        View max = fixture.output(DType.F32, Shape.of(514, 1));
        View sum = fixture.output(DType.F32, Shape.of(514, 1));
        fixture.run(new FusedOp.Attention(SCALE, true, false), List.of(q, k, v), List.of(out, max, sum));
        assertArrayEquals(fixture.values(v), fixture.values(out));
    }

    /** q, k and v cut from one (batch, t, 3, heads, head) tensor, seen as (batch, heads, t, head). */
    @ParameterizedTest
    @CsvSource({"F32, 8, 0", "BF16, 64, 0", "F16, 128, 8", "BF16, 64, 3"})
    void headsMayLieBesideEachOther(DType dtype, int head, int offset) {
        StepFixture fixture = new StepFixture();
        int t = 33;
        Shape shape = Shape.of(2, 3, t, head);
        long elements = 2L * t * 9 * head;
        View whole = fixture.strided(dtype, Shape.of(elements), new long[] {1}, offset, elements + offset, random(1));
        List<View> apart = new ArrayList<>();
        List<View> together = new ArrayList<>();
        for (int part = 0; part < 3; part++) {
            View view = new View(whole.slot(), dtype, shape, new long[] {t * 9L * head, head, 9L * head, 1},
                part * 3L * head + offset);
            apart.add(view);
            together.add(fixture.tensor(dtype, shape, fixture.values(view)));
        }
        View dout = fixture.tensor(dtype, shape, random(2));
        List<double[]> expected = run(fixture, together, dout);
        List<double[]> found = run(fixture, apart, dout);
        boolean sameKernel = offset % 8 == 0;
        for (int i = 0; i < expected.size(); i++) {
            // Rows that begin between chunks of 16 bytes are left to the general kernel, whose rounding differs.
            assertArrayEquals(expected.get(i), found.get(i), sameKernel ? 0 : 0.05, "result " + i);
        }
    }

    /** The output, the gradients. */
    private static List<double[]> run(StepFixture fixture, List<View> inputs, View dout) {
        Shape shape = dout.shape();
        View out = fixture.output(dout.dtype(), shape);
        View max = fixture.output(DType.F32, shape.without(shape.rank() - 1));
        View sum = fixture.output(DType.F32, shape.without(shape.rank() - 1));
        fixture.run(new FusedOp.Attention(0.35, true, false), inputs, List.of(out, max, sum));
        List<View> results = List.of(fixture.output(dout.dtype(), shape), fixture.output(dout.dtype(), shape),
            fixture.output(dout.dtype(), shape));
        List<View> all = new ArrayList<>(inputs);
        all.addAll(List.of(out, max, sum, dout));
        fixture.run(new FusedOp.AttentionGradient(0.35, true, false), all, results);
        return List.of(fixture.values(out), fixture.values(results.get(0)), fixture.values(results.get(1)),
            fixture.values(results.get(2)));
    }

    @Test
    void aRowThatSeesNoKeyIsNaNAndAMaskedKeyHasNoWeight() {
        StepFixture fixture = new StepFixture();
        double hidden = Double.NEGATIVE_INFINITY;
        int s = 200;
        View q = fixture.tensor(DType.F32, Shape.of(3, 4), random(1));
        View k = fixture.tensor(DType.F32, Shape.of(s, 4), random(2));
        View v = fixture.tensor(DType.F32, Shape.of(s, 1), i -> i);
        // Row 0 sees nothing, row 1 only key 3, row 2 only key 150: in the third block of keys.
        View bias = fixture.tensor(DType.F32, Shape.of(3, s), i -> i == s + 3 || i == 2 * s + 150 ? 0 : hidden);
        View out = fixture.output(DType.F32, Shape.of(3, 1));
        View max = fixture.output(DType.F32, Shape.of(3));
        View sum = fixture.output(DType.F32, Shape.of(3));
        fixture.run(new FusedOp.Attention(1, false, true), List.of(q, k, v, bias), List.of(out, max, sum));
        assertArrayEquals(new double[] {Double.NaN, 3, 150}, fixture.values(out));
        assertEquals(hidden, fixture.get(max, 0));
        assertTrue(Double.isFinite(fixture.get(max, 1)) && Double.isFinite(fixture.get(max, 2)));
        assertArrayEquals(new double[] {Double.NaN, 1, 1}, fixture.values(sum));
    }

    @ParameterizedTest
    @CsvSource({"F32, 4", "BF16, 64"})
    void nanInAKeyReachesEveryRowThatSeesIt(DType dtype, int head) {
        StepFixture fixture = new StepFixture();
        Shape shape = Shape.of(4, head);
        View q = fixture.tensor(dtype, shape, random(1));
        View k = fixture.tensor(dtype, shape, i -> i == 2 * head + 1 ? Double.NaN : random(2).applyAsDouble(i));
        View v = fixture.tensor(dtype, shape, random(3));
        View out = fixture.output(dtype, shape);
        View max = fixture.output(DType.F32, Shape.of(4));
        View sum = fixture.output(DType.F32, Shape.of(4));
        fixture.run(new FusedOp.Attention(1, true, false), List.of(q, k, v), List.of(out, max, sum));
        for (int i = 0; i < 4 * head; i++) {
            assertEquals(i >= 2 * head, Double.isNaN(fixture.get(out, i)), "element " + i);
        }
    }

    /** Scores of -infinity alone: no key is seen, with and without tensor cores. */
    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "BF16"})
    void scoresOfMinusInfinityAloneAreNaN(DType dtype) {
        StepFixture fixture = new StepFixture();
        View q = fixture.tensor(dtype, Shape.of(1, 64), i -> i == 0 ? Double.NEGATIVE_INFINITY : 0.5);
        View k = fixture.tensor(dtype, Shape.of(3, 64), _ -> 1);
        View v = fixture.tensor(dtype, Shape.of(3, 64), random(3));
        View out = fixture.output(dtype, Shape.of(1, 64));
        View max = fixture.tensor(DType.F32, Shape.of(1), 7);
        View sum = fixture.tensor(DType.F32, Shape.of(1), 7);
        fixture.run(new FusedOp.Attention(1, false, false), List.of(q, k, v), List.of(out, max, sum));
        assertTrue(Arrays.stream(fixture.values(out)).allMatch(Double::isNaN));
        assertEquals(Double.NEGATIVE_INFINITY, fixture.get(max, 0));
        assertEquals(Double.NaN, fixture.get(sum, 0));
    }
}

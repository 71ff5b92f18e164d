package org.adjoint.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Attention's forms and rotary positions against their definitions, written out. */
class AttentionOpsTest {
    private static final int HEADS = 4;
    private static final int GROUPS = 2;
    private static final int T = 3;
    private static final int S = 5;
    private static final int D = 2;
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private static double[] waves(int count, double step) {
        double[] values = new double[count];
        Arrays.setAll(values, i -> Math.sin(1 + step * i));
        return values;
    }

    private static final double[] Q = waves(HEADS * T * D, 0.7);
    private static final double[] K = waves(GROUPS * S * D, 1.1);
    private static final double[] V = waves(GROUPS * S * D, 0.4);

    private interface Bias {
        double of(int head, int query, int key);
    }

    private static double[] expected(double scale, Bias bias) {
        double[] out = new double[HEADS * T * D];
        for (int h = 0; h < HEADS; h++) {
            int group = h / (HEADS / GROUPS);
            for (int t = 0; t < T; t++) {
                double total = 0;
                for (int s = 0; s < S; s++) {
                    double score = bias.of(h, t, s);
                    for (int d = 0; d < D; d++) {
                        score += scale * Q[(h * T + t) * D + d] * K[(group * S + s) * D + d];
                    }
                    double e = Math.exp(score);
                    total += e;
                    for (int d = 0; d < D; d++) {
                        out[(h * T + t) * D + d] += e * V[(group * S + s) * D + d];
                    }
                }
                for (int d = 0; d < D; d++) {
                    out[(h * T + t) * D + d] /= total == 0 ? 1 : total;
                }
            }
        }
        return out;
    }

    private Tensor attend(Tensor mask, AttentionOptions options) {
        return device.tensor(Q, HEADS, T, D).scaledDotProductAttention(device.tensor(K, GROUPS, S, D),
            device.tensor(V, GROUPS, S, D), mask, options);
    }

    private void assertAttends(double[] expected, Tensor mask, AttentionOptions options) {
        assertArrayEquals(expected, attend(mask, options).toDoubleArray(), 1e-14);
    }

    @Test
    void neighboringHeadsShareKeys() {
        double scale = 1 / Math.sqrt(D);
        assertAttends(expected(scale, (h, t, s) -> 0), null, AttentionOptions.DEFAULT);
        assertAttends(expected(0.3, (h, t, s) -> s > t ? Double.NEGATIVE_INFINITY : 0), null,
            AttentionOptions.CAUSAL.scale(0.3));
    }

    @Test
    void masksHideAndBiasesAdd() {
        double scale = 1 / Math.sqrt(D);
        double[] bias = waves(HEADS * T * S, 0.9);
        assertAttends(expected(scale, (h, t, s) -> bias[(h * T + t) * S + s]), device.tensor(bias, HEADS, T, S),
            AttentionOptions.DEFAULT);
        double[] rows = waves(S, 0.9);
        assertAttends(expected(scale, (h, t, s) -> rows[s]), device.tensor(rows), AttentionOptions.DEFAULT);
        // Query 1 sees nothing, and neither does query 0 where it may not look ahead.
        double[] seen = {0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0};
        Tensor mask = device.tensor(seen, T, S).equal(1);
        assertAttends(expected(scale, (h, t, s) -> seen[t * S + s] == 1 ? 0 : Double.NEGATIVE_INFINITY), mask,
            AttentionOptions.DEFAULT);
        assertAttends(expected(scale, (h, t, s) -> seen[t * S + s] == 1 && s <= t ? 0 : Double.NEGATIVE_INFINITY), mask,
            AttentionOptions.CAUSAL);
    }

    /** Half of the weights are dropped, the others count twice: on average nothing changes. */
    @Test
    void dropoutKeepsTheMean() {
        device.random().seed(3);
        double[] sum = new double[HEADS * T * D];
        int draws = 400;
        for (int i = 0; i < draws; i++) {
            double[] out = attend(null, AttentionOptions.DEFAULT.dropout(0.5)).toDoubleArray();
            for (int j = 0; j < out.length; j++) {
                sum[j] += out[j] / draws;
            }
        }
        double[] expected = expected(1 / Math.sqrt(D), (h, t, s) -> 0);
        // Each draw deviates by about 0.5; five standard errors.
        assertArrayEquals(expected, sum, 5 * 0.5 / Math.sqrt(draws));
    }

    @Test
    void pairsTurn() {
        double[] x = {1, 2, 3, 4};
        Tensor row = device.tensor(x, 1, 4);
        Tensor position = device.tensor(new int[] {3});
        double slow = 3 / Math.sqrt(100);
        assertArrayEquals(new double[] {Math.cos(3) - 2 * Math.sin(3), 2 * Math.cos(3) + Math.sin(3),
            3 * Math.cos(slow) - 4 * Math.sin(slow), 4 * Math.cos(slow) + 3 * Math.sin(slow)},
            row.rotaryEmbedding(position, RotaryLayout.INTERLEAVED, 100).toDoubleArray(), 1e-15);
        assertArrayEquals(new double[] {Math.cos(3) - 3 * Math.sin(3), 2 * Math.cos(slow) - 4 * Math.sin(slow),
            3 * Math.cos(3) + Math.sin(3), 4 * Math.cos(slow) + 2 * Math.sin(slow)},
            row.rotaryEmbedding(position, RotaryLayout.HALVES, 100).toDoubleArray(), 1e-15);
    }

    /** What makes it a relative position. */
    @Test
    void productsDependOnTheDistanceAlone() {
        Tensor q = device.tensor(waves(6, 0.7), 1, 6);
        Tensor k = device.tensor(waves(6, 1.3), 1, 6);
        for (RotaryLayout layout : RotaryLayout.values()) {
            double[] products = new double[2];
            for (int i = 0; i < 2; i++) {
                Tensor turned = q.rotaryEmbedding(device.tensor(new int[] {7 + 20 * i}), layout);
                products[i] = turned.mul(k.rotaryEmbedding(device.tensor(new int[] {4 + 20 * i}), layout)).sum().item();
            }
            assertEquals(products[0], products[1], 1e-13);
        }
    }
}

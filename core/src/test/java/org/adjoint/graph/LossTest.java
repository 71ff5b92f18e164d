package org.adjoint.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.adjoint.Device;
import org.adjoint.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Losses against their definitions, written out. */
class LossTest {
    private static final double[] LOGITS = {0.5, -1, 2, 1.5, 0.25, -0.75};
    private static final double[] WEIGHTS = {0.5, 2, 3};
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    /** -log softmax of class {@code c} of row {@code row} of {@link #LOGITS}. */
    private static double entropy(int row, int c) {
        double sum = 0;
        for (int i = 0; i < 3; i++) {
            sum += Math.exp(LOGITS[3 * row + i]);
        }
        return Math.log(sum) - LOGITS[3 * row + c];
    }

    private Tensor logits() {
        return device.tensor(LOGITS, 2, 3);
    }

    private Tensor vector(double... values) {
        return device.tensor(values);
    }

    private static void assertIs(double expected, Tensor actual) {
        assertEquals(expected, actual.item(), 1e-14);
    }

    @Test
    void crossEntropyReduces() {
        Tensor targets = device.tensor(new int[] {2, 0});
        CrossEntropyOptions plain = CrossEntropyOptions.DEFAULT;
        double a = entropy(0, 2);
        double b = entropy(1, 0);
        assertIs((a + b) / 2, logits().crossEntropy(targets));
        assertIs(a + b, logits().crossEntropy(targets, plain.reduction(Reduction.SUM)));
        assertIs((a + b) / 2, logits().crossEntropy(targets, plain.reduction(Reduction.BATCH_MEAN)));
        assertArrayEquals(new double[] {a, b},
            logits().crossEntropy(targets, plain.reduction(Reduction.NONE)).toDoubleArray(), 1e-14);
        assertIs((3 * a + 0.5 * b) / 3.5, logits().crossEntropy(targets, vector(WEIGHTS), plain));
        assertIs((3 * a + 0.5 * b) / 3.5, logits().logSoftmax(1).nllLoss(targets, vector(WEIGHTS), plain));
    }

    @Test
    void ignoredRowsDoNotCount() {
        CrossEntropyOptions ignoring = CrossEntropyOptions.DEFAULT.ignoredIndex(-100);
        Tensor x = logits();
        Tensor loss = x.crossEntropy(device.tensor(new int[] {-100, 1}), ignoring);
        assertIs(entropy(1, 1), loss);
        assertArrayEquals(new double[3], loss.gradient(x).slice(0, 0, 1).toDoubleArray());
        assertTrue(Double.isNaN(x.crossEntropy(device.tensor(new int[] {-100, -100}), ignoring).item()));
    }

    /** PyTorch: (1 - s) times the loss of the target and s / classes times the losses of all, each with its weight. */
    @Test
    void smoothedTargetsAreProbabilities() {
        CrossEntropyOptions smooth = CrossEntropyOptions.DEFAULT.labelSmoothing(0.3);
        double all = 0;
        double weighted = 0;
        for (int c = 0; c < 3; c++) {
            all += 0.1 * (entropy(0, c) + entropy(1, c));
            weighted += 0.1 * WEIGHTS[c] * (entropy(0, c) + entropy(1, c));
        }
        double expected = (0.7 * (entropy(0, 2) + entropy(1, 0)) + all) / 2;
        assertIs(expected, logits().crossEntropy(device.tensor(new int[] {2, 0}), smooth));
        assertIs(expected, logits().crossEntropy(device.tensor(new double[] {0, 0, 1, 1, 0, 0}, 2, 3), smooth));
        double sum = 0.7 * (3 * entropy(0, 2) + 0.5 * entropy(1, 0)) + weighted;
        assertIs(sum / 3.5, logits().crossEntropy(device.tensor(new int[] {2, 0}), vector(WEIGHTS), smooth));
        // Over probabilities the mean divides by the number of rows.
        assertIs(sum / 2, logits().crossEntropy(device.tensor(new double[] {0, 0, 1, 1, 0, 0}, 2, 3), vector(WEIGHTS),
            smooth));
    }

    @Test
    void distances() {
        Tensor x = vector(1, 2, 5);
        Tensor t = vector(1.5, 0, -1);
        // differences -0.5, 2, 6
        assertIs((0.25 + 4 + 36) / 3, x.mseLoss(t));
        assertIs(8.5 / 3, x.l1Loss(t));
        assertIs((0.125 + 2 * (2 - 1) + 2 * (6 - 1)) / 3, x.huberLoss(t, 2));
        assertIs((0.0625 + 1 + 5) / 3, x.smoothL1Loss(t, 2));
        assertIs(8.5, x.smoothL1Loss(t, 0, Reduction.SUM));
    }

    @Test
    void binaryCrossEntropies() {
        Tensor targets = vector(1, 0, 0.25);
        double[] p = {0.9, 0.2, 0.6};
        double[] expected = {-Math.log(0.9), -Math.log(0.8), -0.25 * Math.log(0.6) - 0.75 * Math.log(0.4)};
        assertArrayEquals(expected, vector(p).binaryCrossEntropy(targets, Reduction.NONE).toDoubleArray(), 1e-15);
        Tensor logits = vector(p).log().sub(vector(0.1, 0.8, 0.4).log());
        assertArrayEquals(expected, logits.binaryCrossEntropyWithLogits(targets, Reduction.NONE).toDoubleArray(),
            1e-14);
        double[] weighted = {-3 * Math.log(0.9), -Math.log(0.8), -0.75 * Math.log(0.6) - 0.75 * Math.log(0.4)};
        assertArrayEquals(weighted,
            logits.binaryCrossEntropyWithLogits(targets, vector(3), Reduction.NONE).toDoubleArray(), 1e-14);
        assertArrayEquals(new double[] {0, 100, 100, 0}, vector(1, 0, 1, 0)
            .binaryCrossEntropy(vector(1, 1, 0, 0), Reduction.NONE).toDoubleArray(), 1e-15);
    }

    @Test
    void divergences() {
        double[] t = {0.25, 0.75, 1, 0};
        double[] q = {0.5, 0.5, 0.125, 0.875};
        double expected = (0.25 * Math.log(0.5) + 0.75 * Math.log(1.5) + Math.log(8)) / 2;
        Tensor logs = device.tensor(q, 2, 2).log();
        assertIs(expected, logs.klDivergence(device.tensor(t, 2, 2), Reduction.BATCH_MEAN));
        assertIs(expected / 2, logs.klDivergence(device.tensor(t, 2, 2), Reduction.MEAN));
        Tensor positive = device.tensor(new double[] {0.25, 0.75, 0.5, 0.5}, 2, 2);
        assertIs(logs.klDivergence(positive, Reduction.SUM).item(),
            logs.klDivergenceOfLogs(positive.log(), Reduction.SUM));
    }

    @Test
    void margins() {
        Tensor signs = device.tensor(new int[] {1, -1, -1});
        Tensor x = vector(0.25, 0.75, 3);
        assertArrayEquals(new double[] {0.75, 1.75, 4}, x.hingeLoss(signs, 1, Reduction.NONE).toDoubleArray());
        assertArrayEquals(new double[] {0.25, 0.25, 0}, x.hingeEmbeddingLoss(signs, 1, Reduction.NONE).toDoubleArray());
        Tensor a = device.tensor(new double[] {3, 4, 1, 0}, 2, 2);
        Tensor b = device.tensor(new double[] {4, 3, 1, 1}, 2, 2);
        double[] cosines = {24 / 25.0, Math.sqrt(0.5)};
        assertArrayEquals(cosines, a.cosineSimilarity(b, 1).toDoubleArray(), 1e-15);
        assertArrayEquals(new double[] {1 - cosines[0], cosines[1] - 0.5},
            a.cosineEmbeddingLoss(b, device.tensor(new int[] {1, -1}), 0.5, Reduction.NONE).toDoubleArray(), 1e-15);
        assertEquals(0, vector(0, 0).cosineSimilarity(vector(1, 2), 0).item());
    }

    @Test
    void lossesOfSixteenBitTensorsAreF32() {
        Tensor x = device.tensor(new float[] {1, 2}).to(DType.BF16);
        assertEquals(DType.F32, x.mseLoss(x).dtype());
        assertEquals(DType.F32, x.crossEntropy(device.tensor(new int[] {1}).reshape()).dtype());
        assertEquals(DType.BF16, x.cosineSimilarity(x, 0).dtype());
    }
}

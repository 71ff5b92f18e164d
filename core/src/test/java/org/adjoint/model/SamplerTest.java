package org.adjoint.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class SamplerTest {
    /** Logarithms of 0.5, 0.25, 0.15, 0.1, out of order. */
    private static final float[] LOGITS =
        {(float) Math.log(0.15), (float) Math.log(0.5), (float) Math.log(0.1), (float) Math.log(0.25)};
    private static final int DRAWS = 20_000;

    private static double[] frequencies(Sampler sampler) {
        double[] counts = new double[4];
        for (int i = 0; i < DRAWS; i++) {
            counts[sampler.sample(LOGITS)] += 1.0 / DRAWS;
        }
        return counts;
    }

    /** Within five standard deviations of a binomial count. */
    private static void assertFrequencies(Sampler sampler, double... expected) {
        double[] actual = frequencies(sampler);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], 5 * Math.sqrt(expected[i] * (1 - expected[i]) / DRAWS) + 1e-9,
                "token " + i);
        }
    }

    @Test
    void tokensComeAsOftenAsTheModelSays() {
        assertFrequencies(Sampler.of(1), 0.15, 0.5, 0.1, 0.25);
    }

    @Test
    void temperatureFlattens() {
        double total = Math.sqrt(0.15) + Math.sqrt(0.5) + Math.sqrt(0.1) + Math.sqrt(0.25);
        assertFrequencies(Sampler.of(2).temperature(2), Math.sqrt(0.15) / total, Math.sqrt(0.5) / total,
            Math.sqrt(0.1) / total, Math.sqrt(0.25) / total);
        assertFrequencies(Sampler.of(2).temperature(0), 0, 1, 0, 0);
    }

    @Test
    void topKAndTopPCutTheTail() {
        assertFrequencies(Sampler.of(3).topK(2), 0, 2 / 3.0, 0, 1 / 3.0);
        assertFrequencies(Sampler.of(3).topK(1), 0, 1, 0, 0);
        assertFrequencies(Sampler.of(3).topP(0.8), 0.15 / 0.9, 0.5 / 0.9, 0, 0.25 / 0.9);
        assertFrequencies(Sampler.of(3).topP(0.4), 0, 1, 0, 0);
        assertFrequencies(Sampler.of(3).topK(3).topP(0.8), 0, 2 / 3.0, 0, 1 / 3.0);
    }

    @Test
    void oneSeedGivesOneSequence() {
        Set<String> sequences = new TreeSet<>();
        for (long seed : new long[] {7, 7, 8}) {
            Sampler sampler = Sampler.of(seed);
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 50; i++) {
                text.append(sampler.sample(LOGITS));
            }
            sequences.add(text.toString());
        }
        assertEquals(2, sequences.size());
    }

    @Test
    void tokensOfProbabilityZeroDoNotCome() {
        float[] logits = {Float.NEGATIVE_INFINITY, 0, Float.NEGATIVE_INFINITY};
        for (int i = 0; i < 100; i++) {
            assertEquals(1, Sampler.of(i).sample(logits));
        }
    }

    @Test
    void badSettingsAndLogitsAreErrors() {
        assertThrows(IllegalArgumentException.class, () -> Sampler.of(0).temperature(-1));
        assertThrows(IllegalArgumentException.class, () -> Sampler.of(0).topK(0));
        assertThrows(IllegalArgumentException.class, () -> Sampler.of(0).topP(0));
        assertThrows(IllegalArgumentException.class, () -> Sampler.of(0).sample(new float[0]));
        assertEquals("sampler: the logit of token 1 is NaN: the model has diverged",
            assertThrows(IllegalArgumentException.class,
                () -> Sampler.of(0).sample(new float[] {0, Float.NaN})).getMessage());
    }
}

package org.adjoint.model;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.adjoint.graph.Philox;

/**
 * Chooses a token from logits: the same choices for the same seed and logits. Greedy at temperature 0. Top-p is the
 * smallest set of most likely tokens whose probability reaches p (Holtzman et al., "The curious case of neural text
 * degeneration", 2020).
 */
public final class Sampler {
    private final long seed;
    private double temperature = 1;
    private int topK = Integer.MAX_VALUE;
    private double topP = 1;
    private long draws;

    private Sampler(long seed) {
        this.seed = seed;
    }

    /** Samples from the model's own distribution, unless told. */
    public static Sampler of(long seed) {
        return new Sampler(seed);
    }

    /** What logits are divided by; 0 always takes the most likely token. */
    public Sampler temperature(double value) {
        if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("sampler: the temperature must not be negative but is " + value);
        }
        temperature = value;
        return this;
    }

    /** Takes one of the {@code count} most likely tokens. */
    public Sampler topK(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("sampler: top-k must be at least 1 but is " + count);
        }
        topK = count;
        return this;
    }

    /** Takes one of the most likely tokens that together have this probability, in (0, 1]. */
    public Sampler topP(double probability) {
        if (!(probability > 0 && probability <= 1)) {
            throw new IllegalArgumentException("sampler: top-p must be in (0, 1] but is " + probability);
        }
        topP = probability;
        return this;
    }

    /**
     * The next token.
     *
     * @throws IllegalArgumentException if there are no logits, or one is NaN
     */
    public int sample(float[] logits) {
        int best = mostLikely(logits);
        if (temperature == 0 || topK == 1) {
            return best;
        }
        // Ties go by number, so that the order is one.
        int[] order = topK >= logits.length && topP == 1 ? IntStream.range(0, logits.length).toArray()
            : IntStream.range(0, logits.length).boxed()
                .sorted(Comparator.<Integer>comparingDouble(i -> -logits[i]).thenComparing(i -> i))
                .limit(topK).mapToInt(Integer::intValue).toArray();
        double[] weights = Arrays.stream(order)
            .mapToDouble(i -> StrictMath.exp((logits[i] - (double) logits[best]) / temperature)).toArray();
        double total = Arrays.stream(weights).sum();
        int count = 0;
        double kept = 0;
        while (count < weights.length && kept < topP * total) {
            kept += weights[count++];
        }
        double remaining = uniform() * kept;
        for (int i = 0; i < count; i++) {
            remaining -= weights[i];
            if (remaining < 0) {
                return order[i];
            }
        }
        return order[count - 1];
    }

    private static int mostLikely(float[] logits) {
        if (logits.length == 0) {
            throw new IllegalArgumentException("sampler: there are no logits");
        }
        int best = 0;
        for (int i = 0; i < logits.length; i++) {
            if (Float.isNaN(logits[i])) {
                throw new IllegalArgumentException(
                    "sampler: the logit of token " + i + " is NaN: the model has diverged");
            }
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }

    private double uniform() {
        return Integer.toUnsignedLong(Philox.word(seed, 0, 0, draws++)) * 0x1p-32;
    }
}

package org.adjoint.graph;

import java.util.Objects;
import java.util.OptionalDouble;

/**
 * How attention is computed.
 *
 * @param causal whether query i sees the keys 0 to i alone
 * @param scale what products of queries and keys are multiplied by; {@code 1 / sqrt(d)} unless told
 * @param dropout the probability, in [0, 1), that a weight counts as 0; the others are scaled up
 */
public record AttentionOptions(boolean causal, OptionalDouble scale, double dropout) {
    /** Every query sees every key. */
    public static final AttentionOptions DEFAULT = new AttentionOptions(false, OptionalDouble.empty(), 0);
    /** Query i sees the keys 0 to i alone. */
    public static final AttentionOptions CAUSAL = new AttentionOptions(true, OptionalDouble.empty(), 0);

    /** @throws IllegalArgumentException for a dropout outside of [0, 1) */
    public AttentionOptions {
        Objects.requireNonNull(scale, "scale");
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException(
                "scaledDotProductAttention: dropout must be in [0, 1) but is " + dropout);
        }
    }

    public AttentionOptions causal(boolean value) {
        return new AttentionOptions(value, scale, dropout);
    }

    public AttentionOptions scale(double value) {
        return new AttentionOptions(causal, OptionalDouble.of(value), dropout);
    }

    public AttentionOptions dropout(double value) {
        return new AttentionOptions(causal, scale, value);
    }
}

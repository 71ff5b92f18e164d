package org.adjoint.nn;

import org.adjoint.Tensor;

/**
 * Self-attention of several heads (Vaswani et al., "Attention is all you need", 2017) for x {@code (batch, t, width)}.
 * One projection makes queries, keys and values, in this order: {@code qkv.weight (3 width, width)},
 * {@code qkv.bias (3 width)}; another joins the heads: {@code output.weight (width, width)},
 * {@code output.bias (width)}.
 */
public final class MultiHeadAttention extends Module<MultiHeadAttention> implements Layer {
    private final long width;
    private final long heads;
    private final boolean causal;
    private final Linear qkv;
    private final Linear output;

    private MultiHeadAttention(long width, long heads, boolean causal, Linear qkv, Linear output) {
        if (heads < 1 || width % heads != 0) {
            throw new IllegalArgumentException(
                "MultiHeadAttention: a width of " + width + " does not divide into " + heads + " heads");
        }
        this.width = width;
        this.heads = heads;
        this.causal = causal;
        this.qkv = child("qkv", qkv);
        this.output = child("output", output);
    }

    /** Every token sees all tokens. */
    public static MultiHeadAttention of(long width, long heads) {
        return new MultiHeadAttention(width, heads, false, Linear.of(width, 3 * width), Linear.of(width, width));
    }

    /** A token sees itself and those before it. */
    public static MultiHeadAttention causal(long width, long heads) {
        return causal(width, heads, Linear.of(width, 3 * width), Linear.of(width, width));
    }

    /** As {@link #causal(long, long)} with projections of the caller's making. */
    public static MultiHeadAttention causal(long width, long heads, Linear qkv, Linear output) {
        return new MultiHeadAttention(width, heads, true, qkv, output);
    }

    @Override
    public Tensor forward(Tensor x) {
        Tensor projected = project(x);
        return join(part(projected, 0).attention(part(projected, 1), part(projected, 2), causal), x);
    }

    /**
     * As {@link #forward(Tensor)} for tokens that continue those in a cache, causal.
     *
     * @param position how many tokens came before x, an {@code I64} scalar
     */
    public Tensor forward(Tensor x, KeyValueCache cache, Tensor position) {
        if (!causal) {
            throw new IllegalStateException(this + ": a cache is for causal attention");
        }
        Tensor projected = project(x);
        return join(cache.attend(part(projected, 0), part(projected, 1), part(projected, 2), position), x);
    }

    private Tensor project(Tensor x) {
        requireWidth(x, width);
        if (x.shape().rank() != 3) {
            throw new IllegalArgumentException(
                this + ": its input must be (batch, t, " + width + ") but is " + x.shape());
        }
        return qkv.forward(x);
    }

    /** Queries, keys or values: (batch, t, 3 width) -> (batch, heads, t, width / heads). */
    private Tensor part(Tensor projected, int index) {
        Tensor part = projected.slice(2, index * width, (index + 1) * width);
        return part.reshape(part.shape().extent(0), part.shape().extent(1), heads, width / heads).permute(0, 2, 1, 3);
    }

    /** (batch, heads, t, width / heads) -> (batch, t, width). */
    private Tensor join(Tensor perHead, Tensor x) {
        return output.forward(perHead.permute(0, 2, 1, 3).reshape(x.shape().toArray()));
    }

    @Override
    public String toString() {
        return "MultiHeadAttention(" + width + ", heads=" + heads + ")";
    }
}

package org.adjoint.nn;

import java.util.OptionalDouble;
import org.adjoint.Tensor;
import org.adjoint.graph.AttentionOptions;
import org.adjoint.graph.DType;
import org.adjoint.graph.RotaryLayout;

/**
 * Self-attention of several heads (Vaswani et al., "Attention is all you need", 2017) for x {@code (batch, t, width)}.
 * One projection makes queries, keys and values, in this order: {@code qkv.weight (3 width, width)},
 * {@code qkv.bias (3 width)}; another joins the heads: {@code output.weight (width, width)},
 * {@code output.bias (width)}. Of grouped queries there are {@code groups} heads of keys and of values.
 *
 * <p>Unless told, parameters start as those of PyTorch's {@code MultiheadAttention}: {@code qkv.weight} as
 * {@link Initializer#xavierUniform}, {@code output.weight} uniform in {@code [-1, 1) / sqrt(width)}, biases zero.
 */
public final class MultiHeadAttention extends Module<MultiHeadAttention> implements Layer {
    private final long width;
    private final long heads;
    private final long groups;
    private final boolean causal;
    private final Linear qkv;
    private final Linear output;
    private double dropout;
    private RotaryLayout rotary;
    private double rotaryBase;

    private MultiHeadAttention(long width, long heads, long groups, boolean causal, Linear qkv, Linear output) {
        if (heads < 1 || width % heads != 0) {
            throw new IllegalArgumentException(
                "MultiHeadAttention: a width of " + width + " does not divide into " + heads + " heads");
        }
        if (groups < 1 || heads % groups != 0) {
            throw new IllegalArgumentException(
                "MultiHeadAttention: " + heads + " heads do not divide into " + groups + " groups");
        }
        this.width = width;
        this.heads = heads;
        this.groups = groups;
        this.causal = causal;
        this.qkv = child("qkv", qkv);
        this.output = child("output", output);
    }

    /** Every token sees all tokens. */
    public static MultiHeadAttention of(long width, long heads) {
        return new MultiHeadAttention(width, heads, heads, false, qkv(width, 3 * width), output(width));
    }

    /** A token sees itself and those before it. */
    public static MultiHeadAttention causal(long width, long heads) {
        return causal(width, heads, qkv(width, 3 * width), output(width));
    }

    /** As {@link #causal(long, long)} with projections of the caller's making. */
    public static MultiHeadAttention causal(long width, long heads, Linear qkv, Linear output) {
        return new MultiHeadAttention(width, heads, heads, true, qkv, output);
    }

    /**
     * With {@code groups} heads of keys and values, each for as many neighboring heads (Ainslie et al., "GQA", 2023).
     */
    public static MultiHeadAttention grouped(long width, long heads, long groups, boolean causal) {
        long shared = heads < 1 ? 0 : 2 * groups * (width / heads);
        return new MultiHeadAttention(width, heads, groups, causal, qkv(width, width + Math.max(0, shared)),
            output(width));
    }

    private static Linear qkv(long width, long out) {
        return Linear.of(width, out, Initializer.xavierUniform(), Initializer.ZEROS);
    }

    /** What joins heads. */
    static Linear output(long width) {
        return Linear.of(width, width, Initializer.fanInUniform(width), Initializer.ZEROS);
    }

    /** In training mode, weights are dropped with this probability. */
    public MultiHeadAttention dropout(double probability) {
        dropout = new AttentionOptions(causal, OptionalDouble.empty(), probability).dropout();
        return this;
    }

    /** Turns queries and keys by their positions, with base 10,000. */
    public MultiHeadAttention rotary(RotaryLayout layout) {
        return rotary(layout, 10_000);
    }

    public MultiHeadAttention rotary(RotaryLayout layout, double base) {
        if (width / heads % 2 != 0) {
            throw new IllegalArgumentException(this + ": rotary positions need heads of an even width, not "
                + width / heads);
        }
        rotary = layout;
        rotaryBase = base;
        return this;
    }

    @Override
    public Tensor forward(Tensor x) {
        return forward(x, null);
    }

    /**
     * @param mask null, or what broadcasts to {@code (batch, heads, t, t)}: {@code BOOL}, true for tokens that a token
     *     sees, or floating, added to the scores
     */
    public Tensor forward(Tensor x, Tensor mask) {
        Tensor projected = project(x);
        Tensor positions = rotary == null ? null : x.device().arange(DType.I64, x.shape().extent(1));
        AttentionOptions options =
            new AttentionOptions(causal, OptionalDouble.empty(), dropout > 0 && isTraining() ? dropout : 0);
        Tensor mixed = turned(queries(projected), positions)
            .scaledDotProductAttention(turned(shared(projected, 0), positions), shared(projected, 1), mask, options);
        return join(mixed, x);
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
        Tensor positions =
            rotary == null ? null : x.device().arange(DType.I64, x.shape().extent(1)).add(position);
        return join(cache.attend(turned(queries(projected), positions), turned(shared(projected, 0), positions),
            shared(projected, 1), position), x);
    }

    private Tensor project(Tensor x) {
        requireWidth(x, width);
        if (x.shape().rank() != 3) {
            throw new IllegalArgumentException(
                this + ": its input must be (batch, t, " + width + ") but is " + x.shape());
        }
        return qkv.forward(x);
    }

    private Tensor queries(Tensor projected) {
        return perHead(projected.slice(2, 0, width), heads);
    }

    /** Keys (0) or values (1). */
    private Tensor shared(Tensor projected, int index) {
        long part = groups * (width / heads);
        return perHead(projected.slice(2, width + index * part, width + (index + 1) * part), groups);
    }

    /** (batch, t, count width / heads) -> (batch, count, t, width / heads). */
    private Tensor perHead(Tensor part, long count) {
        return part.reshape(part.shape().extent(0), part.shape().extent(1), count, width / heads).permute(0, 2, 1, 3);
    }

    private Tensor turned(Tensor part, Tensor positions) {
        return rotary == null ? part : part.rotaryEmbedding(positions, rotary, rotaryBase);
    }

    /** (batch, heads, t, width / heads) -> (batch, t, width). */
    private Tensor join(Tensor perHead, Tensor x) {
        return output.forward(perHead.permute(0, 2, 1, 3).reshape(x.shape().toArray()));
    }

    @Override
    public String toString() {
        return "MultiHeadAttention(" + width + ", heads=" + heads + (groups == heads ? "" : ", groups=" + groups) + ")";
    }
}

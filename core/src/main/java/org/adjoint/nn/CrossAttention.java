package org.adjoint.nn;

import java.util.OptionalDouble;
import org.adjoint.Tensor;
import org.adjoint.graph.AttentionOptions;

/**
 * Attention of several heads from x {@code (batch, t, width)} to a context {@code (batch, s, contextWidth)} (Vaswani et
 * al., "Attention is all you need", 2017). Projections: {@code query (width, width)}, {@code keyValue (2 width,
 * contextWidth)}, which makes keys and values, in this order, and {@code output (width, width)}, each with a bias.
 *
 * <p>Parameters start as those of PyTorch's {@code MultiheadAttention}: weights of queries, keys and values as
 * {@link Initializer#xavierUniform}, as one matrix where the context is as wide as x and as one each where it is not,
 * {@code output.weight} uniform in {@code [-1, 1) / sqrt(width)}, biases zero.
 */
public final class CrossAttention extends Module<CrossAttention> {
    private final long width;
    private final long heads;
    private final Linear query;
    private final Linear keyValue;
    private final Linear output;
    private double dropout;

    private CrossAttention(long width, long heads, long contextWidth) {
        if (heads < 1 || width % heads != 0) {
            throw new IllegalArgumentException(
                "CrossAttention: a width of " + width + " does not divide into " + heads + " heads");
        }
        this.width = width;
        this.heads = heads;
        long together = contextWidth == width ? 3 * width : width;
        this.query = child("query", projection(width, width, together));
        this.keyValue = child("keyValue", projection(contextWidth, 2 * width, together));
        this.output = child("output", MultiHeadAttention.output(width));
    }

    /** Of the rows of a matrix that has {@code fanOut} of them. */
    private static Linear projection(long in, long out, long fanOut) {
        double bound = Math.sqrt(6.0 / (in + fanOut));
        return Linear.of(in, out, Initializer.uniform(-bound, bound), Initializer.ZEROS);
    }

    /** To a context as wide as x. */
    public static CrossAttention of(long width, long heads) {
        return of(width, heads, width);
    }

    public static CrossAttention of(long width, long heads, long contextWidth) {
        return new CrossAttention(width, heads, contextWidth);
    }

    /** In training mode, weights are dropped with this probability. */
    public CrossAttention dropout(double probability) {
        dropout = AttentionOptions.DEFAULT.dropout(probability).dropout();
        return this;
    }

    public Tensor forward(Tensor x, Tensor context) {
        return forward(x, context, null);
    }

    /**
     * @param mask null, or what broadcasts to {@code (batch, heads, t, s)}: {@code BOOL}, true for what a token of x
     *     sees, or floating, added to the scores
     */
    public Tensor forward(Tensor x, Tensor context, Tensor mask) {
        if (x.shape().rank() != 3 || context.shape().rank() != 3) {
            throw new IllegalArgumentException(this + ": x and the context must be (batch, tokens, width) but are "
                + x.shape() + " and " + context.shape());
        }
        Tensor both = keyValue.forward(context);
        AttentionOptions options =
            new AttentionOptions(false, OptionalDouble.empty(), dropout > 0 && isTraining() ? dropout : 0);
        Tensor mixed = perHead(query.forward(x)).scaledDotProductAttention(perHead(both.slice(2, 0, width)),
            perHead(both.slice(2, width, 2 * width)), mask, options);
        return output.forward(mixed.permute(0, 2, 1, 3).reshape(x.shape().toArray()));
    }

    /** (batch, tokens, width) -> (batch, heads, tokens, width / heads). */
    private Tensor perHead(Tensor x) {
        return x.reshape(x.shape().extent(0), x.shape().extent(1), heads, width / heads).permute(0, 2, 1, 3);
    }

    @Override
    public String toString() {
        return "CrossAttention(" + width + ", heads=" + heads + ")";
    }
}

package org.adjoint;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.adjoint.graph.AttentionOps;
import org.adjoint.graph.AttentionOptions;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.NeuralOps;
import org.adjoint.graph.Node;
import org.adjoint.graph.RotaryLayout;

/** What networks are made of and trained with: softmax, dropout, attention, AdamW, computed by a {@link Tensor}. */
public sealed interface NeuralMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    default Tensor softmax(int axis) {
        return self().map("softmax", x -> NeuralOps.softmax(x, axis));
    }

    default Tensor logSoftmax(int axis) {
        return self().map("logSoftmax", x -> NeuralOps.logSoftmax(x, axis));
    }

    /** Zeroes elements with the given probability, scales the others by 1 / (1 - probability). */
    default Tensor dropout(double probability) {
        self().requireOpen("dropout");
        return self().device().random().dropout(self(), probability);
    }

    /**
     * {@code softmax(q k^T / sqrt(d)) v} with this tensor as q {@code (batch..., t, d)}.
     *
     * @param k keys {@code (batch..., s, d)}
     * @param v values {@code (batch..., s, e)}
     * @param causal whether query i sees the keys 0 to i alone
     */
    default Tensor attention(Tensor k, Tensor v, boolean causal) {
        return self().combine("attention", x -> NeuralOps.attention(x.get(0), x.get(1), x.get(2), null, causal,
            defaultScale(x.getFirst())), k, v);
    }

    /**
     * As {@link #attention(Tensor, Tensor, boolean)} with {@code bias}, which broadcasts, added to the scaled scores.
     */
    default Tensor attention(Tensor k, Tensor v, Tensor bias, boolean causal) {
        return self().combine("attention", x -> NeuralOps.attention(x.get(0), x.get(1), x.get(2), x.get(3), causal,
            defaultScale(x.getFirst())), k, v, bias);
    }

    /** As {@link #scaledDotProductAttention(Tensor, Tensor, Tensor, AttentionOptions)} without a mask. */
    default Tensor scaledDotProductAttention(Tensor k, Tensor v, AttentionOptions options) {
        return scaledDotProductAttention(k, v, null, options);
    }

    /**
     * Attention with this tensor as q {@code (batch..., heads, t, d)}, as PyTorch's
     * {@code scaled_dot_product_attention}.
     *
     * @param k keys {@code (batch..., groups, s, d)}; the number of groups divides that of heads, and neighboring heads
     *     share one
     * @param v values {@code (batch..., groups, s, e)}
     * @param mask null, or what broadcasts to {@code (batch..., heads, t, s)}: floating, added to the scaled scores, or
     *     {@code BOOL}, true for keys that a query sees; who sees none gets zeros
     * @return {@code (batch..., heads, t, e)}
     */
    default Tensor scaledDotProductAttention(Tensor k, Tensor v, Tensor mask, AttentionOptions options) {
        String op = "scaledDotProductAttention";
        if (options.dropout() == 0) {
            return self().apply(op,
                x -> AttentionOps.scaledDotProductAttention(x.get(0), x.get(1), x.get(2), x.get(3), options), k, v,
                mask);
        }
        Tensor weights = self().apply(op, x -> AttentionOps.weights(x.get(0), x.get(1), x.get(2), x.get(3), options), k,
            v, mask);
        return weights.dropout(options.dropout()).zip(op, v, AttentionOps::weighted);
    }

    /** Rotary positions with base 10,000; see {@link AttentionOps#rotaryEmbedding}. */
    default Tensor rotaryEmbedding(Tensor positions, RotaryLayout layout) {
        return rotaryEmbedding(positions, layout, 10_000);
    }

    /**
     * Turns pairs of elements of vectors {@code (..., width)} by angles {@code position base^(-2 i / width)}.
     *
     * @param positions numbers that broadcast to {@code (...)}
     */
    default Tensor rotaryEmbedding(Tensor positions, RotaryLayout layout, double base) {
        return self().zip("rotaryEmbedding", positions,
            (x, p) -> AttentionOps.rotaryEmbedding(x, p, layout, base));
    }

    private static double defaultScale(Node q) {
        return q.shape().rank() == 0 ? 1 : 1 / Math.sqrt(q.shape().extent(q.shape().rank() - 1));
    }

    /**
     * One step of AdamW for this parameter; see {@link FusedOp.AdamWUpdate}.
     *
     * @return the new parameter, first moment and second moment
     */
    default List<Tensor> adamWUpdate(FusedOp.AdamWUpdate settings, Tensor firstMoment, Tensor secondMoment,
        Tensor gradient, Tensor learningRate, Tensor correction1, Tensor correction2) {
        return adamWUpdate(settings, null, firstMoment, secondMoment, gradient, learningRate, correction1, correction2);
    }

    /**
     * As {@link #adamWUpdate(FusedOp.AdamWUpdate, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)} with a copy of this
     * parameter in the moments' dtype, which keeps what is rounded off.
     *
     * @return the new parameter, first moment, second moment and copy
     */
    default List<Tensor> adamWUpdate(FusedOp.AdamWUpdate settings, Tensor master, Tensor firstMoment,
        Tensor secondMoment, Tensor gradient, Tensor learningRate, Tensor correction1, Tensor correction2) {
        String op = settings.name();
        List<Tensor> others = new ArrayList<>(
            List.of(firstMoment, secondMoment, gradient, learningRate, correction1, correction2));
        if (master != null) {
            others.add(master);
        }
        Node update = NeuralOps.adamWUpdate(settings, self().operand(op), firstMoment.operand(op),
            secondMoment.operand(op), gradient.operand(op), learningRate.operand(op), correction1.operand(op),
            correction2.operand(op), master == null ? null : master.operand(op));
        return IntStream.range(0, master == null ? 3 : 4)
            .mapToObj(i -> self().result(op, update.output(i), others.toArray(Tensor[]::new))).toList();
    }
}

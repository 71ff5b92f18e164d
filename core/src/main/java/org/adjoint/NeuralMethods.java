package org.adjoint;

import org.adjoint.graph.NeuralOps;
import org.adjoint.graph.Node;

/** What networks are made of: softmax, dropout, attention, computed by a {@link Tensor}. */
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
        Node q = self().operand("attention");
        Node out = NeuralOps.attention(q, k.operand("attention"), v.operand("attention"), null, causal, defaultScale(q));
        return self().result("attention", out, k, v);
    }

    /** As {@link #attention(Tensor, Tensor, boolean)} with {@code bias}, which broadcasts, added to the scaled scores. */
    default Tensor attention(Tensor k, Tensor v, Tensor bias, boolean causal) {
        Node q = self().operand("attention");
        Node out = NeuralOps.attention(q, k.operand("attention"), v.operand("attention"), bias.operand("attention"), causal,
            defaultScale(q));
        return self().result("attention", out, k, v, bias);
    }

    private static double defaultScale(Node q) {
        return q.shape().rank() == 0 ? 1 : 1 / Math.sqrt(q.shape().extent(q.shape().rank() - 1));
    }
}

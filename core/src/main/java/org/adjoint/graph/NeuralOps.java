package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.List;

/**
 * What neural networks are made of: {@linkplain FusedOp fused operations}, and compositions that need no node of their
 * own.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class NeuralOps {
    private NeuralOps() { }

    private static Node alongAxis(String name, Op.Fused op, Node x, int axis) {
        int resolved = x.shape().axis(name, axis);
        if (x.shape().extent(resolved) == 0) {
            throw error("%s: axis %d of %s is empty", name, axis, x.shape());
        }
        int last = x.shape().rank() - 1;
        return transpose(fused(op, transpose(floating(x), resolved, last)), resolved, last);
    }

    public static Node softmax(Node x, int axis) {
        return alongAxis("softmax", new FusedOp.Softmax(), x, axis);
    }

    public static Node logSoftmax(Node x, int axis) {
        return alongAxis("logSoftmax", new FusedOp.LogSoftmax(), x, axis);
    }

    /** See {@link FusedOp.Attention}; {@code bias} (floating, added to the scores) may be null and broadcasts. */
    public static Node attention(Node q, Node k, Node v, Node bias, boolean causal, double scale) {
        int rank = q.shape().rank();
        if (rank < 2 || k.shape().rank() != rank || v.shape().rank() != rank) {
            throw error("attention: q %s, k %s and v %s need one rank, of at least 2", q.shape(), k.shape(), v.shape());
        }
        requireFloating("attention", q.dtype());
        Shape batch = q.shape().without(rank - 2, rank - 1);
        long t = q.shape().extent(rank - 2);
        long s = k.shape().extent(rank - 2);
        if (k.dtype() != q.dtype() || v.dtype() != q.dtype()) {
            throw error("attention: q %s, k %s and v %s must have one dtype", q.type(), k.type(), v.type());
        }
        if (!k.shape().without(rank - 2, rank - 1).equals(batch) || !v.shape().without(rank - 2, rank - 1).equals(batch)
            || k.shape().extent(rank - 1) != q.shape().extent(rank - 1) || v.shape().extent(rank - 2) != s) {
            throw error("attention: q %s, k %s and v %s must be (batch..., t, d), (batch..., s, d) and (batch..., s, "
                + "e)", q.shape(), k.shape(), v.shape());
        }
        if (s == 0) {
            throw error("attention: there are no keys in k %s", k.shape());
        }
        if (bias == null) {
            return fused(new FusedOp.Attention(scale, causal, false), q, k, v).output(0);
        }
        requireFloating("attention bias", bias.dtype());
        return fused(new FusedOp.Attention(scale, causal, true), q, k, v, broadcastTo(bias, matrix(batch, t, s)))
            .output(0);
    }

    /**
     * See {@link FusedOp.AdamWUpdate}: the node whose results are the new parameter, the moments and, unless it is
     * null, the master.
     */
    public static Node adamWUpdate(FusedOp.AdamWUpdate op, Node parameter, Node first, Node second, Node gradient,
        Node learningRate, Node correction1, Node correction2, Node master) {
        for (Node node : List.of(first, second, gradient)) {
            if (!node.shape().equals(parameter.shape()) || !node.dtype().isFloating()) {
                throw error("adamWUpdate: parameter %s, moments and gradient need one shape and floating dtypes, but "
                    + "one is %s", parameter.type(), node.type());
            }
        }
        for (Node scalar : List.of(learningRate, correction1, correction2)) {
            if (scalar.shape().rank() != 0) {
                throw error("adamWUpdate: learning rate and corrections must be scalars, not %s", scalar.type());
            }
        }
        if (master == null) {
            return fused(op, parameter, first, second, gradient, learningRate, correction1, correction2);
        }
        if (!master.type().equals(first.type())) {
            throw error("adamWUpdate: the master copy %s must be as the moments, %s", master.type(), first.type());
        }
        return fused(op, parameter, first, second, gradient, learningRate, correction1, correction2, master);
    }

    /** {@code max(x, 0)}: NaN stays, and the derivative at 0 is 0, as in PyTorch and JAX. */
    public static Node relu(Node x) {
        if (x.dtype().isBoolean()) {
            throw error("relu: does not take %s: cast it to a number type first", x.type());
        }
        return where(binary(BinaryOp.LESS_OR_EQUAL, x, zeroOf(x.dtype())), zeroOf(x.dtype()), x);
    }

    /** The exact GELU, {@code x Phi(x)} (Hendrycks and Gimpel, 2016). */
    public static Node gelu(Node x) {
        Node wide = widen(floating(x));
        Node phi = add(mul(erf(mul(wide, Math.sqrt(0.5))), 0.5), 0.5);
        return cast(mul(wide, phi), floating(x).dtype());
    }

    /** GELU's tanh approximation, as GPT-2 uses it: {@code 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))}. */
    public static Node geluTanh(Node x) {
        Node wide = widen(floating(x));
        Node cube = mul(mul(wide, wide), wide);
        Node inner = mul(add(wide, mul(cube, 0.044715)), Math.sqrt(2 / Math.PI));
        return cast(mul(mul(wide, 0.5), add(tanh(inner), 1)), floating(x).dtype());
    }
}

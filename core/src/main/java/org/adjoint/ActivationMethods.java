package org.adjoint;

import org.adjoint.graph.ComposedOp;
import org.adjoint.graph.ElementwiseOps;
import org.adjoint.graph.NeuralOps;
import org.adjoint.graph.UnaryOp;

/** Activation functions of a {@link Tensor}, element by element. */
public sealed interface ActivationMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    default Tensor sigmoid() {
        return self().unary(UnaryOp.SIGMOID);
    }

    /** {@code max(x, 0)}, whose derivative at 0 is 0. */
    default Tensor relu() {
        return self().map("relu", NeuralOps::relu);
    }

    /** x where it is positive, elsewhere {@code slope x}; the derivative at 0 is the slope. */
    default Tensor leakyRelu(double slope) {
        return self().map("leakyRelu", x -> ElementwiseOps.leakyRelu(x, slope));
    }

    /** {@link #leakyRelu(double)} with the slope 0.01. */
    default Tensor leakyRelu() {
        return leakyRelu(0.01);
    }

    /** {@link #leakyRelu(double)} with slopes that broadcast with this tensor. */
    default Tensor prelu(Tensor slope) {
        return self().zip("prelu", slope, ElementwiseOps::prelu);
    }

    /** x where it is positive, elsewhere {@code alpha (e^x - 1)}. */
    default Tensor elu(double alpha) {
        return self().map("elu", x -> ElementwiseOps.elu(x, alpha));
    }

    /** {@link #elu(double)} with alpha 1. */
    default Tensor elu() {
        return elu(1);
    }

    /** x where it is positive, elsewhere {@code alpha (e^(x / alpha) - 1)}. */
    default Tensor celu(double alpha) {
        return self().map("celu", x -> ElementwiseOps.celu(x, alpha));
    }

    /** The self-normalizing {@link #elu(double)}. */
    default Tensor selu() {
        return self().map("selu", ElementwiseOps::selu);
    }

    /** {@code x sigmoid(x)}, also known as swish. */
    default Tensor silu() {
        return self().map("silu", ElementwiseOps::silu);
    }

    /** {@code log(1 + e^x)}. */
    default Tensor softplus() {
        return softplus(1);
    }

    /** {@code log(1 + e^(beta x)) / beta}. */
    default Tensor softplus(double beta) {
        return self().map("softplus", x -> ElementwiseOps.softplus(x, beta));
    }

    /** {@code x tanh(softplus(x))}. */
    default Tensor mish() {
        return self().map("mish", x -> ElementwiseOps.composed(ComposedOp.MISH, x));
    }

    /** {@code log(sigmoid(x))}. */
    default Tensor logSigmoid() {
        return self().map("logSigmoid", ElementwiseOps::logSigmoid);
    }

    /** {@code x / (1 + |x|)}. */
    default Tensor softsign() {
        return self().map("softsign", ElementwiseOps::softsign);
    }

    /** Elements limited to [0, 6]; the derivative at 0 and at 6 is 0. */
    default Tensor relu6() {
        return self().map("relu6", x -> ElementwiseOps.hardTanh(x, 0, 6));
    }

    /** Elements limited to [low, high]; the derivative is 0 at the limits, where that of {@code clamp} is 1. */
    default Tensor hardTanh(double low, double high) {
        return self().map("hardTanh", x -> ElementwiseOps.hardTanh(x, low, high));
    }

    /** {@code clamp(x + 3, 0, 6) / 6}. */
    default Tensor hardSigmoid() {
        return self().map("hardSigmoid", ElementwiseOps::hardSigmoid);
    }

    /** {@code x hardSigmoid(x)}. */
    default Tensor hardSwish() {
        return self().map("hardSwish", x -> ElementwiseOps.composed(ComposedOp.HARD_SWISH, x));
    }

    /** The exact GELU. */
    default Tensor gelu() {
        return self().map("gelu", NeuralOps::gelu);
    }

    /** GELU's tanh approximation. */
    default Tensor geluTanh() {
        return self().map("geluTanh", NeuralOps::geluTanh);
    }
}

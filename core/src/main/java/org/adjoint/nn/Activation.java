package org.adjoint.nn;

import org.adjoint.Tensor;

/** Elementwise functions as layers. */
public enum Activation implements Layer {
    TANH,
    RELU,
    /** The exact GELU. */
    GELU,
    /** GELU's tanh approximation, as GPT-2 uses it. */
    GELU_TANH,
    SIGMOID,
    SILU,
    ELU,
    /** With slope 0.01. */
    LEAKY_RELU,
    SOFTPLUS,
    MISH,
    HARD_SWISH;

    @Override
    public Tensor forward(Tensor x) {
        return switch (this) {
            case TANH -> x.tanh();
            case RELU -> x.relu();
            case GELU -> x.gelu();
            case GELU_TANH -> x.geluTanh();
            case SIGMOID -> x.sigmoid();
            case SILU -> x.silu();
            case ELU -> x.elu();
            case LEAKY_RELU -> x.leakyRelu();
            case SOFTPLUS -> x.softplus();
            case MISH -> x.mish();
            case HARD_SWISH -> x.hardSwish();
        };
    }
}

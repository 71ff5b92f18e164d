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
    SIGMOID;

    @Override
    public Tensor forward(Tensor x) {
        return switch (this) {
            case TANH -> x.tanh();
            case RELU -> x.relu();
            case GELU -> x.gelu();
            case GELU_TANH -> x.geluTanh();
            case SIGMOID -> x.sigmoid();
        };
    }
}

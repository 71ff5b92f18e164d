package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/**
 * Normalizes the last axis to mean 0 and variance 1, then scales and shifts it (Ba et al., "Layer normalization",
 * 2016). Parameters: {@code weight (width)}, ones, and, unless it is {@linkplain #withoutBias without},
 * {@code bias (width)}, zeros.
 */
public final class LayerNorm extends Module<LayerNorm> implements Layer {
    private final long width;
    private final double epsilon;
    private final Parameter weight;
    private final Parameter bias;

    private LayerNorm(long width, double epsilon, boolean biased) {
        if (width < 1) {
            throw new IllegalArgumentException("LayerNorm(" + width + "): the width must be positive");
        }
        this.width = width;
        this.epsilon = epsilon;
        this.weight = parameter("weight", Shape.of(width), Initializer.ONES);
        this.bias = biased ? parameter("bias", Shape.of(width), Initializer.ZEROS) : null;
    }

    /** With epsilon 1e-5. */
    public static LayerNorm of(long width) {
        return of(width, 1e-5);
    }

    /** @param epsilon added to the variance */
    public static LayerNorm of(long width, double epsilon) {
        return new LayerNorm(width, epsilon, true);
    }

    /** Without a shift, with epsilon 1e-5. */
    public static LayerNorm withoutBias(long width) {
        return new LayerNorm(width, 1e-5, false);
    }

    @Override
    public Tensor forward(Tensor x) {
        requireWidth(x, width);
        return bias == null ? x.layerNorm(weight.tensor(), epsilon)
            : x.layerNorm(weight.tensor(), bias.tensor(), epsilon);
    }

    @Override
    public String toString() {
        return "LayerNorm(" + width + ")";
    }
}

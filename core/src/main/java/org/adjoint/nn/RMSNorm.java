package org.adjoint.nn;

import java.util.OptionalDouble;
import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/**
 * Divides the last axis by its root mean square, then scales it (Zhang and Sennrich, "Root mean square layer
 * normalization", 2019). Parameters: {@code weight (width)}, ones.
 */
public final class RMSNorm extends Module<RMSNorm> implements Layer {
    private final long width;
    private final OptionalDouble epsilon;
    private final Parameter weight;

    private RMSNorm(long width, OptionalDouble epsilon) {
        if (width < 1) {
            throw new IllegalArgumentException("RMSNorm(" + width + "): the width must be positive");
        }
        this.width = width;
        this.epsilon = epsilon;
        this.weight = parameter("weight", Shape.of(width), Initializer.ONES);
    }

    /** With the distance from 1 to the next number of the type that x is computed in: 2^-23 for {@code F32}. */
    public static RMSNorm of(long width) {
        return new RMSNorm(width, OptionalDouble.empty());
    }

    /** @param epsilon added to the mean of the squares */
    public static RMSNorm of(long width, double epsilon) {
        return new RMSNorm(width, OptionalDouble.of(epsilon));
    }

    @Override
    public Tensor forward(Tensor x) {
        requireWidth(x, width);
        return x.rmsNorm(weight.tensor(), epsilon.orElseGet(() -> x.dtype().computeType().epsilon()));
    }

    @Override
    public String toString() {
        return "RMSNorm(" + width + ")";
    }
}

package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/**
 * Normalizes groups of neighboring channels of each sample of x {@code (n, channels, ...)}, then scales and shifts each
 * channel (Wu and He, "Group normalization", 2018). Parameters: {@code weight (channels)}, ones, and
 * {@code bias (channels)}, zeros.
 */
public final class GroupNorm extends Module<GroupNorm> implements Layer {
    private final int groups;
    private final long channels;
    private final double epsilon;
    private final Parameter weight;
    private final Parameter bias;

    private GroupNorm(int groups, long channels, double epsilon) {
        if (groups < 1 || channels < 1 || channels % groups != 0) {
            throw new IllegalArgumentException(
                "GroupNorm: " + channels + " channels do not divide into " + groups + " groups");
        }
        this.groups = groups;
        this.channels = channels;
        this.epsilon = epsilon;
        this.weight = parameter("weight", Shape.of(channels), Initializer.ONES);
        this.bias = parameter("bias", Shape.of(channels), Initializer.ZEROS);
    }

    /** With epsilon 1e-5. */
    public static GroupNorm of(int groups, long channels) {
        return of(groups, channels, 1e-5);
    }

    /** @param epsilon added to the variance */
    public static GroupNorm of(int groups, long channels, double epsilon) {
        return new GroupNorm(groups, channels, epsilon);
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.groupNorm(groups, weight.tensor(), bias.tensor(), epsilon);
    }

    @Override
    public String toString() {
        return "GroupNorm(" + groups + ", " + channels + ")";
    }
}

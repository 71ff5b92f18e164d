package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/**
 * Normalizes each channel of each sample of x {@code (n, channels, ...)} (Ulyanov et al., "Instance normalization",
 * 2016). Parameters, unless it is {@linkplain #of without}: {@code weight (channels)}, ones, and
 * {@code bias (channels)}, zeros.
 */
public final class InstanceNorm extends Module<InstanceNorm> implements Layer {
    private final long channels;
    private final double epsilon;
    private final Parameter weight;
    private final Parameter bias;

    private InstanceNorm(long channels, double epsilon, boolean affine) {
        if (channels < 1) {
            throw new IllegalArgumentException("InstanceNorm(" + channels
                + "): the number of channels must be positive");
        }
        this.channels = channels;
        this.epsilon = epsilon;
        this.weight = affine ? parameter("weight", Shape.of(channels), Initializer.ONES) : null;
        this.bias = affine ? parameter("bias", Shape.of(channels), Initializer.ZEROS) : null;
    }

    /** Without scale and shift, as in PyTorch, with epsilon 1e-5. */
    public static InstanceNorm of(long channels) {
        return new InstanceNorm(channels, 1e-5, false);
    }

    /** With a scale and a shift for each channel, and epsilon 1e-5. */
    public static InstanceNorm affine(long channels) {
        return new InstanceNorm(channels, 1e-5, true);
    }

    @Override
    public Tensor forward(Tensor x) {
        if (x.shape().rank() < 2 || x.shape().extent(1) != channels) {
            throw new IllegalArgumentException(
                this + ": its input must be (n, " + channels + ", ...) but is " + x.shape());
        }
        return x.instanceNorm(weight == null ? null : weight.tensor(), bias == null ? null : bias.tensor(), epsilon);
    }

    @Override
    public String toString() {
        return "InstanceNorm(" + channels + ")";
    }
}

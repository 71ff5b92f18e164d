package org.adjoint.nn;

import java.util.Arrays;
import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/**
 * {@code x} where it is positive, {@code weight x} elsewhere, with a slope that is learned (He et al., "Delving deep
 * into rectifiers", 2015). Parameter: {@code weight (1)}, or {@code (channels)} for x {@code (n, channels, ...)}, 0.25.
 */
public final class PReLU extends Module<PReLU> implements Layer {
    private final long channels;
    private final Parameter weight;

    private PReLU(long channels) {
        if (channels < 1) {
            throw new IllegalArgumentException("PReLU(" + channels + "): the number of channels must be positive");
        }
        this.channels = channels;
        this.weight = parameter("weight", Shape.of(channels), Initializer.constant(0.25));
    }

    /** One slope. */
    public static PReLU of() {
        return new PReLU(1);
    }

    /** A slope for each channel. */
    public static PReLU of(long channels) {
        return new PReLU(channels);
    }

    @Override
    public Tensor forward(Tensor x) {
        Tensor slope = weight.tensor();
        if (channels > 1) {
            int rank = x.shape().rank();
            if (rank < 2 || x.shape().extent(1) != channels) {
                throw new IllegalArgumentException(
                    this + ": its input must be (n, " + channels + ", ...) but is " + x.shape());
            }
            long[] extents = new long[rank - 1];
            Arrays.fill(extents, 1);
            extents[0] = channels;
            slope = slope.reshape(extents);
        }
        return x.prelu(slope);
    }

    @Override
    public String toString() {
        return "PReLU(" + channels + ")";
    }
}

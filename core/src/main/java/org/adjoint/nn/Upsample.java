package org.adjoint.nn;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.adjoint.Tensor;
import org.adjoint.graph.Interpolation;

/**
 * {@code (n, channels, spatial...)} with spatial extents multiplied.
 *
 * @param scale factors per spatial axis, or one for all
 * @param alignCorners whether first and last elements stay where they are
 */
public record Upsample(Interpolation mode, boolean alignCorners, List<Long> scale) implements Layer {
    /** @throws IllegalArgumentException for a factor that is not positive */
    public Upsample {
        Objects.requireNonNull(mode, "mode");
        scale = List.copyOf(scale);
        if (scale.stream().anyMatch(factor -> factor < 1)) {
            throw new IllegalArgumentException("Upsample: factors must be positive but are " + scale);
        }
    }

    public static Upsample of(Interpolation mode, long... scale) {
        return new Upsample(mode, false, Arrays.stream(scale).boxed().toList());
    }

    @Override
    public Tensor forward(Tensor x) {
        int axes = x.shape().rank() - 2;
        if (axes < 1 || scale.size() != 1 && scale.size() != axes) {
            throw new IllegalArgumentException(this + ": needs a factor, or one for each axis after the second of x "
                + x.shape());
        }
        long[] extents = new long[axes];
        Arrays.setAll(extents, i -> x.shape().extent(2 + i) * scale.get(scale.size() == 1 ? 0 : i));
        return x.interpolate(mode, alignCorners, extents);
    }
}

package org.adjoint.nn;

import java.util.Arrays;
import java.util.List;
import org.adjoint.Tensor;

/** The largest elements of as many windows of {@code (n, channels, depth, height, width)} as the result is to have. */
public record AdaptiveMaxPool3d(List<Long> extents) implements Layer {
    public AdaptiveMaxPool3d {
        extents = List.copyOf(extents);
    }

    /** One extent per axis, or one for all. */
    public static AdaptiveMaxPool3d of(long... extents) {
        return new AdaptiveMaxPool3d(Arrays.stream(extents).boxed().toList());
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.adaptiveMaxPool3d(extents.stream().mapToLong(Long::longValue).toArray());
    }
}

package org.adjoint.nn;

import java.util.Arrays;
import java.util.List;
import org.adjoint.Tensor;

/** The means of as many windows of {@code (n, channels, depth, height, width)} as the result is to have. */
public record AdaptiveAvgPool3d(List<Long> extents) implements Layer {
    public AdaptiveAvgPool3d {
        extents = List.copyOf(extents);
    }

    /** One extent per axis, or one for all. */
    public static AdaptiveAvgPool3d of(long... extents) {
        return new AdaptiveAvgPool3d(Arrays.stream(extents).boxed().toList());
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.adaptiveAvgPool3d(extents.stream().mapToLong(Long::longValue).toArray());
    }
}

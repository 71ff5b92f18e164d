package org.adjoint.nn;

import java.util.Arrays;
import java.util.List;
import org.adjoint.Tensor;

/** The means of as many windows of {@code (n, channels, height, width)} as the result is to have. */
public record AdaptiveAvgPool2d(List<Long> extents) implements Layer {
    public AdaptiveAvgPool2d {
        extents = List.copyOf(extents);
    }

    /** One extent per axis, or one for all. */
    public static AdaptiveAvgPool2d of(long... extents) {
        return new AdaptiveAvgPool2d(Arrays.stream(extents).boxed().toList());
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.adaptiveAvgPool2d(extents.stream().mapToLong(Long::longValue).toArray());
    }
}

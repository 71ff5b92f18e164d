package org.adjoint.nn;

import java.util.Arrays;
import java.util.List;
import org.adjoint.Tensor;

/** The largest elements of as many windows of {@code (n, channels, height, width)} as the result is to have. */
public record AdaptiveMaxPool2d(List<Long> extents) implements Layer {
    public AdaptiveMaxPool2d {
        extents = List.copyOf(extents);
    }

    /** One extent per axis, or one for all. */
    public static AdaptiveMaxPool2d of(long... extents) {
        return new AdaptiveMaxPool2d(Arrays.stream(extents).boxed().toList());
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.adaptiveMaxPool2d(extents.stream().mapToLong(Long::longValue).toArray());
    }
}

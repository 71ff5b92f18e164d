package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Pooling;

/** The mean of each window of {@code (n, channels, depth, height, width)}. */
public record AvgPool3d(Pooling window) implements Layer {
    /** Windows of one extent along every axis, side by side. */
    public static AvgPool3d of(long kernel) {
        return new AvgPool3d(Pooling.of(kernel));
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.avgPool3d(window);
    }
}

package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Pooling;

/** The mean of each window of {@code (n, channels, height, width)}. */
public record AvgPool2d(Pooling window) implements Layer {
    /** Windows of one extent along every axis, side by side. */
    public static AvgPool2d of(long kernel) {
        return new AvgPool2d(Pooling.of(kernel));
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.avgPool2d(window);
    }
}

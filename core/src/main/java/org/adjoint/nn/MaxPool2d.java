package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Pooling;

/** The largest element of each window of {@code (n, channels, height, width)}. */
public record MaxPool2d(Pooling window) implements Layer {
    /** Windows of one extent along every axis, side by side. */
    public static MaxPool2d of(long kernel) {
        return new MaxPool2d(Pooling.of(kernel));
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.maxPool2d(window);
    }
}

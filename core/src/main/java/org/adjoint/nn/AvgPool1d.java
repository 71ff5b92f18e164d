package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Pooling;

/** The mean of each window of {@code (n, channels, length)}. */
public record AvgPool1d(Pooling window) implements Layer {
    /** Windows of one extent, side by side. */
    public static AvgPool1d of(long kernel) {
        return new AvgPool1d(Pooling.of(kernel));
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.avgPool1d(window);
    }
}

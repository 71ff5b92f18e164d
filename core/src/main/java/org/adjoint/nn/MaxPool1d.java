package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Pooling;

/** The largest element of each window of {@code (n, channels, length)}. */
public record MaxPool1d(Pooling window) implements Layer {
    /** Windows of one extent, side by side. */
    public static MaxPool1d of(long kernel) {
        return new MaxPool1d(Pooling.of(kernel));
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.maxPool1d(window);
    }
}

package org.adjoint.nn;

import org.adjoint.Tensor;

/** The largest elements of as many windows of {@code (n, channels, length)} as the result is to have. */
public record AdaptiveMaxPool1d(long extent) implements Layer {
    public static AdaptiveMaxPool1d of(long extent) {
        return new AdaptiveMaxPool1d(extent);
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.adaptiveMaxPool1d(extent);
    }
}

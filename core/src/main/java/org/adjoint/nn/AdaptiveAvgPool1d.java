package org.adjoint.nn;

import org.adjoint.Tensor;

/** The means of as many windows of {@code (n, channels, length)} as the result is to have. */
public record AdaptiveAvgPool1d(long extent) implements Layer {
    public static AdaptiveAvgPool1d of(long extent) {
        return new AdaptiveAvgPool1d(extent);
    }

    @Override
    public Tensor forward(Tensor x) {
        return x.adaptiveAvgPool1d(extent);
    }
}

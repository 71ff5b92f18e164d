package org.adjoint.nn;

import java.util.List;
import java.util.stream.IntStream;
import org.adjoint.Tensor;

/**
 * Layers of an encoder one after the other, {@code layers.0}, {@code layers.1} and so on, and where parts normalize
 * what they read a last {@code norm}.
 */
public final class TransformerEncoder extends Module<TransformerEncoder> implements Layer {
    private final List<TransformerEncoderLayer> layers;
    private final LayerNorm norm;

    private TransformerEncoder(TransformerSettings settings, int count) {
        if (count < 1) {
            throw new IllegalArgumentException("TransformerEncoder: needs at least one layer, not " + count);
        }
        this.layers = IntStream.range(0, count)
            .mapToObj(i -> child("layers." + i, TransformerEncoderLayer.of(settings))).toList();
        this.norm = settings.normFirst() ? child("norm", LayerNorm.of(settings.width())) : null;
    }

    public static TransformerEncoder of(TransformerSettings settings, int layers) {
        return new TransformerEncoder(settings, layers);
    }

    @Override
    public Tensor forward(Tensor x) {
        return forward(x, null);
    }

    /** @param mask null, or as {@link MultiHeadAttention#forward(Tensor, Tensor)} takes it */
    public Tensor forward(Tensor x, Tensor mask) {
        Tensor y = x;
        for (TransformerEncoderLayer layer : layers) {
            y = layer.forward(y, mask);
        }
        return norm == null ? y : norm.forward(y);
    }
}

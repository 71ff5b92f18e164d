package org.adjoint.nn;

import java.util.List;
import java.util.stream.IntStream;
import org.adjoint.Tensor;

/**
 * Layers of a decoder one after the other, {@code layers.0}, {@code layers.1} and so on, and where parts normalize what
 * they read a last {@code norm}.
 */
public final class TransformerDecoder extends Module<TransformerDecoder> {
    private final List<TransformerDecoderLayer> layers;
    private final LayerNorm norm;

    private TransformerDecoder(TransformerSettings settings, int count) {
        if (count < 1) {
            throw new IllegalArgumentException("TransformerDecoder: needs at least one layer, not " + count);
        }
        this.layers = IntStream.range(0, count)
            .mapToObj(i -> child("layers." + i, TransformerDecoderLayer.of(settings))).toList();
        this.norm = settings.normFirst() ? child("norm", LayerNorm.of(settings.width())) : null;
    }

    public static TransformerDecoder of(TransformerSettings settings, int layers) {
        return new TransformerDecoder(settings, layers);
    }

    public Tensor forward(Tensor x, Tensor memory) {
        return forward(x, memory, null, null);
    }

    /** Masks as {@link TransformerDecoderLayer#forward(Tensor, Tensor, Tensor, Tensor)} takes them. */
    public Tensor forward(Tensor x, Tensor memory, Tensor mask, Tensor memoryMask) {
        Tensor y = x;
        for (TransformerDecoderLayer layer : layers) {
            y = layer.forward(y, memory, mask, memoryMask);
        }
        return norm == null ? y : norm.forward(y);
    }
}

package org.adjoint.nn;

import org.adjoint.Tensor;

/**
 * Self-attention and a feed-forward part, each added to what it reads, for x {@code (batch, t, width)}, as PyTorch's
 * {@code TransformerEncoderLayer}. Parts: {@code attention}, {@code feedForward.0}, {@code feedForward.3},
 * {@code norm1}, {@code norm2}.
 */
public final class TransformerEncoderLayer extends Module<TransformerEncoderLayer> implements Layer {
    private final TransformerSettings settings;
    private final MultiHeadAttention attention;
    private final Sequential feedForward;
    private final LayerNorm norm1;
    private final LayerNorm norm2;
    private final Dropout drop;

    private TransformerEncoderLayer(TransformerSettings settings) {
        this.settings = settings;
        this.attention = child("attention",
            MultiHeadAttention.of(settings.width(), settings.heads()).dropout(settings.dropout()));
        this.feedForward = child("feedForward", settings.feedForward());
        this.norm1 = child("norm1", LayerNorm.of(settings.width()));
        this.norm2 = child("norm2", LayerNorm.of(settings.width()));
        this.drop = child("drop", Dropout.of(settings.dropout()));
    }

    public static TransformerEncoderLayer of(TransformerSettings settings) {
        return new TransformerEncoderLayer(settings);
    }

    @Override
    public Tensor forward(Tensor x) {
        return forward(x, null);
    }

    /** @param mask null, or as {@link MultiHeadAttention#forward(Tensor, Tensor)} takes it */
    public Tensor forward(Tensor x, Tensor mask) {
        Tensor attended = settings.residual(x, norm1, drop, part -> attention.forward(part, mask));
        return settings.residual(attended, norm2, drop, feedForward);
    }
}

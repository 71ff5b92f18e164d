package org.adjoint.nn;

import org.adjoint.Tensor;

/**
 * Causal self-attention, attention to a memory and a feed-forward part, each added to what it reads, for x
 * {@code (batch, t, width)} and a memory {@code (batch, s, width)}, as PyTorch's {@code TransformerDecoderLayer} with a
 * causal mask. Parts: {@code attention}, {@code memoryAttention}, {@code feedForward.0}, {@code feedForward.3},
 * {@code norm1}, {@code norm2}, {@code norm3}.
 */
public final class TransformerDecoderLayer extends Module<TransformerDecoderLayer> {
    private final TransformerSettings settings;
    private final MultiHeadAttention attention;
    private final CrossAttention memoryAttention;
    private final Sequential feedForward;
    private final LayerNorm norm1;
    private final LayerNorm norm2;
    private final LayerNorm norm3;
    private final Dropout drop;

    private TransformerDecoderLayer(TransformerSettings settings) {
        this.settings = settings;
        this.attention = child("attention",
            MultiHeadAttention.causal(settings.width(), settings.heads()).dropout(settings.dropout()));
        this.memoryAttention = child("memoryAttention",
            CrossAttention.of(settings.width(), settings.heads()).dropout(settings.dropout()));
        this.feedForward = child("feedForward", settings.feedForward());
        this.norm1 = child("norm1", LayerNorm.of(settings.width()));
        this.norm2 = child("norm2", LayerNorm.of(settings.width()));
        this.norm3 = child("norm3", LayerNorm.of(settings.width()));
        this.drop = child("drop", Dropout.of(settings.dropout()));
    }

    public static TransformerDecoderLayer of(TransformerSettings settings) {
        return new TransformerDecoderLayer(settings);
    }

    public Tensor forward(Tensor x, Tensor memory) {
        return forward(x, memory, null, null);
    }

    /**
     * @param mask of x, besides causality, or null; see {@link MultiHeadAttention#forward(Tensor, Tensor)}
     * @param memoryMask null, or as {@link CrossAttention#forward(Tensor, Tensor, Tensor)} takes it
     */
    public Tensor forward(Tensor x, Tensor memory, Tensor mask, Tensor memoryMask) {
        Tensor attended = settings.residual(x, norm1, drop, part -> attention.forward(part, mask));
        Tensor informed = settings.residual(attended, norm2, drop,
            part -> memoryAttention.forward(part, memory, memoryMask));
        return settings.residual(informed, norm3, drop, feedForward);
    }
}

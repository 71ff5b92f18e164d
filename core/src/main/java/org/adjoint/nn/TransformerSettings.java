package org.adjoint.nn;

import org.adjoint.Tensor;

/**
 * What layers of a transformer are made of.
 *
 * @param width of tokens
 * @param heads of attention
 * @param hidden width of the feed-forward part
 * @param dropout of attention's weights, of what each part adds, and within the feed-forward part
 * @param activation of the feed-forward part
 * @param normFirst whether parts normalize what they read (Xiong et al., "On layer normalization in the transformer
 *     architecture", 2020) rather than their sum with it (Vaswani et al., 2017)
 */
public record TransformerSettings(long width, long heads, long hidden, double dropout, Layer activation,
    boolean normFirst) {
    /** PyTorch's: dropout 0.1, ReLU, sums are normalized. */
    public static TransformerSettings of(long width, long heads, long hidden) {
        return new TransformerSettings(width, heads, hidden, 0.1, Activation.RELU, false);
    }

    public TransformerSettings dropout(double value) {
        return new TransformerSettings(width, heads, hidden, value, activation, normFirst);
    }

    public TransformerSettings activation(Layer value) {
        return new TransformerSettings(width, heads, hidden, dropout, value, normFirst);
    }

    public TransformerSettings normFirst(boolean value) {
        return new TransformerSettings(width, heads, hidden, dropout, activation, value);
    }

    /** {@code (..., width) -> (..., width)}. */
    Sequential feedForward() {
        return Sequential.of(Linear.of(width, hidden), activation, Dropout.of(dropout), Linear.of(hidden, width));
    }

    /** What {@code part} adds to x, as a sum. */
    Tensor residual(Tensor x, LayerNorm norm, Dropout drop, Layer part) {
        return normFirst ? x.add(drop.forward(part.forward(norm.forward(x))))
            : norm.forward(x.add(drop.forward(part.forward(x))));
    }
}

package org.adjoint.nn;

/**
 * What a recurrent network looks like, as {@code torch.nn.LSTM}'s arguments say it.
 *
 * @param in width of the inputs
 * @param width of the states
 * @param layers each reads the hidden states of the one below
 * @param bidirectional whether a second direction runs from the end; their hidden states stand side by side
 * @param dropout probability with which the hidden states between layers are dropped in training mode
 * @param batchFirst whether inputs and outputs are {@code (batch, time, ...)} rather than {@code (time, batch, ...)};
 *     states are {@code (layers directions, batch, width)} either way
 * @param biased whether there are biases
 */
public record RecurrentOptions(long in, long width, int layers, boolean bidirectional, double dropout,
    boolean batchFirst, boolean biased) {
    public RecurrentOptions {
        if (in < 1 || width < 1) {
            throw new IllegalArgumentException("recurrent network (" + in + ", " + width
                + "): both widths must be positive");
        }
        if (layers < 1) {
            throw new IllegalArgumentException("recurrent network: there must be a layer, not " + layers);
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException(
                "recurrent network: the probability of dropout must be in [0, 1) but is " + dropout);
        }
    }

    /** One layer, from the first input to the last, with biases. */
    public static RecurrentOptions of(long in, long width) {
        return new RecurrentOptions(in, width, 1, false, 0, false, true);
    }

    public RecurrentOptions layers(int count) {
        return new RecurrentOptions(in, width, count, bidirectional, dropout, batchFirst, biased);
    }

    /** In both directions. */
    public RecurrentOptions inBothDirections() {
        return new RecurrentOptions(in, width, layers, true, dropout, batchFirst, biased);
    }

    public RecurrentOptions dropout(double probability) {
        return new RecurrentOptions(in, width, layers, bidirectional, probability, batchFirst, biased);
    }

    /** Inputs and outputs are {@code (batch, time, ...)}. */
    public RecurrentOptions withBatchFirst() {
        return new RecurrentOptions(in, width, layers, bidirectional, dropout, true, biased);
    }

    public RecurrentOptions withoutBias() {
        return new RecurrentOptions(in, width, layers, bidirectional, dropout, batchFirst, false);
    }

    int directions() {
        return bidirectional ? 2 : 1;
    }

    @Override
    public String toString() {
        return in + ", " + width + (layers > 1 ? ", layers=" + layers : "") + (bidirectional ? ", bidirectional" : "");
    }
}

package org.adjoint.bench.train;

/**
 * What counting alone can tell of held-out text, in nats per byte: what a model has to beat. Probabilities are fitted
 * on the training text with one added to every count.
 *
 * @param single cross-entropy of a byte, from the frequency of bytes
 * @param pair cross-entropy of a byte given the one before it, from the frequency of pairs
 */
record Entropies(double single, double pair) {
    private static final int BYTES = 256;

    /** For held-out text of at least two bytes. */
    static Entropies of(byte[] training, byte[] heldOut) {
        long[] singles = new long[BYTES];
        long[][] pairs = new long[BYTES][BYTES];
        long[] firsts = new long[BYTES];
        for (int i = 0; i < training.length; i++) {
            int b = training[i] & 0xff;
            singles[b]++;
            if (i > 0) {
                int a = training[i - 1] & 0xff;
                pairs[a][b]++;
                firsts[a]++;
            }
        }
        double single = 0;
        double pair = 0;
        for (int i = 0; i < heldOut.length; i++) {
            int b = heldOut[i] & 0xff;
            single -= Math.log((singles[b] + 1.0) / (training.length + BYTES));
            if (i > 0) {
                int a = heldOut[i - 1] & 0xff;
                pair -= Math.log((pairs[a][b] + 1.0) / (firsts[a] + BYTES));
            }
        }
        return new Entropies(single / heldOut.length, pair / (heldOut.length - 1));
    }
}

package org.adjoint.bench.train;

import java.util.List;

/**
 * What counting alone can tell of held-out text, in nats per byte: the bounds that a model has to beat.
 * Probabilities are fitted on the training text with one added to every count.
 *
 * @param single cross-entropy of a byte, from the frequency of bytes
 * @param pair cross-entropy of a byte given the one before it, from the frequency of pairs
 */
record Entropies(double single, double pair) {
    private static final int BYTES = 256;

    static Entropies of(Corpus corpus) {
        return of(corpus.text(), corpus.training(), corpus.heldOut());
    }

    /** Pairs are those within a segment. */
    static Entropies of(byte[] text, List<Corpus.Segment> training, List<Corpus.Segment> heldOut) {
        long[] singles = new long[BYTES];
        long[][] pairs = new long[BYTES][BYTES];
        long[] firsts = new long[BYTES];
        long total = 0;
        for (Corpus.Segment segment : training) {
            for (int i = segment.start(); i < segment.end(); i++) {
                singles[text[i] & 0xff]++;
                total++;
                if (i > segment.start()) {
                    pairs[text[i - 1] & 0xff][text[i] & 0xff]++;
                    firsts[text[i - 1] & 0xff]++;
                }
            }
        }
        double single = 0;
        double pair = 0;
        long singlesSeen = 0;
        long pairsSeen = 0;
        for (Corpus.Segment segment : heldOut) {
            for (int i = segment.start(); i < segment.end(); i++) {
                int b = text[i] & 0xff;
                single -= Math.log((singles[b] + 1.0) / (total + BYTES));
                singlesSeen++;
                if (i > segment.start()) {
                    int a = text[i - 1] & 0xff;
                    pair -= Math.log((pairs[a][b] + 1.0) / (firsts[a] + BYTES));
                    pairsSeen++;
                }
            }
        }
        return new Entropies(single / singlesSeen, pair / pairsSeen);
    }
}

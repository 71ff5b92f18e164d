package org.adjoint.data;

import java.util.List;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import org.adjoint.graph.Philox;

/**
 * Batches of windows of a text whose tokens are its bytes. A batch is a function of the seed and the step: a run that
 * resumes needs to know nothing but its step.
 */
public final class TokenBatches {
    private final byte[] text;
    private final int rows;
    private final int context;
    private final long seed;

    private TokenBatches(byte[] text, int rows, int context, long seed) {
        this.text = text;
        this.rows = rows;
        this.context = context;
        this.seed = seed;
    }

    /**
     * Batches of {@code rows} windows of {@code context} tokens.
     *
     * @throws IllegalArgumentException if the text is shorter than {@code context + 1}
     */
    public static TokenBatches of(byte[] text, int rows, int context, long seed) {
        if (rows < 1 || context < 1) {
            throw new IllegalArgumentException(
                "batches: rows and context must be positive but are " + rows + " and " + context);
        }
        if (text.length <= context) {
            throw new IllegalArgumentException("batches: the text has " + text.length + " bytes but a context of "
                + context + " needs at least " + (context + 1L) + ": use more text or a shorter context");
        }
        return new TokenBatches(text, rows, context, seed);
    }

    /** Windows that begin anywhere, drawn uniformly. */
    public Batch sample(long step) {
        long places = text.length - context;
        return batch(row -> {
            long high = Integer.toUnsignedLong(Philox.word(seed, step, 0, 2L * row));
            long low = Integer.toUnsignedLong(Philox.word(seed, step, 0, 2L * row + 1));
            return Math.unsignedMultiplyHigh(high << 32 | low, places);
        });
    }

    /** {@code count} batches, spread evenly over the text from its beginning to its end: for evaluation. */
    public List<Batch> spread(int count) {
        long windows = (long) count * rows;
        long last = text.length - context - 1;
        return IntStream.range(0, count).mapToObj(
            index -> batch(row -> windows == 1 ? 0 : ((long) index * rows + row) * last / (windows - 1))).toList();
    }

    private Batch batch(IntToLongFunction start) {
        int[] tokens = new int[rows * context];
        int[] targets = new int[rows * context];
        for (int row = 0; row < rows; row++) {
            int begin = (int) start.applyAsLong(row);
            for (int i = 0; i < context; i++) {
                tokens[row * context + i] = text[begin + i] & 0xff;
                targets[row * context + i] = text[begin + i + 1] & 0xff;
            }
        }
        return new Batch(rows, context, tokens, targets);
    }
}

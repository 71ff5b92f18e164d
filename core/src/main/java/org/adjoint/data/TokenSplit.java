package org.adjoint.data;

import java.io.ByteArrayOutputStream;

/**
 * Text for training and text held back from it. The text is cut into pieces of equal length and the end of each is held
 * back, so that both parts speak of the same things even where the text is many files; each part that is held back is
 * long enough to be no patchwork. Depends on the text's length alone.
 */
public record TokenSplit(byte[] training, byte[] validation) {
    private static final int MOST_PIECES = 20;
    private static final int SHORTEST_PART = 4_096;

    /** @param fraction how much to hold back, in (0, 1) */
    public static TokenSplit of(byte[] text, double fraction) {
        if (!(fraction > 0 && fraction < 1)) {
            throw new IllegalArgumentException("split: the fraction to hold back must be in (0, 1) but is " + fraction);
        }
        int pieces = Math.clamp((long) (text.length * fraction / SHORTEST_PART), 1, MOST_PIECES);
        ByteArrayOutputStream training = new ByteArrayOutputStream();
        ByteArrayOutputStream validation = new ByteArrayOutputStream();
        for (int piece = 0; piece < pieces; piece++) {
            int begin = (int) ((long) text.length * piece / pieces);
            int end = (int) ((long) text.length * (piece + 1) / pieces);
            int held = (int) Math.round((end - begin) * fraction);
            training.write(text, begin, end - begin - held);
            validation.write(text, end - held, held);
        }
        return new TokenSplit(training.toByteArray(), validation.toByteArray());
    }
}

package org.adjoint.bench.train;

import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.adjoint.data.TextFiles;
import org.adjoint.data.TokenSplit;

/**
 * Text to train on, and text held back from it.
 *
 * @param source where it comes from
 * @param hash of all of it, SHA-256: what a resumed run must find again
 */
record Corpus(String source, byte[] training, byte[] validation, String hash) {
    private static final double HELD_BACK = 0.1;

    /**
     * Reads a file, or the text files of a folder.
     *
     * @param context bytes in a window
     * @throws IOException if there is no text
     * @throws IllegalArgumentException if what is held back would be too short for a window
     */
    static Corpus read(Path source, int context) throws IOException {
        byte[] text = TextFiles.read(source);
        TokenSplit split = TokenSplit.of(text, HELD_BACK);
        int held = split.validation().length;
        if (held <= context) {
            throw new IllegalArgumentException("the text is too short: " + held + " of its " + text.length
                    + " bytes are held back, and a context of " + context + " needs " + (context + 1)
                    + ": give more text" + (held > 1 ? ", or set --context to at most " + (held - 1) : ""));
        }
        return new Corpus(source.toAbsolutePath().normalize().toString(), split.training(), split.validation(),
                hash(text));
    }

    private static String hash(byte[] text) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JVM has SHA-256", e);
        }
    }
}

package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTest {
    @TempDir
    private Path folder;

    private Corpus of(String text, int context) throws IOException {
        return Corpus.read(Files.writeString(folder.resolve("text.txt"), text), context);
    }

    @Test
    void aTenthIsHeldBack() throws IOException {
        Corpus corpus = of("x".repeat(1000), 50);
        assertEquals(900, corpus.training().length);
        assertEquals(100, corpus.validation().length);
        assertEquals(folder.resolve("text.txt").toString(), corpus.source());
    }

    @Test
    void whatIsHeldBackMustHoldAWindow() throws IOException {
        of("x".repeat(200), 19);
        assertEquals("the text is too short: 20 of its 200 bytes are held back, and a context of 20 needs 21: give "
                + "more text, or set --context to at most 19",
                assertThrows(IllegalArgumentException.class, () -> of("x".repeat(200), 20)).getMessage());
        assertEquals("the text is too short: 1 of its 5 bytes are held back, and a context of 8 needs 9: give more "
                + "text",
                assertThrows(IllegalArgumentException.class, () -> of("x".repeat(5), 8)).getMessage());
    }

    /** SHA-256 of "abc" repeated ten times, by sha256sum. */
    @Test
    void theHashIsOfAllTheText() throws IOException {
        assertEquals("ebae678bcd141cc9b9d532b264f854096b645af41490c787218299e1bbc6510e",
                of("abc".repeat(10), 2).hash());
    }
}

package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.List;
import org.adjoint.bench.train.Corpus.Segment;
import org.adjoint.bench.train.Corpus.Windows;
import org.junit.jupiter.api.Test;

class CorpusTest {
    /** Each byte tells in which chunk of 4,096 it lies. */
    private static byte[] chunks(int count) {
        byte[] text = new byte[count * 4096];
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) (i / 4096);
        }
        return text;
    }

    @Test
    void everyTenthChunkIsHeldBack() {
        Corpus corpus = new Corpus(chunks(25), 128);
        assertEquals(List.of(new Segment(9 * 4096, 10 * 4096), new Segment(19 * 4096, 20 * 4096)), corpus.heldOut());
        assertEquals(List.of(new Segment(0, 9 * 4096), new Segment(10 * 4096, 19 * 4096),
                new Segment(20 * 4096, 25 * 4096)), corpus.training());
    }

    @Test
    void trainingNeverSeesAHeldOutByte() {
        Corpus corpus = new Corpus(chunks(25), 100);
        BitSet seen = new BitSet();
        for (int step = 0; step < 2000; step++) {
            Windows windows = corpus.trainingWindows(4, 1, step);
            for (int i = 0; i < windows.inputs().length; i++) {
                seen.set(windows.inputs()[i]);
                seen.set(windows.targets()[i]);
            }
        }
        assertEquals(23, seen.cardinality());
        assertTrue(!seen.get(9) && !seen.get(19), seen::toString);
    }

    @Test
    void targetsAreTheBytesThatFollow() {
        byte[] text = new byte[1000];
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) i;
        }
        Windows windows = new Corpus(text, 16).trainingWindows(3, 7, 5);
        assertEquals(3, windows.count());
        for (int i = 0; i < windows.inputs().length; i++) {
            assertEquals((windows.inputs()[i] + 1) & 0xff, windows.targets()[i]);
            assertTrue(i % 16 == 0 || windows.inputs()[i] == windows.targets()[i - 1]);
        }
    }

    @Test
    void windowsDependOnSeedAndStepAlone() {
        Corpus corpus = new Corpus(chunks(300), 64);
        int[] windows = corpus.trainingWindows(8, 3, 11).inputs();
        assertArrayEquals(windows, corpus.trainingWindows(8, 3, 11).inputs());
        assertNotEquals(List.of(windows), List.of(corpus.trainingWindows(8, 3, 12).inputs()));
        assertNotEquals(List.of(windows), List.of(corpus.trainingWindows(8, 4, 11).inputs()));
    }

    /** Seeds that are neighbors must not choose neighboring places. */
    @Test
    void stepsAreSpreadOverTheText() {
        Corpus corpus = new Corpus(chunks(100), 16);
        double[] places = new double[1000];
        for (int step = 0; step < places.length; step++) {
            places[step] = corpus.trainingWindows(1, 0, step).inputs()[0] & 0xff;
        }
        double sum = 0;
        for (int i = 1; i < places.length; i++) {
            sum += Math.abs(places[i] - places[i - 1]);
        }
        // The mean distance of two independent places is a third of the length.
        assertEquals(100 / 3.0, sum / (places.length - 1), 3);
    }

    @Test
    void validationWindowsCoverTheHeldOutText() {
        Corpus corpus = new Corpus(chunks(20), 128);
        // 31 windows of 128 and one byte more fit in a chunk of 4,096.
        assertEquals(62, corpus.validationWindows());
        Windows all = corpus.validationWindows(0, 1, 62);
        for (int i = 0; i < all.inputs().length; i++) {
            assertEquals(i < 31 * 128 ? 9 : 19, all.inputs()[i]);
        }
        assertEquals(19, corpus.validationWindows(31, 10, 2).inputs()[0]);
    }

    @Test
    void ofAShortTextTheEndIsHeldBack() {
        Corpus corpus = new Corpus(new byte[50], 10);
        assertEquals(List.of(new Segment(33, 44)), corpus.heldOut());
        assertEquals(List.of(new Segment(0, 33)), corpus.training());
        assertEquals(1, corpus.validationWindows());
    }

    @Test
    void aTextShorterThanTwoWindowsIsRefused() {
        new Corpus(new byte[22], 10);
        assertEquals("the text is too short: 21 bytes, and a context of 10 needs 22 (a window to train on, one to hold back): "
                + "give more text, or set --context to at most 9",
                assertThrows(IllegalArgumentException.class, () -> new Corpus(new byte[21], 10)).getMessage());
        new Corpus(new byte[21], 9);
    }
}

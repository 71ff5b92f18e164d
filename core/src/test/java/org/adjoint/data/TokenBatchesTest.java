package org.adjoint.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class TokenBatchesTest {
    private static byte[] counting(int length) {
        byte[] text = new byte[length];
        for (int i = 0; i < length; i++) {
            text[i] = (byte) i;
        }
        return text;
    }

    @Test
    void targetsFollowTokens() {
        Batch batch = TokenBatches.of(counting(256), 5, 7, 1).sample(3);
        assertEquals(35, batch.tokens().length);
        for (int row = 0; row < 5; row++) {
            for (int i = 0; i < 7; i++) {
                assertEquals(batch.tokens()[row * 7] + i, batch.tokens()[row * 7 + i]);
                assertEquals(batch.tokens()[row * 7 + i] + 1, batch.targets()[row * 7 + i]);
            }
        }
    }

    @Test
    void aBatchDependsOnSeedAndStepAlone() {
        byte[] text = counting(100_000);
        TokenBatches batches = TokenBatches.of(text, 4, 16, 42);
        Batch first = batches.sample(7);
        batches.sample(8);
        assertArrayEquals(first.tokens(), batches.sample(7).tokens());
        assertArrayEquals(first.tokens(), TokenBatches.of(text, 4, 16, 42).sample(7).tokens());
        assertFalse(Arrays.equals(first.tokens(), batches.sample(8).tokens()));
        assertFalse(Arrays.equals(first.tokens(), TokenBatches.of(text, 4, 16, 43).sample(7).tokens()));
    }

    @Test
    void everyWindowIsDrawn() {
        TokenBatches batches = TokenBatches.of(counting(20), 8, 4, 0);
        BitSet starts = new BitSet();
        for (int step = 0; step < 100; step++) {
            Batch batch = batches.sample(step);
            for (int row = 0; row < 8; row++) {
                starts.set(batch.tokens()[row * 4]);
            }
        }
        assertEquals("{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}", starts.toString());
    }

    @Test
    void spreadBatchesReachFromEndToEnd() {
        List<Batch> batches = TokenBatches.of(counting(101), 2, 10, 0).spread(3);
        assertEquals(3, batches.size());
        assertEquals(0, batches.getFirst().tokens()[0]);
        assertEquals(18, batches.getFirst().tokens()[10]);
        assertEquals(100, batches.getLast().targets()[19]);
        assertEquals(0, TokenBatches.of(counting(11), 1, 10, 0).spread(1).getFirst().tokens()[0]);
    }

    @Test
    void bytesAreUnsigned() {
        assertArrayEquals(new int[] {200}, TokenBatches.of(new byte[] {(byte) 200, 0}, 1, 1, 0).sample(0).tokens());
    }

    @Test
    void aShortTextIsAnError() {
        TokenBatches.of(new byte[17], 1, 16, 0).sample(0);
        IllegalArgumentException e =
            assertThrows(IllegalArgumentException.class, () -> TokenBatches.of(new byte[16], 1, 16, 0));
        assertEquals("batches: the text has 16 bytes but a context of 16 needs at least 17: use more text or a shorter "
            + "context", e.getMessage());
    }

    @Test
    void theSplitHoldsBackAFractionFromAllOverTheText() {
        byte[] text = new byte[1_000_000];
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) (i / 50_000);
        }
        TokenSplit split = TokenSplit.of(text, 0.1);
        assertEquals(900_000, split.training().length);
        assertEquals(100_000, split.validation().length);
        for (byte part = 0; part < 20; part++) {
            assertEquals(5_000, count(split.validation(), part));
            assertEquals(45_000, count(split.training(), part));
        }
    }

    @Test
    void aShortTextIsSplitOnce() {
        TokenSplit split = TokenSplit.of(counting(100), 0.1);
        assertEquals(90, split.training().length);
        assertArrayEquals(Arrays.copyOfRange(counting(100), 90, 100), split.validation());
        assertTrue(assertThrows(IllegalArgumentException.class, () -> TokenSplit.of(new byte[1], 0)).getMessage()
            .contains("(0, 1)"));
    }

    private static int count(byte[] text, byte value) {
        int count = 0;
        for (byte b : text) {
            count += b == value ? 1 : 0;
        }
        return count;
    }
}

package org.adjoint.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PhiloxTest {
    /** The known-answer vectors that Random123 publishes (tests/kat_vectors, philox4x32 with 10 rounds). */
    @ParameterizedTest
    @CsvSource({
        "00000000 00000000 00000000 00000000, 00000000 00000000, 6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        "ffffffff ffffffff ffffffff ffffffff, ffffffff ffffffff, 408f276d 41c83b0e a20bc7c6 6d5451fd",
        "243f6a88 85a308d3 13198a2e 03707344, a4093822 299f31d0, d16cfe09 94fdcceb 5001e420 24126ea1"})
    void agreesWithTheKnownAnswers(String counterText, String keyText, String expectedText) {
        long[] counter = words(counterText);
        long[] key = words(keyText);
        long[] expected = words(expectedText);
        long seed = key[1] << 32 | key[0];
        long run = counter[1] >>> 16 << 32 | counter[3];
        long block = (counter[1] & 0xffff) << 32 | counter[0];
        for (int word = 0; word < 4; word++) {
            assertEquals(Long.toHexString(expected[word]),
                Integer.toHexString(Philox.word(seed, run, counter[2], block * 4 + word)), "word " + word);
        }
    }

    @Test
    void everyArgumentMatters() {
        int word = Philox.word(1, 2, 3, 4);
        assertNotEquals(word, Philox.word(1L << 40 | 1, 2, 3, 4));
        assertNotEquals(word, Philox.word(1, 1L << 40 | 2, 3, 4));
        assertNotEquals(word, Philox.word(1, 2, 1L << 31 | 3, 4));
        assertNotEquals(word, Philox.word(1, 2, 3, 1L << 49 | 4));
    }

    private static long[] words(String text) {
        String[] parts = text.trim().split(" ");
        long[] words = new long[parts.length];
        for (int i = 0; i < words.length; i++) {
            words[i] = Long.parseLong(parts[i], 16);
        }
        return words;
    }
}

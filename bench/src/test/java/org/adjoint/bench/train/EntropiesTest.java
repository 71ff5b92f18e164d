package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class EntropiesTest {
    private static Entropies of(String training, String heldOut) {
        return Entropies.of(training.getBytes(StandardCharsets.ISO_8859_1),
                heldOut.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Counts by hand: a 3, b 1 of 4; pairs ab 1, ba 1, aa 1, so after a there are 2 and after b there is 1. */
    @Test
    void addOneSmoothedCounts() {
        Entropies entropies = of("abaa", "abz");
        double a = 4.0 / 260;
        double b = 2.0 / 260;
        double z = 1.0 / 260;
        assertEquals(-(Math.log(a) + Math.log(b) + Math.log(z)) / 3, entropies.single(), 1e-12);
        double ab = 2.0 / 258;
        double bz = 1.0 / 257;
        assertEquals(-(Math.log(ab) + Math.log(bz)) / 2, entropies.pair(), 1e-12);
    }

    @Test
    void withoutTrainingTextAllBytesAreEquallyLikely() {
        Entropies entropies = of("", "xyz");
        assertEquals(Math.log(256), entropies.single(), 1e-12);
        assertEquals(Math.log(256), entropies.pair(), 1e-12);
    }

    @Test
    void bytesAreUnsigned() {
        Entropies entropies = of("\u00ff\u00ff\u00ff\u00ff", "\u00ff\u00ff");
        assertEquals(-Math.log(5.0 / 260), entropies.single(), 1e-12);
        assertEquals(-Math.log(4.0 / 259), entropies.pair(), 1e-12);
    }
}

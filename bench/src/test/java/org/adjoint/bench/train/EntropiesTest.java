package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.adjoint.bench.train.Corpus.Segment;
import org.junit.jupiter.api.Test;

class EntropiesTest {
    private static Entropies of(String training, String heldOut) {
        byte[] text = (training + heldOut).getBytes(StandardCharsets.ISO_8859_1);
        int cut = training.length();
        return Entropies.of(text, List.of(new Segment(0, cut)), List.of(new Segment(cut, text.length)));
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
        byte[] text = "xyz".getBytes(StandardCharsets.ISO_8859_1);
        Entropies entropies = Entropies.of(text, List.of(), List.of(new Segment(0, 3)));
        assertEquals(Math.log(256), entropies.single(), 1e-12);
        assertEquals(Math.log(256), entropies.pair(), 1e-12);
    }

    /** The pair that the cut between two segments makes is in neither text. */
    @Test
    void noPairCrossesASegment() {
        byte[] text = "aabb".getBytes(StandardCharsets.ISO_8859_1);
        List<Segment> halves = List.of(new Segment(0, 2), new Segment(2, 4));
        Entropies entropies = Entropies.of(text, halves, halves);
        // aa once after a, bb once after b.
        assertEquals(-Math.log(2.0 / 257), entropies.pair(), 1e-12);
    }

    @Test
    void bytesAreUnsigned() {
        assertEquals(-Math.log(5.0 / 260), of("\u00ff\u00ff\u00ff\u00ff", "\u00ff").single(), 1e-12);
    }
}

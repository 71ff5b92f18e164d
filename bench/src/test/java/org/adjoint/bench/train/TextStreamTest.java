package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TextStreamTest {
    private static List<String> pieces(byte... bytes) {
        List<String> pieces = new ArrayList<>();
        TextStream stream = new TextStream(pieces::add);
        for (byte b : bytes) {
            stream.write(b & 0xff);
        }
        stream.end();
        return pieces;
    }

    @Test
    void aCharacterAppearsWhenItIsComplete() {
        assertEquals(List.of("a", "\u00e9", "\u20ac", "\ud83d\ude00", "b"),
                pieces("a\u00e9\u20ac\ud83d\ude00b".getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void whatIsNoTextIsReplaced() {
        assertEquals("a\ufffdb", String.join("", pieces((byte) 'a', (byte) 0xff, (byte) 'b')));
        assertEquals("\ufffda", String.join("", pieces((byte) 0xe2, (byte) 'a')));
        assertEquals("a\ufffd", String.join("", pieces((byte) 'a', (byte) 0xe2, (byte) 0x82)));
    }

    @Test
    void aModelCanNotControlTheTerminal() {
        byte[] bytes = "\u001b[2J\n\t\r".getBytes(StandardCharsets.UTF_8);
        assertEquals("\ufffd[2J\n\t\ufffd", String.join("", pieces(bytes)));
    }
}

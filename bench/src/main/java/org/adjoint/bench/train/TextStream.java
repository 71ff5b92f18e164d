package org.adjoint.bench.train;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Turns the bytes of a model into text as they come: characters of several bytes appear when they are complete, what is
 * no UTF-8 or would control a terminal appears as U+FFFD.
 */
final class TextStream {
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE).onUnmappableCharacter(CodingErrorAction.REPLACE);
    private final ByteBuffer pending = ByteBuffer.allocate(8);
    private final CharBuffer decoded = CharBuffer.allocate(16);
    private final Consumer<String> sink;

    TextStream(Consumer<String> sink) {
        this.sink = sink;
    }

    void write(int b) {
        pending.put((byte) b).flip();
        decoder.decode(pending, decoded, false);
        pending.compact();
        emit();
    }

    /** What is left of a character that never was completed. */
    void end() {
        pending.flip();
        decoder.decode(pending, decoded, true);
        decoder.flush(decoded);
        emit();
        decoder.reset();
        pending.clear();
    }

    private void emit() {
        decoded.flip();
        if (decoded.hasRemaining()) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < decoded.length(); i++) {
                char c = decoded.charAt(i);
                text.append(Character.isISOControl(c) && c != '\n' && c != '\t' ? '\uFFFD' : c);
            }
            sink.accept(text.toString());
        }
        decoded.clear();
    }
}

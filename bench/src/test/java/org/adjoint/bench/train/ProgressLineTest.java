package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
    private static String shown(boolean interactive, long start, long steps) {
        StringWriter text = new StringWriter();
        try (ProgressLine progress = new ProgressLine(new PrintWriter(text), interactive, start, steps)) {
            for (long step = start + 1; step <= steps; step++) {
                progress.update(step, 2.5, step < 50 ? Double.NaN : 2.75, 12_345, steps - step);
            }
        }
        return text.toString();
    }

    @Test
    void aLogGetsALineForEachTenth() {
        List<String> lines = shown(false, 0, 1000).lines().toList();
        assertEquals(10, lines.size());
        assertEquals("step 100/1,000  loss 2.5000  validation 2.7500  12,345 tokens/s  15:00 left", lines.getFirst());
        assertEquals("step 1,000/1,000  loss 2.5000  validation 2.7500  12,345 tokens/s  0:00 left", lines.getLast());
    }

    @Test
    void aResumedRunGoesOnWhereItWas() {
        assertEquals(5, shown(false, 500, 1000).lines().count());
        assertEquals(3, shown(false, 0, 3).lines().count());
    }

    @Test
    void aTerminalGetsABarThatStaysAsItIsLast() {
        PrintStream before = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        String lines;
        try {
            lines = shown(true, 500, 1000);
        } finally {
            System.setErr(before);
        }
        String text = bytes.toString(StandardCharsets.UTF_8);
        assertEquals("", lines);
        assertEquals(1, text.chars().filter(c -> c == '\n').count(), text);
        String last = text.substring(text.lastIndexOf('\r') + 1).stripTrailing();
        assertTrue(last.matches("step 100% \\[=+] 1000/1000 \\(0:00:\\d\\d / 0:00:00\\) "
                + "loss 2.500 val 2.750 12,345 tok/s"), text);
        assertTrue(last.length() < 80, last);
    }

    @Test
    void durations() {
        assertEquals("0:00", ProgressLine.duration(-1));
        assertEquals("1:05", ProgressLine.duration(65.2));
        assertEquals("1:01:01", ProgressLine.duration(3661));
    }
}

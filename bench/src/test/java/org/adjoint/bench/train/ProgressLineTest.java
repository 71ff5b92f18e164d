package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
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
    void aTerminalGetsOneLine() {
        String text = shown(true, 0, 1000);
        assertTrue(text.endsWith("0:00 left" + System.lineSeparator()), text);
        assertEquals(1, text.chars().filter(c -> c == '\n').count());
        assertTrue(text.contains("validation -  "), text);
    }

    @Test
    void durations() {
        assertEquals("0:00", ProgressLine.duration(-1));
        assertEquals("1:05", ProgressLine.duration(65.2));
        assertEquals("1:01:01", ProgressLine.duration(3661));
    }
}

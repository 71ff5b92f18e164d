package org.adjoint.bench.train;

import java.io.PrintWriter;
import java.util.Locale;
import org.adjoint.bench.Terminal;

/**
 * How a training goes: on a terminal one line that is rewritten in place, elsewhere a line for every tenth of the way,
 * so that a log stays readable.
 */
final class ProgressLine implements AutoCloseable {
    private static final long REDRAW_NANOS = 200_000_000;
    private static final String ERASE_LINE = "\r\u001b[K";
    private static final int PARTS = 10;

    private final PrintWriter err;
    private final boolean interactive;
    private final long steps;
    private long drawnAt;
    private long part;

    /**
     * @param start steps that were done before, by an interrupted run
     * @param steps steps in all
     */
    ProgressLine(PrintWriter err, boolean interactive, long start, long steps) {
        this.err = err;
        this.interactive = interactive;
        this.steps = steps;
        this.part = start * PARTS / steps;
    }

    /**
     * Shows where it stands, if it is time to.
     *
     * @param validationLoss NaN as long as it is unknown
     * @param secondsLeft an estimate
     */
    void update(long step, double loss, double validationLoss, double tokensPerSecond, double secondsLeft) {
        long now = System.nanoTime();
        long reached = step * PARTS / steps;
        boolean due = interactive ? now - drawnAt >= REDRAW_NANOS || step == steps : reached > part;
        if (!due) {
            return;
        }
        drawnAt = now;
        part = reached;
        String line = String.format(Locale.ROOT, "step %,d/%,d  loss %.4f  validation %s  %,.0f tokens/s  %s left",
                step, steps, loss,
                Double.isNaN(validationLoss) ? "-" : String.format(Locale.ROOT, "%.4f", validationLoss),
                tokensPerSecond, duration(secondsLeft));
        if (interactive) {
            // A line that wraps could not be rewritten.
            err.print(ERASE_LINE + line.substring(0, Math.min(line.length(), Math.max(1, Terminal.width() - 1))));
        } else {
            err.println(line);
        }
        err.flush();
    }

    /** {@code 1:05} for 65 seconds. */
    static String duration(double seconds) {
        long whole = Math.max(0, Math.round(seconds));
        return whole < 3600
                ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    }

    /** Leaves the last line standing. */
    @Override
    public void close() {
        if (interactive && drawnAt != 0) {
            err.println();
            err.flush();
        }
    }
}

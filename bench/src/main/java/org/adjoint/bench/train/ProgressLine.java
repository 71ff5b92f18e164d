package org.adjoint.bench.train;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import org.adjoint.bench.TerminalBar;

/** How a training goes: on a terminal a bar, else a line for every tenth of the way, so that a log stays readable. */
final class ProgressLine implements AutoCloseable {
    private static final int PARTS = 10;

    private final PrintWriter err;
    /** Null without a terminal. */
    private final ProgressBar bar;
    private final long steps;
    private long part;

    /**
     * @param err where lines go; a bar goes to standard error
     * @param interactive whether standard error is a terminal
     * @param start steps that were done before, by an interrupted run
     * @param steps steps in all
     */
    ProgressLine(PrintWriter err, boolean interactive, long start, long steps) {
        this.err = err;
        this.bar = interactive ? new TerminalBar().bar("step", steps).startsFrom(start, Duration.ZERO).build() : null;
        this.steps = steps;
        this.part = start * PARTS / steps;
    }

    /**
     * Shows where it stands, if it is time to.
     *
     * @param validationLoss NaN as long as it is unknown
     * @param secondsLeft an estimate, for a line: a bar has its own
     */
    void update(long step, double loss, double validationLoss, double tokensPerSecond, double secondsLeft) {
        if (bar != null) {
            // Short enough to be seen as a whole in 80 columns.
            bar.setExtraMessage(String.format(Locale.ROOT, "loss %.3f val %s %,.0f tok/s", loss,
                    decimal(validationLoss, 3), tokensPerSecond));
            bar.stepTo(step);
            return;
        }
        long reached = step * PARTS / steps;
        if (reached > part) {
            part = reached;
            err.printf(Locale.ROOT, "step %,d/%,d  loss %.4f  validation %s  %,.0f tokens/s  %s left%n", step, steps,
                    loss, decimal(validationLoss, 4), tokensPerSecond, duration(secondsLeft));
            err.flush();
        }
    }

    private static String decimal(double value, int digits) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    /** {@code 1:05} for 65 seconds. */
    static String duration(double seconds) {
        long whole = Math.max(0, Math.round(seconds));
        return whole < 3600
                ? String.format(Locale.ROOT, "%d:%02d", whole / 60, whole % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
    }

    /** Leaves the bar standing as it is last. */
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}

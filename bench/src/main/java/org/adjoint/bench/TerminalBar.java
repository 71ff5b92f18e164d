package org.adjoint.bench;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Where a progress bar is drawn: on standard error, as wide as the terminal is at the moment. */
public final class TerminalBar extends ConsoleProgressBarConsumer {
    private static final int REDRAW_MILLIS = 200;

    public TerminalBar() {
        super(System.err);
    }

    /** For a bar that is drawn here and full at {@code max}, with the time it took and an estimate of what is left. */
    public ProgressBarBuilder bar(String task, long max) {
        return ProgressBar.builder().setTaskName(task).setInitialMax(max).setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(REDRAW_MILLIS).setConsumer(this);
    }

    /** One column less than there are: a terminal may go to the next line once the last one is written to. */
    @Override
    public int getMaxRenderedLength() {
        return Terminal.width() - 1;
    }

    @Override
    public synchronized void accept(String bar) {
        super.accept(bar);
    }

    /** Prints lines in place of the bar, which is next drawn below them. */
    synchronized void above(Runnable lines) {
        clear();
        lines.run();
    }
}

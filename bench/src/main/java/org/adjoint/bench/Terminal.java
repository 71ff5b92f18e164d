package org.adjoint.bench;

import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jline.terminal.spi.SystemStream;
import org.jline.terminal.spi.TerminalProvider;

/**
 * Whether somebody watches. Java tells it of standard output at best, so jline is asked, but not for a terminal of its
 * own: that would take Ctrl-C for itself.
 */
public final class Terminal {
    private static final int USUAL_WIDTH = 80;
    // Held here, since a logger that nobody holds forgets its level: what jline misses is of no concern to the user.
    private static final Logger LOGGER = Logger.getLogger("org.jline");

    private Terminal() {}

    /** Whether standard error goes to a terminal. Where that can't be known: no. */
    public static boolean showsErrors() {
        LOGGER.setLevel(Level.OFF);
        try {
            return TerminalProvider.load("ffm").isSystemStream(SystemStream.Error);
        } catch (IOException | LinkageError e) {
            return false;
        }
    }

    /** Columns of the terminal that standard error goes to; 80 if it does not say. */
    static int width() {
        try {
            int columns = TerminalProvider.load("ffm").systemStreamWidth(SystemStream.Error);
            return columns > 0 ? columns : USUAL_WIDTH;
        } catch (IOException | LinkageError e) {
            return USUAL_WIDTH;
        }
    }
}

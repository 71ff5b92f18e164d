package org.adjoint;

import java.util.List;
import java.util.Optional;

/**
 * A result is NaN or infinite; see {@link Debug#detectAnomaly}. The cause's stack trace is the user's code that led to
 * it.
 */
public final class AnomalyException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String operation;
    private final boolean backward;
    private final StackTraceElement location;

    AnomalyException(String message, String operation, boolean backward, List<StackTraceElement> frames) {
        super(message, frames.isEmpty() ? null : recordedAt(operation, frames));
        this.operation = operation;
        this.backward = backward;
        this.location = frames.isEmpty() ? null : frames.getFirst();
    }

    private static Throwable recordedAt(String operation, List<StackTraceElement> frames) {
        Throwable site = new Throwable(operation + " was recorded here");
        site.setStackTrace(frames.toArray(StackTraceElement[]::new));
        return site;
    }

    /** The operation it began with, or whose gradient it began with; what held it, where it was there before. */
    public String operation() {
        return operation;
    }

    /** Whether it began in the backward pass. */
    public boolean isBackward() {
        return backward;
    }

    /** The line of the user's code that recorded the operation, where it is known. */
    public Optional<StackTraceElement> location() {
        return Optional.ofNullable(location);
    }
}

package org.adjoint;

import org.adjoint.graph.Origin;

/** Looks for what went wrong in a computation. */
public final class Debug {
    private Debug() { }

    /** Ends the search for anomalies when it is closed. */
    public static final class AnomalyDetection implements AutoCloseable {
        private final Thread thread = Thread.currentThread();
        private boolean closed;

        private AnomalyDetection() {
            Origin.start();
        }

        /**
         * Idempotent.
         *
         * @throws IllegalStateException if called by another thread than the one that opened it
         */
        @Override
        public void close() {
            if (closed) {
                return;
            }
            if (thread != Thread.currentThread()) {
                throw new IllegalStateException("detectAnomaly: it was opened by " + thread.getName()
                    + " and must be closed there, not by " + Thread.currentThread().getName());
            }
            closed = true;
            Origin.stop();
        }
    }

    /**
     * Names the first operation that made a NaN or an infinity, with the line of the user's code that recorded it: for
     * an operation of the backward pass the line of that whose gradient it is.
     *
     * <pre>{@code
     * try (var detection = Debug.detectAnomaly()) {
     *     step.run(x, y);               // AnomalyException: the gradient of sqrt gave Infinity ... at Train.java:42
     * }
     * }</pre>
     *
     * Until it is closed, what this thread computes, eagerly or by {@link Step#run}, is computed operation by
     * operation, and where a result, or the value that a variable is to get, is NaN or infinite, an {@link
     * AnomalyException} says which operation it began with; variables hold their old values then. What was NaN before
     * is named as such. Infinities that were there before, as the masks of attention have them, are no anomaly, nor is
     * what no result shows, as a branch that {@code where} does not take.
     *
     * <p>It is slow: for looking, not for training. Lines are known of what is recorded while it is on; a step is
     * traced again for that. Off, it costs nothing.
     *
     * @throws IllegalStateException in a traced function
     */
    public static AnomalyDetection detectAnomaly() {
        if (Trace.current() != null) {
            throw new IllegalStateException(
                "detectAnomaly: a traced function computes nothing yet: open it around Step.run");
        }
        return new AnomalyDetection();
    }

    static boolean isDetecting() {
        return Origin.isRecorded();
    }
}

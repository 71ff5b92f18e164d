package org.adjoint.bench.train;

import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;

/**
 * Turns Ctrl-C, and a plain kill, into a request: the JVM waits with its end until this is closed, so that a step can
 * be finished and saved.
 */
final class Interruption implements AutoCloseable, BooleanSupplier {
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile boolean requested;
    private final Thread hook = new Thread(this::request, "interruption");

    Interruption() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private void request() {
        requested = true;
        try {
            closed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether to stop as soon as possible. */
    @Override
    public boolean getAsBoolean() {
        return requested;
    }

    /** From here on the JVM may end. */
    @Override
    public void close() {
        closed.countDown();
        if (!requested) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException ending) {
                // The JVM is ending already, and the hook has nothing left to wait for.
            }
        }
    }
}

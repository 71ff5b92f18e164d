package org.adjoint.cpu.warm;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Runs new vector code in the background, on made-up data, until HotSpot's second compiler has taken it up. Before that,
 * Vector API code takes a hundred times longer than scalar code.
 */
public final class Warmer implements AutoCloseable {
    /** Calls that ask for the first compiler, then the second. */
    private static final int FIRST_CALLS = 1300;
    private static final int MORE_CALLS = 50;
    /** An operation on a vector takes a nanosecond or two when compiled, a hundred or more when not. */
    private static final long NANOS_PER_OPERATION = 15;
    private static final long NANOS_PER_CALL = 1000;
    /** Code that is not fast by then is given up: HotSpot's second compiler sometimes refuses a method. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final ThreadPoolExecutor thread;

    public Warmer() {
        thread = new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
            Thread worker = new Thread(task, "adjoint-kernel-warmer");
            worker.setDaemon(true);
            return worker;
        });
        thread.allowCoreThreadTimeOut(true);
    }

    /** Code that is not known to be fast yet. */
    public interface Candidate {
        /** Runs it, some ten times round its loop. */
        void call();

        /** Vector operations of a call. */
        long operations();

        /** It is fast; called once, if ever. */
        void ready();
    }

    /** @param maker makes the candidate, in the background too; null if there is none */
    public void warm(Supplier<Candidate> maker) {
        execute(() -> {
            Candidate candidate = maker.get();
            if (candidate != null) {
                new Trial(candidate).start();
            }
        });
    }

    private void execute(Runnable task) {
        try {
            thread.execute(task);
        } catch (RejectedExecutionException closed) {
            // What runs on keeps the code it has.
        }
    }

    private final class Trial {
        private final Candidate candidate;
        private final long fast;
        private final long deadline = System.nanoTime() + PATIENCE_NANOS;

        Trial(Candidate candidate) {
            this.candidate = candidate;
            this.fast = NANOS_PER_CALL + NANOS_PER_OPERATION * candidate.operations();
        }

        void start() {
            call(FIRST_CALLS);
            proceed();
        }

        private void proceed() {
            if (fastest() <= fast) {
                candidate.ready();
            } else if (System.nanoTime() < deadline) {
                call(MORE_CALLS);
                if (thread.getQueue().isEmpty()) {
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                }
                execute(this::proceed);
            }
        }

        private void call(int times) {
            for (int i = 0; i < times && !Thread.currentThread().isInterrupted(); i++) {
                candidate.call();
            }
        }

        /** Of a few calls, so that a thread that was held up does not count. */
        private long fastest() {
            long fastest = Long.MAX_VALUE;
            for (int i = 0; i < 8; i++) {
                long start = System.nanoTime();
                candidate.call();
                fastest = Math.min(fastest, System.nanoTime() - start);
            }
            return fastest;
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}

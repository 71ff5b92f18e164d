package org.adjoint.cpu;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Persistent daemon threads that run the tasks of one kernel after the other. The caller works too, so a pool of n
 * workers has n - 1 threads. Tasks are claimed in order from a counter.
 *
 * <p>A training step is some 300 launches, a few microseconds apart: workers spin that long before they sleep, so that
 * within a step nobody has to be woken. A run that begins while another is under way, on another thread or inside a
 * task, runs all its tasks on its own thread: it neither waits nor deadlocks.
 */
final class WorkerPool implements Parallel, AutoCloseable {
    /** How long to spin before sleeping, in nanoseconds: the gaps within a step are shorter, waking takes longer. */
    private static final long SPIN_NANOS = 30_000;
    /** Spins between two looks at the clock. */
    private static final int SPINS = 64;

    /** One run. Its number tells it from the last one without keeping what its body captured alive. */
    private static final class Run {
        final long number;
        final int tasks;
        final Body body;
        final Thread caller;
        final AtomicInteger next = new AtomicInteger();
        final AtomicInteger finished = new AtomicInteger();
        private volatile int failedTask = Integer.MAX_VALUE;
        private volatile Throwable failure;

        Run(long number, int tasks, Body body, Thread caller) {
            this.number = number;
            this.tasks = tasks;
            this.body = body;
            this.caller = caller;
        }

        /** Claims tasks until there are none. Returns whether this thread finished the last one. */
        boolean work(int worker) {
            int done = 0;
            for (int task = next.getAndIncrement(); task >= 0 && task < tasks; task = next.getAndIncrement()) {
                // One before a failed task runs, though it was claimed and not begun when that failed.
                if (task < failedTask) {
                    try {
                        body.run(task, worker);
                    } catch (Throwable e) {
                        fail(task, e);
                    }
                }
                done++;
            }
            return done > 0 && finished.addAndGet(done) == tasks;
        }

        /** Every task before the first that fails runs to its end: which failure is kept never varies. */
        private synchronized void fail(int task, Throwable e) {
            if (task < failedTask) {
                failedTask = task;
                failure = e;
            }
        }
    }

    private final class Worker extends Thread {
        private final int index;
        private volatile boolean asleep;

        Worker(int index) {
            super("adjoint-cpu-" + index);
            this.index = index;
            setDaemon(true);
        }

        @Override
        public void run() {
            long last = 0;
            while (true) {
                Run next = await(last);
                if (next == null) {
                    return;
                }
                last = next.number;
                if (next.work(index)) {
                    LockSupport.unpark(next.caller);
                }
            }
        }

        /** The next run after number {@code last}, or null when the pool is closed. */
        private Run await(long last) {
            long deadline = 0;
            for (int spin = 1; ; spin++) {
                Run run = current;
                if (run != null && run.number > last) {
                    return run;
                }
                if (closed) {
                    return null;
                }
                Thread.onSpinWait();
                if (spin % SPINS == 0) {
                    long now = System.nanoTime();
                    if (deadline == 0) {
                        deadline = now + SPIN_NANOS;
                    } else if (now > deadline) {
                        doze(last);
                        deadline = 0;
                    }
                }
            }
        }

        private void doze(long last) {
            asleep = true;
            Run run = current;
            // Looked at again after asleep was published: whoever set it before that did not see a sleeper to wake.
            if ((run == null || run.number <= last) && !closed) {
                LockSupport.park(WorkerPool.this);
            }
            asleep = false;
        }

        void wake() {
            if (asleep) {
                LockSupport.unpark(this);
            }
        }
    }

    private final Worker[] workers;
    private final AtomicBoolean busy = new AtomicBoolean();
    private volatile Run current;
    private volatile boolean closed;
    private long runs;

    /** @param count workers, the caller included; at least 1 */
    WorkerPool(int count) {
        workers = new Worker[count - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
            workers[i].start();
        }
    }

    @Override
    public int workers() {
        return workers.length + 1;
    }

    @Override
    public void run(int tasks, Body body) {
        if (tasks <= 1 || workers.length == 0 || closed || !busy.compareAndSet(false, true)) {
            for (int task = 0; task < tasks; task++) {
                body.run(task, 0);
            }
            return;
        }
        Run run = new Run(++runs, tasks, body, Thread.currentThread());
        try {
            current = run;
            for (int i = 0; i < workers.length && i < tasks - 1; i++) {
                workers[i].wake();
            }
            run.work(0);
            awaitEnd(run);
        } finally {
            current = null;
            busy.set(false);
        }
        if (run.failure != null) {
            throw rethrown(run.failure);
        }
    }

    private static void awaitEnd(Run run) {
        long deadline = 0;
        for (int spin = 1; run.finished.get() < run.tasks; spin++) {
            Thread.onSpinWait();
            if (spin % SPINS == 0) {
                long now = System.nanoTime();
                if (deadline == 0) {
                    deadline = now + SPIN_NANOS;
                } else if (now > deadline) {
                    LockSupport.park(run);
                }
            }
        }
    }

    /** Throws what a body threw: unchecked, for {@link Body#run} declares nothing else. */
    private static RuntimeException rethrown(Throwable failure) {
        if (failure instanceof Error error) {
            throw error;
        }
        return (RuntimeException) failure;
    }

    /** Ends the threads when their tasks are done. Later runs run on their callers. */
    @Override
    public void close() {
        closed = true;
        for (Worker worker : workers) {
            LockSupport.unpark(worker);
        }
    }
}

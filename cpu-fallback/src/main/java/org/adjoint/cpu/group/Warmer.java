package org.adjoint.cpu.group;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Generates vector kernels in the background and runs them on made-up data until HotSpot's second compiler has taken
 * them up. Before that, Vector API code takes a hundred times longer than scalar code.
 */
final class Warmer implements AutoCloseable {
    /** Calls that ask for the first compiler, then the second. */
    private static final int FIRST_CALLS = 1300;
    private static final int MORE_CALLS = 50;
    /** Vectors per call. */
    private static final int STEPS = 14;
    /** An operation on a vector takes a nanosecond or two when compiled, a hundred or more when not. */
    private static final long NANOS_PER_OPERATION = 15;
    private static final long NANOS_PER_CALL = 1000;
    /** A kernel that is not fast by then is given up: HotSpot's second compiler sometimes refuses a method. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final ThreadPoolExecutor thread;

    Warmer() {
        thread = new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
            Thread worker = new Thread(task, "adjoint-kernel-warmer");
            worker.setDaemon(true);
            return worker;
        });
        thread.allowCoreThreadTimeOut(true);
    }

    /** Gives {@code ready} the program's kernel once it is fast, if ever. */
    void warm(LoopProgram program, int widthBits, Consumer<BlockKernel> ready) {
        execute(() -> {
            BlockKernel kernel = KernelGenerator.generate(program, widthBits);
            if (kernel != null) {
                new Candidate(program, kernel, ready).start();
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

    /** A kernel that is not known to be fast yet. */
    private final class Candidate {
        private final BlockKernel kernel;
        private final Consumer<BlockKernel> ready;
        private final Object[] bases;
        private final long[] offsets;
        private final long[] scalars;
        private final int n;
        private final long fast;
        private final long deadline = System.nanoTime() + PATIENCE_NANOS;

        Candidate(LoopProgram program, BlockKernel kernel, Consumer<BlockKernel> ready) {
            this.kernel = kernel;
            this.ready = ready;
            n = STEPS * Math.max(kernel.step(), 16) + 1;
            int steps = n / kernel.step() + 1;
            fast = NANOS_PER_CALL + steps * NANOS_PER_OPERATION
                * (KernelGenerator.operations(program) + program.operands());
            bases = new Object[program.operands()];
            offsets = new long[bases.length];
            scalars = new long[program.scalars().size()];
            Arrays.fill(scalars, Double.doubleToRawLongBits(1));
            for (int i = 0; i < bases.length; i++) {
                LoopProgram.Access access = program.operand(i);
                bases[i] = access.array() ? Scratch.newRow(access.kind()) : Arena.ofAuto().allocate(8L * (n + 64), 64);
                if (bases[i] instanceof float[] values) {
                    Arrays.fill(values, 1);
                } else if (bases[i] instanceof double[] values) {
                    Arrays.fill(values, 1);
                }
            }
        }

        void start() {
            call(FIRST_CALLS);
            proceed();
        }

        private void proceed() {
            if (fastest() <= fast) {
                ready.accept(kernel);
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
                kernel.run(bases, offsets, scalars, n);
            }
        }

        /** Of a few calls, so that a thread that was held up does not count. */
        private long fastest() {
            long fastest = Long.MAX_VALUE;
            for (int i = 0; i < 8; i++) {
                long start = System.nanoTime();
                kernel.run(bases, offsets, scalars, n);
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

package org.adjoint.cpu.group;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Generates vector kernels in the background and runs them on made-up data until HotSpot has compiled them. Interpreted,
 * Vector API code takes a hundred times longer than scalar code.
 */
final class Warmer implements AutoCloseable {
    /** Calls after which HotSpot's first compiler, then its second, have been asked for. */
    private static final int CALLS = 2500;
    private static final int STEPS = 14;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final ThreadPoolExecutor thread;

    Warmer() {
        thread = new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
            Thread worker = new Thread(task, "adjoint-kernel-warmer");
            worker.setDaemon(true);
            worker.setPriority(Thread.MIN_PRIORITY);
            return worker;
        });
        thread.allowCoreThreadTimeOut(true);
    }

    /** Gives {@code ready} the program's vector kernel when it is fast; null if HotSpot would not compile it. */
    void warm(LoopProgram program, int widthBits, Consumer<BlockKernel> ready) {
        try {
            thread.execute(() -> {
                BlockKernel kernel = KernelGenerator.generate(program, widthBits);
                if (kernel != null) {
                    run(program, kernel);
                }
                ready.accept(kernel);
            });
        } catch (java.util.concurrent.RejectedExecutionException closed) {
            return;
        }
    }

    private static void run(LoopProgram program, BlockKernel kernel) {
        int operands = program.operands();
        Object[] bases = new Object[operands];
        long[] offsets = new long[operands];
        long[] scalars = new long[program.scalars().size()];
        int n = STEPS * 16 + 1;
        for (int i = 0; i < operands; i++) {
            LoopProgram.Access access = program.operand(i);
            bases[i] = access.array() ? Scratch.newRow(access.kind()) : Arena.ofAuto().allocate(8L * (n + 64), 64);
            if (bases[i] instanceof float[] values) {
                Arrays.fill(values, 1);
            } else if (bases[i] instanceof double[] values) {
                Arrays.fill(values, 1);
            }
        }
        Arrays.fill(scalars, Double.doubleToRawLongBits(1));
        long first = time(kernel, bases, offsets, scalars, n);
        for (int i = 0; i < CALLS; i++) {
            kernel.run(bases, offsets, scalars, n);
        }
        long end = System.nanoTime() + PATIENCE_NANOS;
        while (System.nanoTime() < end && !Thread.currentThread().isInterrupted()) {
            long fastest = Long.MAX_VALUE;
            for (int i = 0; i < 8; i++) {
                fastest = Math.min(fastest, time(kernel, bases, offsets, scalars, n));
            }
            if (fastest * 40 < first) {
                return;
            }
            for (int i = 0; i < 100; i++) {
                kernel.run(bases, offsets, scalars, n);
            }
            java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
        }
    }

    private static long time(BlockKernel kernel, Object[] bases, long[] offsets, long[] scalars, int n) {
        long start = System.nanoTime();
        kernel.run(bases, offsets, scalars, n);
        return System.nanoTime() - start;
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}

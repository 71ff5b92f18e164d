package org.adjoint.bench.suite;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import org.adjoint.cpu.gemm.MultiplyAdds;
import org.adjoint.cuda.CardRates;
import org.adjoint.graph.DType;

/**
 * What the machine can do at most, measured before anything else: no work gets more out of it than its multiply-adds or
 * its memory allow, whichever it needs more of.
 *
 * @param gigaFlops {@code F32} operations per nanosecond, of all threads
 * @param gigaBytes bytes read and written per nanosecond by copying what no cache holds, with all threads
 */
record Ceiling(double gigaFlops, double gigaBytes) {
    private static final int ROUNDS = 30;
    private static final int MULTIPLY_ADDS = 2_000_000;
    private static final long COPIED = 64L << 20;
    private static final long COPIED_ON_CARD = 1L << 30;
    private static final int PRODUCT_SIDE = 8192;

    /** Of a number of processor threads: multiply-adds in registers, copies in main memory. */
    static Ceiling ofProcessor(int threads) throws InterruptedException {
        try (ExecutorService pool = Executors.newFixedThreadPool(threads); Arena arena = Arena.ofShared()) {
            MultiplyAdds work = MultiplyAdds.preferred();
            double flops = best(pool, threads, work.operations(MULTIPLY_ADDS), _ -> () -> work.run(MULTIPLY_ADDS));
            List<MemorySegment> sources = new ArrayList<>();
            List<MemorySegment> targets = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                sources.add(arena.allocate(COPIED, 64).fill((byte) 1));
                targets.add(arena.allocate(COPIED, 64).fill((byte) 2));
            }
            double bytes = best(pool, threads, 2.0 * COPIED, i -> () -> targets.get(i).copyFrom(sources.get(i)));
            return new Ceiling(flops, bytes);
        }
    }

    /** Of a card: products by cuBLAS, which are as near to its multiply-adds as one gets, and copies in its memory. */
    static Ceiling ofCard(int ordinal) {
        try (CardRates rates = CardRates.open(ordinal)) {
            return new Ceiling(rates.productsPerSecond(DType.F32, PRODUCT_SIDE) / 1e9,
                rates.copyBytesPerSecond(COPIED_ON_CARD) / 1e9);
        }
    }

    /** The best rate of some rounds, in each of which all threads work at a time. */
    private static double best(ExecutorService pool, int threads, double amount, IntFunction<Callable<Object>> task)
        throws InterruptedException {
        List<Callable<Object>> tasks = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            tasks.add(task.apply(i));
        }
        double best = 0;
        for (int round = 0; round < ROUNDS; round++) {
            long start = System.nanoTime();
            for (Future<Object> done : pool.invokeAll(tasks)) {
                try {
                    done.get();
                } catch (ExecutionException e) {
                    throw new IllegalStateException("measuring the machine failed: " + e.getCause().getMessage(), e);
                }
            }
            best = Math.max(best, amount * threads / (System.nanoTime() - start));
        }
        return best;
    }

    /** Nanoseconds that work takes at least. */
    double leastNanos(double operations, double bytes) {
        return Math.max(operations / gigaFlops, bytes / gigaBytes);
    }

    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("gigaFlops", gigaFlops);
        fields.put("gigaBytesPerSecond", gigaBytes);
        return fields;
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "ceiling: %,.1f GFLOP/s of f32 multiply-adds, %,.1f GB/s of copies",
            gigaFlops,
            gigaBytes);
    }
}

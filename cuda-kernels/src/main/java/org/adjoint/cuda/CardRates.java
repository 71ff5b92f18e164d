package org.adjoint.cuda;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.adjoint.cuda.driver.Event;
import org.adjoint.cuda.driver.Gpu;
import org.adjoint.cuda.driver.GpuOptions;
import org.adjoint.cuda.driver.Libraries;
import org.adjoint.cuda.launch.Product;
import org.adjoint.graph.DType;

/** What a card can do, measured without the planner: what kernels are compared with. */
public final class CardRates implements AutoCloseable {
    private static final int ROUNDS = 5;
    private static final int CALLS = 10;

    private final Gpu gpu;

    private CardRates(Gpu gpu) {
        this.gpu = gpu;
    }

    /** @param ordinal the card's number, as in {@code cuda:1} */
    public static CardRates open(int ordinal) {
        return new CardRates(Gpu.open(Libraries.load(), ordinal, GpuOptions.DEFAULT));
    }

    /** Bytes per second that a copy within the card's memory moves, read and written. */
    public double copyBytesPerSecond(long bytes) {
        long source = gpu.allocate(bytes);
        long target = gpu.allocate(bytes);
        gpu.fill(source, (byte) 0, bytes);
        double seconds = seconds(() -> gpu.copy(source, target, bytes));
        gpu.free(source);
        gpu.free(target);
        return 2.0 * bytes / seconds;
    }

    /** Floating-point operations per second of cuBLAS's product of square matrices. */
    public double productsPerSecond(DType dtype, long side) {
        long bytes = side * side * dtype.bytes();
        long[] matrices = new long[3];
        for (int i = 0; i < matrices.length; i++) {
            matrices[i] = gpu.allocate(bytes);
            gpu.write(MemorySegment.ofArray(random(bytes, dtype, i)), matrices[i]);
        }
        Product.Matrix matrix = new Product.Matrix(0, 0, side, false, 0);
        Product product = new Product(dtype, side, side, side, matrix, matrix, matrix, 1);
        double seconds = seconds(() -> gpu.multiply(product, matrices[0], matrices[1], matrices[2]));
        for (long address : matrices) {
            gpu.free(address);
        }
        return 2.0 * side * side * side / seconds;
    }

    /** Numbers in (-2, 2): a card multiplies constants faster than it would real data, for they cost less power. */
    private static byte[] random(long bytes, DType dtype, int seed) {
        byte[] values = new byte[Math.toIntExact(bytes)];
        new Random(seed).nextBytes(values);
        for (int i = dtype.bytes() - 1; i < values.length; i += dtype.bytes()) {
            values[i] &= (byte) 0xbf;
        }
        return values;
    }

    /** Of one call: the best of some rounds. */
    private double seconds(Runnable call) {
        double best = Double.POSITIVE_INFINITY;
        try (Event start = gpu.event(true); Event end = gpu.event(true)) {
            for (int round = 0; round <= ROUNDS; round++) {
                start.record();
                for (int i = 0; i < CALLS; i++) {
                    call.run();
                }
                end.record();
                end.await();
                if (round > 0) {
                    best = Math.min(best, end.nanosSince(start) / 1e9 / CALLS);
                }
            }
        }
        return best;
    }

    @Override
    public void close() {
        gpu.close();
    }
}

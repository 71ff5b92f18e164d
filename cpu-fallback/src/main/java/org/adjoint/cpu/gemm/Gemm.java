package org.adjoint.cpu.gemm;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Matrix products on the CPU: {@code c = a . b} or {@code c += a . b}, batched, over any strides, in F32, F64, F16 and
 * BF16 (summed in F32), I32 and I64 (wrapping). One instance serves any number of threads, and keeps scratch between
 * runs.
 *
 * <p>Every element is summed in an order that depends on the depth k alone: chains of fma over blocks of
 * {@link PanelKernels#maxDepth()} steps, each started from 0, their results added one by one to the first (to c, when
 * accumulating). So the bits are the same whatever the vector width, the number of workers, the layout of the operands
 * and the size of the batch.
 */
public final class Gemm {

    private final int vectorBits;
    private final Queue<Workspace> floatScratch = new ConcurrentLinkedQueue<>();
    private final Queue<Workspace> doubleScratch = new ConcurrentLinkedQueue<>();

    /**
     * @param vectorBits 128, 256 or 512, or 0 for scalar code, which needs no incubator module
     */
    public Gemm(int vectorBits) {
        this.vectorBits = vectorBits;
        PanelKernels.of(vectorBits, ElementType.F32);
    }

    /** Of the machine's preferred vector width, or scalar where {@code jdk.incubator.vector} is absent. */
    public static Gemm preferred() {
        return new Gemm(preferredBits());
    }

    private static int preferredBits() {
        try {
            Object shape = Class.forName("jdk.incubator.vector.VectorShape").getMethod("preferredShape").invoke(null);
            int bits = (int) shape.getClass().getMethod("vectorBitSize").invoke(shape);
            return bits < 128 ? 0 : Math.min(bits, 512);
        } catch (ReflectiveOperationException absent) {
            return 0;
        }
    }

    /** Bits per vector, 0 for scalar code. */
    public int vectorBits() {
        return vectorBits;
    }

    /** The building blocks of this width. */
    public PanelKernels kernels(ElementType arithmetic) {
        return PanelKernels.of(vectorBits, arithmetic);
    }

    /**
     * Prepares products of {@code a (m x k)} and {@code b (k x n)}.
     *
     * @param batchExtents the batch dimensions; each layout has as many batch strides
     * @param accumulate   adds to c
     * @throws IllegalArgumentException if types do not go together, or a layout has another number of batch strides
     */
    public GemmPlan plan(long m, long n, long k, Layout a, Layout b, Layout c, boolean accumulate,
            long... batchExtents) {
        return new GemmPlan(this, new Product(m, n, k, a, b, c, accumulate, batchExtents.clone()));
    }

    Workspace acquire(ElementType arithmetic) {
        Workspace workspace = scratch(arithmetic).poll();
        return workspace != null ? workspace
                : new Workspace(kernels(arithmetic == ElementType.F64 ? ElementType.F64 : ElementType.F32));
    }

    void release(ElementType arithmetic, Workspace workspace) {
        scratch(arithmetic).add(workspace);
    }

    private Queue<Workspace> scratch(ElementType arithmetic) {
        return arithmetic == ElementType.F64 ? doubleScratch : floatScratch;
    }
}

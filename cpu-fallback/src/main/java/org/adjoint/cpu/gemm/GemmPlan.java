package org.adjoint.cpu.gemm;

import java.lang.foreign.MemorySegment;

/** Products of one geometry, ready to run on any operands, any number of times, on several threads at once. */
public final class GemmPlan {

    // Multiplications from which packing once, in a phase of its own, pays.
    private static final double SHARED_WORK = 1 << 21;
    private static final double SHARED_WORK_IN_BATCH = 1 << 24;

    private final Gemm gemm;
    private final ElementType arithmetic;
    private final boolean transposed;
    private final Strategy strategy;

    GemmPlan(Gemm gemm, Product product) {
        check(product);
        this.gemm = gemm;
        this.arithmetic = product.c().type().arithmetic();
        this.transposed = betterTransposed(product);
        this.strategy = strategy(transposed ? product.transposed() : product);
    }

    private static void check(Product product) {
        if (product.m() < 0 || product.n() < 0 || product.k() < 0) {
            throw new IllegalArgumentException("gemm: extents must not be negative: m " + product.m() + ", n "
                    + product.n() + ", k " + product.k());
        }
        ElementType arithmetic = product.c().type().arithmetic();
        for (Layout layout : new Layout[] {product.a(), product.b(), product.c()}) {
            if (layout.type().arithmetic() != arithmetic) {
                throw new IllegalArgumentException("gemm: a " + product.a().type() + ", b " + product.b().type()
                        + " and c " + product.c().type() + " are not computed in the same type; cast one");
            }
            if (layout.batchStrides().length != product.extents().length) {
                throw new IllegalArgumentException("gemm: " + product.extents().length
                        + " batch extents, but a layout with " + layout.batchStrides().length + " batch strides");
            }
        }
    }

    /** Rows of c want to be contiguous; of a single row or column, the many elements want to be the row. */
    private static boolean betterTransposed(Product product) {
        boolean rows = product.n() == 1 || product.c().columnStride() == 1;
        boolean columns = product.m() == 1 || product.c().rowStride() == 1;
        return columns && (!rows || product.n() < product.m());
    }

    private Strategy strategy(Product product) {
        if (product.k() == 0 || product.m() == 0 || product.n() == 0 || product.batches() == 0) {
            return new EmptyProduct(product);
        }
        if (arithmetic == ElementType.I32 || arithmetic == ElementType.I64) {
            return new IntegerProduct(product);
        }
        PanelKernels kernels = gemm.kernels(arithmetic);
        if (RowProduct.fits(product)) {
            return RowProduct.of(kernels, product);
        }
        if (SplitDepthProduct.fits(kernels, product)) {
            return new SplitDepthProduct(kernels, product);
        }
        double enough = product.batches() > 1 ? SHARED_WORK_IN_BATCH : SHARED_WORK;
        boolean skinny = product.m() <= 112 || product.n() <= 64;
        if (!skinny && product.work() >= enough && SharedPackProduct.fits(kernels, product)) {
            return SharedPackProduct.of(kernels, product);
        }
        return BlockProduct.of(kernels, product);
    }

    /**
     * Runs. c must not overlap a or b.
     *
     * @param aOffset bytes from the start of the segment to element (0, 0) of the first matrix; likewise the others
     */
    public void run(MemorySegment a, long aOffset, MemorySegment b, long bOffset, MemorySegment c, long cOffset,
            Parallel parallel) {
        Operands operands = new Operands(a, aOffset, b, bOffset, c, cOffset);
        Workspace workspace = gemm.acquire(arithmetic);
        try {
            workspace.prepare(parallel.workers());
            strategy.run(transposed ? operands.transposed() : operands, workspace, parallel);
        } finally {
            gemm.release(arithmetic, workspace);
        }
    }
}

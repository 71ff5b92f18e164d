package org.adjoint.cpu.gemm;

/**
 * A batch of products as the strategies see it: c is row-major where that can be had by transposing the whole product.
 *
 * @param extents batch dimensions
 * @param add     adds to c instead of overwriting it
 */
record Product(long m, long n, long k, Layout a, Layout b, Layout c, boolean add, long[] extents) {

    long batches() {
        long batches = 1;
        for (long extent : extents) {
            batches *= extent;
        }
        return batches;
    }

    /** c^T = b^T . a^T: the same sums in the same order. */
    Product transposed() {
        return new Product(n, m, k, b.transposed(), a.transposed(), c.transposed(), add, extents);
    }

    /** Whether sums can be kept in c itself from one block of the depth to the next. */
    boolean direct() {
        return c.type() == c.type().arithmetic() && (c.columnStride() == 1 || n == 1);
    }

    /** Multiplications of one product of the batch; large, not wrapped, beyond what a long holds. */
    double work() {
        return (double) m * n * k;
    }
}

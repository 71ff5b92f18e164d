package org.adjoint.cpu.gemm;

/**
 * The innermost product: a tile of up to 14 rows and a few vectors of columns, held in registers over the whole depth.
 * {@link TileGenerator} writes one class per tile shape. Arrays are {@code float[]} or {@code double[]}, as the class
 * was generated.
 */
interface TileKernel {

    /**
     * {@code tile[i][j] = fma chain over p = 0 .. depth - 1 of a[i][p] * b[p][j]}, started from 0.
     *
     * @param a    rows at {@code aOffset + i * rowStride}, a constant of the class, contiguous in p
     * @param b    {@code b[p][j]} at {@code bOffset + p * columns + j} or, in a class of scattered steps, at
     *             {@code bOffset + steps[p] + j}
     * @param steps where there are scattered steps, else null
     * @param tile rows x columns, overwritten, contiguous from element 0
     */
    void run(int depth, Object a, int aOffset, Object b, int bOffset, int[] steps, Object tile);
}

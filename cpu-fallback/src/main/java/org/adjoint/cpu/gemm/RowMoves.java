package org.adjoint.cpu.gemm;

import java.lang.foreign.MemorySegment;

/**
 * Moves rows between native memory and {@code float[]} (or {@code double[]}) scratch: what stands around
 * {@link TileKernel}. Two implementations with equal results: {@link VectorRowMoves} and {@link ScalarRowMoves}.
 * Rows are contiguous; distances in memory are in bytes, in arrays in elements.
 *
 * <p>"Lane multiple" is the count rounded up to whole vectors: targets in scratch are padded that far.
 */
interface RowMoves {

    /**
     * Copies rows into an array, widening 16-bit elements; fills up each row with zeros to the lane multiple.
     *
     * @param halves scratch for F16, of at least {@code columns} elements; else unused
     */
    void load(ElementType type, MemorySegment source, long offset, long rowBytes, int rows, int columns,
            Object target, int targetOffset, int targetStride, short[] halves);

    /**
     * Copies rows into panels two vectors wide, row by row, so that the reads are sequential: column c of a row goes
     * to {@code targetOffset + c / width * panelStride + row * width + c % width}; in a last panel of at most one
     * vector, the width is one vector. F32 or F64.
     */
    void loadPanels(MemorySegment source, long offset, long rowBytes, int rows, int columns,
            Object target, int targetOffset, int panelStride);

    /**
     * Copies lines one after the other, each filled up with zeros to the lane multiple, which the next may overwrite.
     * F32 or F64.
     */
    void loadLines(MemorySegment source, long offset, long rowBytes, int rows, int columns, Object target,
            int targetOffset, int targetStride);

    /** Copies lines one right behind the other; reads, and spoils, up to a vector behind the last. F32 or F64. */
    void joinLines(Object source, int sourceOffset, int sourceStride, int rows, int columns, Object target);

    /**
     * Stores rows of an array, or adds them to what is there (memory + array). F32 or F64, as the arithmetic is.
     */
    void store(Object source, int sourceOffset, int sourceStride, MemorySegment target, long offset, long rowBytes,
            int rows, int columns, boolean add);

    /** As the other, between arrays; writes no element past {@code columns}. */
    void store(Object source, int sourceOffset, int sourceStride, Object target, int targetOffset, int targetStride,
            int rows, int columns, boolean add);

    /** Rounds one row to nearest even and stores it. F16 or BF16. */
    void narrow(ElementType type, float[] source, int sourceOffset, MemorySegment target, long offset, int columns,
            short[] halves);

    /**
     * {@code target[c * targetStride + r] = source[r * sourceStride + c]}; each target row is filled up to the lane
     * multiple of {@code rows} from what the source holds below (it has rows and columns to the lane multiple).
     *
     * @param block scratch of lanes x lanes elements at {@code blockOffset}
     */
    void transpose(Object source, int sourceOffset, int sourceStride, int rows, int columns,
            Object target, int targetOffset, int targetStride, Object block, int blockOffset);

    /**
     * One row times a matrix, straight from memory: {@code sum[j] = fma chain over p = 0 .. depth - 1 of
     * a[p] * b[p][j]}, started from 0, for each of the columns, the sums padded to the lane multiple. F32 or F64.
     */
    void multiplyRow(int depth, Object a, int aOffset, MemorySegment b, long offset, long rowBytes, int columns,
            Object sum);

    /**
     * {@link PanelKernels#DOTS} dot products of one matrix, contiguous, and others of the same shape in b: lane l of
     * number i, in {@code sums[i * VIRTUAL_BYTES / bytes + l]}, is the fma chain over all columns l modulo the lanes,
     * each from the first row to the last.
     *
     * @param starts where the others begin
     */
    void dots(int rows, int columns, Object a, Object b, int[] starts, int bStride, Object sums);
}

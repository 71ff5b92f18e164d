package org.adjoint.cpu.gemm;

/**
 * How a batch of matrices lies in memory: element (i, j) of matrix b at {@code sum(b[d] * batchStrides[d]) + i *
 * rowStride + j * columnStride}. A transposed matrix is one with its two strides exchanged; a stride may be negative,
 * and 0 where an operand is broadcast.
 *
 * @param rowStride    elements from one row to the next
 * @param columnStride elements from one column to the next
 * @param batchStrides elements from one matrix to the next, per batch dimension
 */
public record Layout(ElementType type, long rowStride, long columnStride, long... batchStrides) {

    /** A row-major matrix without padding. */
    public static Layout rowMajor(ElementType type, long columns) {
        return new Layout(type, columns, 1);
    }

    Layout transposed() {
        return new Layout(type, columnStride, rowStride, batchStrides);
    }

    /** Bytes from the first matrix to the one with this index in row-major order of the extents. */
    long batchOffset(long batch, long[] extents) {
        long elements = 0;
        for (int d = extents.length - 1; d >= 0; d--) {
            elements += batch % extents[d] * batchStrides[d];
            batch /= extents[d];
        }
        return elements * type.bytes();
    }

    /** Bytes from the start of a matrix to an element. */
    long offset(long row, long column) {
        return (row * rowStride + column * columnStride) * type.bytes();
    }
}

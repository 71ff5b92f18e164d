package org.adjoint.cuda.kernel;

import org.adjoint.plan.View;

/**
 * How the matrices of a view, over its last two axes, lie for cuBLAS, which wants rows or columns contiguous and apart.
 *
 * @param leading elements from one row to the next, or with {@code transposed} from one column to the next
 * @param transposed whether columns, not rows, are contiguous
 */
record MatrixLayout(long leading, boolean transposed) {
    /** What cuBLAS takes as an extent or a leading dimension. */
    static final long LARGEST = Integer.MAX_VALUE;

    /** The layout, or null where there is none. A vector may be read either way. */
    static MatrixLayout of(View view) {
        int rank = view.shape().rank();
        long rows = view.shape().extent(rank - 2);
        long columns = view.shape().extent(rank - 1);
        long rowStride = view.strides()[rank - 2];
        long columnStride = view.strides()[rank - 1];
        long byRows = leading(rows, columns, rowStride, columnStride);
        if (byRows > 0) {
            return new MatrixLayout(byRows, false);
        }
        long byColumns = leading(columns, rows, columnStride, rowStride);
        return byColumns > 0 ? new MatrixLayout(byColumns, true) : null;
    }

    /** The leading dimension of so many lines of {@code length}, or 0 where they are not contiguous or overlap. */
    private static long leading(long lines, long length, long lineStride, long stride) {
        if (length > 1 && stride != 1) {
            return 0;
        }
        long least = Math.max(1, length);
        if (lines <= 1) {
            return least <= LARGEST ? least : 0;
        }
        return lineStride >= least && lineStride <= LARGEST ? lineStride : 0;
    }
}

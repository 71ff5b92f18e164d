package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Rows in fixed blocks, for sums over all rows: each block's is taken on its own, and the blocks' sums are added in
 * order, whatever number of threads there is.
 */
final class RowBlocks {
    /** Most blocks, which bounds what their sums take. */
    private static final int MOST = 128;

    private final RowView x;
    private final Arithmetic arithmetic;
    private final long rows;

    RowBlocks(RowView x, Arithmetic arithmetic) {
        this.x = x;
        this.arithmetic = arithmetic;
        this.rows = Math.max(x.rowsPerTask(), (x.count() + MOST - 1) / MOST);
    }

    int count() {
        return (int) ((x.count() + rows - 1) / rows);
    }

    /** The first row of a block. */
    long start(int block) {
        return block * rows;
    }

    /** The row behind a block's last. */
    long end(int block) {
        return Math.min(x.count(), (block + 1) * rows);
    }

    /** Stores the sum of the blocks' sums. */
    void store(Object[] sums, RowView target, MemorySegment[] slots) {
        Object total = sums.length > 0 ? sums[0] : arithmetic.array(x.width());
        for (int block = 1; block < sums.length; block++) {
            arithmetic.add(total, 0, sums[block], 0, total, 0, x.width());
        }
        arithmetic.store(total, 0, target.memory(slots), target.offset(0), target.dtype(), x.width());
    }
}

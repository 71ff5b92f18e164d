package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.adjoint.graph.DType;
import org.adjoint.plan.View;

/** A view as rows along its last axis, whose elements lie side by side; the other axes may have any strides. */
public final class RowView {
    /** Elements a task handles: enough to outweigh its launch, few enough to share among workers. */
    private static final int TASK_ELEMENTS = 16384;

    private final int slot;
    private final DType dtype;
    private final long count;
    private final int width;
    private final long offset;
    /** Outer axes, innermost first, merged where they can be; strides in bytes. */
    private final long[] extents;
    private final long[] strides;

    RowView(View view) {
        this(view, 1);
    }

    /** @param axes how many trailing axes make a row; they must be contiguous */
    RowView(View view, int axes) {
        int rank = view.shape().rank();
        int outer = Math.max(0, rank - axes);
        this.slot = view.slot();
        this.dtype = view.dtype();
        this.offset = view.byteOffset();
        long rowElements = 1;
        for (int axis = outer; axis < rank; axis++) {
            rowElements *= view.shape().extent(axis);
        }
        this.width = Math.toIntExact(rowElements);
        long[] merged = new long[outer];
        long[] steps = new long[outer];
        int next = 0;
        long rows = 1;
        for (int axis = outer - 1; axis >= 0; axis--) {
            long extent = view.shape().extent(axis);
            long stride = view.strides()[axis] * dtype.bytes();
            rows *= extent;
            if (extent == 1) {
                continue;
            }
            if (next > 0 && stride == steps[next - 1] * merged[next - 1]) {
                merged[next - 1] *= extent;
            } else {
                merged[next] = extent;
                steps[next++] = stride;
            }
        }
        this.count = rows;
        this.extents = Arrays.copyOf(merged, next);
        this.strides = Arrays.copyOf(steps, next);
    }

    DType dtype() {
        return dtype;
    }

    /** How many rows. */
    long count() {
        return count;
    }

    /** Elements per row. */
    int width() {
        return width;
    }

    MemorySegment memory(MemorySegment[] slots) {
        return slots[slot];
    }

    /** Where row {@code row} starts, in bytes from the start of its memory. */
    long offset(long row) {
        long at = offset;
        int last = extents.length - 1;
        for (int i = 0; i < last; i++) {
            at += row % extents[i] * strides[i];
            row /= extents[i];
        }
        return last < 0 ? at : at + row * strides[last];
    }

    /** Rows that a task handles. */
    int rowsPerTask() {
        return Math.max(1, TASK_ELEMENTS / Math.max(1, width));
    }

    /** How many tasks that makes. */
    int tasks() {
        return Math.toIntExact((count + rowsPerTask() - 1) / rowsPerTask());
    }

    /** Whether {@code view} has contiguous rows along its last {@code axes} axes. */
    public static boolean fits(View view, int axes) {
        long expected = 1;
        for (int axis = view.shape().rank() - 1; axis >= Math.max(0, view.shape().rank() - axes); axis--) {
            long extent = view.shape().extent(axis);
            if (extent > 1 && view.strides()[axis] != expected) {
                return false;
            }
            expected *= extent;
        }
        return true;
    }
}

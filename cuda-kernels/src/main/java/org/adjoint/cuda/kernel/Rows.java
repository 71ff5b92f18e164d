package org.adjoint.cuda.kernel;

import java.util.Arrays;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.graph.DType;
import org.adjoint.plan.View;

/**
 * A view as rows along its last axis, whose elements lie side by side; the axes outside, innermost first and merged
 * where they can be, may have any strides. The counterpart of {@code Rows} in {@code rows.cuh}.
 *
 * @param count how many rows
 * @param width elements per row
 * @param extents of the axes outside of a row
 * @param strides in elements
 */
record Rows(View view, long count, long width, long[] extents, long[] strides) {
    private static final int MOST_AXES = 3;
    private static final int ACCESS_BYTES = 16;

    static Rows of(View view) {
        int outer = Math.max(0, view.shape().rank() - 1);
        long[] extents = new long[outer];
        long[] strides = new long[outer];
        int axes = 0;
        for (int axis = outer - 1; axis >= 0; axis--) {
            long extent = view.shape().extent(axis);
            long stride = view.strides()[axis];
            if (extent == 1) {
                continue;
            }
            if (axes > 0 && stride == strides[axes - 1] * extents[axes - 1]) {
                extents[axes - 1] *= extent;
            } else {
                extents[axes] = extent;
                strides[axes++] = stride;
            }
        }
        long width = view.shape().rank() == 0 ? 1 : view.shape().extent(outer);
        return new Rows(view, width == 0 ? 0 : view.shape().elements() / width, width, Arrays.copyOf(extents, axes),
            Arrays.copyOf(strides, axes));
    }

    /** Whether elements of a row are neighbors, and the kernels' three axes outside are enough. */
    static boolean fits(View view) {
        int last = view.shape().rank() - 1;
        return last < 0 || (view.shape().extent(last) <= 1 || view.strides()[last] == 1)
            && of(view).extents.length <= MOST_AXES;
    }

    /** The address of the first row. */
    Argument address() {
        return Argument.of(view);
    }

    /** Where the rows lie; see {@code row_start}. */
    Argument layout() {
        long[] layout = new long[2 * MOST_AXES - 1];
        // The last axis takes what is left of a row's number.
        for (int axis = 0; axis < extents.length - 1; axis++) {
            layout[axis] = extents[axis];
        }
        System.arraycopy(strides, 0, layout, MOST_AXES - 1, strides.length);
        return new Argument.Int64s(layout);
    }

    /**
     * Elements that a thread can load at once from all of these rows, of one width: the largest power of two that
     * divides the width, takes at most 16 bytes of {@code dtype}, and leaves each row aligned to as many, or to 16.
     */
    static int vector(DType dtype, Rows... operands) {
        int vector = ACCESS_BYTES / dtype.bytes();
        while (vector > 1 && !allTake(vector, operands)) {
            vector /= 2;
        }
        return vector;
    }

    private static boolean allTake(int vector, Rows[] operands) {
        for (Rows rows : operands) {
            int bytes = rows.view.dtype().bytes();
            long alignment = Math.min(ACCESS_BYTES, (long) vector * bytes);
            boolean taken = rows.width % vector == 0 && rows.view.byteOffset() % alignment == 0;
            for (long stride : rows.strides) {
                taken &= stride * bytes % alignment == 0;
            }
            if (!taken) {
                return false;
            }
        }
        return true;
    }
}

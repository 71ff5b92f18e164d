package org.adjoint.cuda.kernel;

import java.util.Arrays;
import org.adjoint.plan.View;

/**
 * The index tensor of a gather or a scatterAdd, cut into positions, which hold one index each, and the run of elements
 * behind a position, which share it because the view has stride 0 there: the width of an embedding.
 *
 * @param split how many axes the positions have
 * @param run elements behind each position, contiguous in both of the tensors beside the indices
 */
record IndexRuns(View indices, int split, long run) {
    /**
     * @param axis the indexed axis, which is never part of a run
     * @param a of the indices' rank
     * @param b likewise
     */
    static IndexRuns of(View indices, int axis, View a, View b) {
        int split = indices.shape().rank();
        long run = 1;
        while (split - 1 > axis && joins(indices, a, b, split - 1, run)) {
            split--;
            run *= indices.shape().extent(split);
        }
        return new IndexRuns(indices, split, run);
    }

    private static boolean joins(View indices, View a, View b, int axis, long run) {
        return indices.shape().extent(axis) == 1
            || indices.strides()[axis] == 0 && a.strides()[axis] == run && b.strides()[axis] == run;
    }

    /** The extents of the positions. */
    long[] extents() {
        return Arrays.copyOf(indices.shape().toArray(), split);
    }

    /** The indices' strides over the positions. */
    long[] strides() {
        return Arrays.copyOf(indices.strides(), split);
    }

    long count() {
        return Arrays.stream(extents()).reduce(1, (a, b) -> a * b);
    }
}

package org.adjoint.plan;

import java.util.Arrays;
import org.adjoint.graph.Shape;

/**
 * A loop domain that is known by the order of its points alone: shapes of one element count whose axes only group that
 * order differently share the domain whose axes are fine enough for all of them.
 *
 * @param bounds 1 and the element count of each trailing run of axes, ascending; axis i, counted from the innermost,
 *     has {@code bounds[i + 1] / bounds[i]} points
 * @param folded for each axis whether it is reduced; null if nothing is
 */
record Domain(long[] bounds, boolean[] folded) {
    /** The domain of an item that is not empty. */
    static Domain of(Item item) {
        Shape shape = item.domain;
        long[] bounds = new long[shape.rank() + 1];
        boolean[] folded = new boolean[shape.rank()];
        int count = 0;
        bounds[0] = 1;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            if (shape.extent(axis) != 1) {
                folded[count] = item.folds(axis);
                bounds[count + 1] = bounds[count] * shape.extent(axis);
                count++;
            }
        }
        return new Domain(Arrays.copyOf(bounds, count + 1), item.reduce == null ? null : Arrays.copyOf(folded, count));
    }

    int axes() {
        return bounds.length - 1;
    }

    /** Points along {@code axis}, counted from the innermost. */
    long extent(int axis) {
        return bounds[axis + 1] / bounds[axis];
    }

    long points() {
        return bounds[bounds.length - 1];
    }

    /** The domain with the axes of both, or null if there is none; what is folded is left open. */
    private Domain refined(Domain other) {
        if (Arrays.equals(bounds, other.bounds)) {
            return this;
        }
        if (points() != other.points()) {
            return null;
        }
        long[] merged = new long[bounds.length + other.bounds.length];
        int count = 0;
        for (int i = 0, j = 0; i < bounds.length; count++) {
            long next = Math.min(bounds[i], other.bounds[j]);
            if (count > 0 && next % merged[count - 1] != 0) {
                return null;
            }
            merged[count] = next;
            i += bounds[i] == next ? 1 : 0;
            j += other.bounds[j] == next ? 1 : 0;
        }
        return new Domain(Arrays.copyOf(merged, count), null);
    }

    /** Which axes of {@code finer} are folded. */
    private boolean[] foldedIn(Domain finer) {
        boolean[] result = new boolean[finer.axes()];
        for (int axis = 0, own = 0; axis < result.length; axis++) {
            while (bounds[own + 1] <= finer.bounds[axis]) {
                own++;
            }
            result[axis] = folded[own];
        }
        return result;
    }

    /** These axes, with nothing folded. */
    Domain unfolded() {
        return new Domain(bounds, null);
    }

    /** Whether one domain can serve both. */
    boolean fits(Domain other) {
        return refined(other) != null;
    }

    /** The domain that serves both, or null if there is none or they fold different axes. */
    Domain join(Domain other) {
        Domain finer = refined(other);
        if (finer == null) {
            return null;
        }
        boolean[] mine = folded == null ? null : foldedIn(finer);
        boolean[] others = other.folded == null ? null : other.foldedIn(finer);
        if (mine != null && others != null && !Arrays.equals(mine, others)) {
            return null;
        }
        return new Domain(finer.bounds, mine != null ? mine : others);
    }

    /** The strides of a layout along these axes, the innermost first. */
    long[] strides(Layout layout) {
        long[] result = new long[axes()];
        int axis = 0;
        long inner = 1;
        for (int own = layout.shape().rank() - 1; own >= 0; own--) {
            long extent = layout.shape().extent(own);
            if (extent == 1) {
                continue;
            }
            for (long outer = inner * extent; axis < result.length && bounds[axis] < outer; axis++) {
                result[axis] = layout.strides()[own] * (bounds[axis] / inner);
            }
            inner *= extent;
        }
        return result;
    }
}

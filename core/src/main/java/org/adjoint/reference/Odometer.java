package org.adjoint.reference;

import java.util.List;
import org.adjoint.plan.View;

/** Walks a domain in row-major order and keeps, for several views on it, where the current point lies. */
final class Odometer {
    private final long[] extents;
    private final long[][] strides;
    private final long[] index;
    /** For each view, the current element, counted from the start of its slot. */
    final long[] positions;

    Odometer(long[] extents, List<View> views) {
        this.extents = extents;
        this.strides = views.stream().map(View::strides).toArray(long[][]::new);
        this.index = new long[extents.length];
        this.positions = views.stream().mapToLong(View::offset).toArray();
    }

    static long points(long[] extents, int from, int to) {
        long points = 1;
        for (int axis = from; axis < to; axis++) {
            points *= extents[axis];
        }
        return points;
    }

    /** To the next point; after the last one, to the first. */
    void advance() {
        for (int axis = extents.length - 1; axis >= 0; axis--) {
            boolean carry = ++index[axis] == extents[axis];
            for (int view = 0; view < positions.length; view++) {
                long stride = strides[view][axis];
                positions[view] += carry ? -stride * (extents[axis] - 1) : stride;
            }
            if (!carry) {
                return;
            }
            index[axis] = 0;
        }
    }
}

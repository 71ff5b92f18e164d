package org.adjoint.cpu.group;

import java.util.ArrayList;
import java.util.List;

/** Loop domains: merging of axes, and what part of one a block can be. */
final class Geometry {
    /** Rows from this length on are worth a loop of their own. */
    static final int LONG_ROW = 64;

    private Geometry() { }

    /** A domain and the operands' strides over it. */
    record Domain(long[] extents, List<long[]> strides) { }

    /** Drops axes of extent 1 and merges neighbors that every operand walks as one. */
    static Domain merge(long[] extents, List<long[]> strides) {
        List<Integer> ends = new ArrayList<>();
        List<Long> merged = new ArrayList<>();
        for (int axis = 0; axis < extents.length; axis++) {
            if (extents[axis] == 1) {
                continue;
            }
            int last = ends.size() - 1;
            if (last >= 0 && areOne(ends.get(last), axis, extents[axis], strides)) {
                ends.set(last, axis);
                merged.set(last, merged.get(last) * extents[axis]);
            } else {
                ends.add(axis);
                merged.add(extents[axis]);
            }
        }
        List<long[]> kept = strides.stream()
            .map(of -> ends.stream().mapToLong(axis -> of[axis]).toArray()).toList();
        return new Domain(merged.stream().mapToLong(Long::longValue).toArray(), kept);
    }

    private static boolean areOne(int outer, int inner, long extent, List<long[]> strides) {
        return strides.stream().allMatch(of -> of[outer] == of[inner] * extent);
    }

    static long points(long[] extents) {
        long product = 1;
        for (long extent : extents) {
            product *= extent;
        }
        return product;
    }

    /** Length of the rows that blocks must not cross, so that more operands need no scratch; 0 if they may. */
    static long rowLength(long[] extents, List<Strided> operands) {
        if (extents.length < 2 || extents[extents.length - 1] < LONG_ROW) {
            return 0;
        }
        boolean linear = operands.stream().allMatch(operand -> operand.isDense(extents) || operand.isUniform());
        return linear ? 0 : extents[extents.length - 1];
    }
}

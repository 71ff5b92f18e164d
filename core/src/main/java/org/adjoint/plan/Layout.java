package org.adjoint.plan;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;

/** Where the elements of a tensor lie in the memory of another: a {@link View} before memory is assigned. */
record Layout(Shape shape, long[] strides, long offset) {
    /** Axes of extent 1 get the stride that they would have without gaps, so that equal layouts look equal. */
    Layout {
        strides = strides.clone();
        for (int axis = strides.length - 1; axis >= 0; axis--) {
            if (shape.extent(axis) == 1) {
                boolean innermost = axis == strides.length - 1;
                strides[axis] = innermost ? 1 : strides[axis + 1] * shape.extent(axis + 1);
            }
        }
    }

    static Layout contiguous(Shape shape) {
        return new Layout(shape, shape.contiguousStrides(), 0);
    }

    /** Whether elements lie in row-major order without gaps, the first at the start. */
    boolean isContiguousFromStart() {
        return offset == 0 && View.isContiguous(shape, strides);
    }

    /** How many different elements are touched; at most, where windows overlap. */
    long distinctElements() {
        long count = 1;
        long span = 1;
        for (int axis = 0; axis < strides.length; axis++) {
            count *= strides[axis] == 0 ? 1 : shape.extent(axis);
            span += Math.abs(strides[axis]) * (shape.extent(axis) - 1);
        }
        return shape.isEmpty() ? 0 : Math.min(count, span);
    }

    /** Whether two steps along different axes may lead to one element. */
    boolean mayOverlap() {
        int[] axes = IntStream.range(0, strides.length).filter(axis -> strides[axis] != 0 && shape.extent(axis) > 1)
            .boxed().sorted(Comparator.comparingLong(axis -> Math.abs(strides[axis]))).mapToInt(axis -> axis).toArray();
        long reach = 0;
        for (int axis : axes) {
            long stride = Math.abs(strides[axis]);
            if (stride <= reach) {
                return true;
            }
            reach += stride * (shape.extent(axis) - 1);
        }
        return false;
    }

    Layout permute(List<Integer> axes) {
        long[] extents = new long[strides.length];
        long[] permuted = new long[strides.length];
        for (int i = 0; i < permuted.length; i++) {
            extents[i] = shape.extent(axes.get(i));
            permuted[i] = strides[axes.get(i)];
        }
        return new Layout(Shape.of(extents), permuted, offset);
    }

    Layout expand(Shape target) {
        long[] expanded = strides.clone();
        for (int axis = 0; axis < expanded.length; axis++) {
            if (shape.extent(axis) != target.extent(axis)) {
                expanded[axis] = 0;
            }
        }
        return new Layout(target, expanded, offset);
    }

    Layout slice(List<Long> starts, List<Long> steps, Shape target) {
        if (target.isEmpty()) {
            return contiguous(target);
        }
        long[] sliced = strides.clone();
        long start = offset;
        for (int axis = 0; axis < sliced.length; axis++) {
            start += starts.get(axis) * strides[axis];
            sliced[axis] *= steps.get(axis);
        }
        return new Layout(target, sliced, start);
    }

    Layout windows(Op.Windows op, Shape target) {
        if (target.isEmpty()) {
            return contiguous(target);
        }
        long[] result = Arrays.copyOf(strides, strides.length + 1);
        result[op.axis()] = strides[op.axis()] * op.step();
        result[strides.length] = strides[op.axis()] * op.dilation();
        return new Layout(target, result, offset);
    }

    /**
     * The same elements in the same order under another shape, or null if no strides describe that: runs of axes are
     * matched by their element counts, and a run can be split anew where its axes follow each other without gaps.
     */
    Layout reshape(Shape target) {
        if (shape.isEmpty()) {
            return contiguous(target);
        }
        long[] result = new long[target.rank()];
        int from = 0;
        int to = 0;
        while (to < target.rank() || from < shape.rank()) {
            int fromEnd = from;
            int toEnd = to;
            long fromCount = fromEnd < shape.rank() ? shape.extent(fromEnd++) : 1;
            long toCount = toEnd < target.rank() ? target.extent(toEnd++) : 1;
            while (fromCount != toCount) {
                if (fromCount < toCount) {
                    fromCount *= shape.extent(fromEnd++);
                } else {
                    toCount *= target.extent(toEnd++);
                }
            }
            long stride = runStride(from, fromEnd);
            if (stride == NO_RUN) {
                return null;
            }
            for (int axis = toEnd - 1; axis >= to; axis--) {
                result[axis] = stride;
                stride *= target.extent(axis);
            }
            from = fromEnd;
            to = toEnd;
        }
        return new Layout(target, result, offset);
    }

    private static final long NO_RUN = Long.MIN_VALUE;

    /** The stride of axes [from, to) merged into one, or {@link #NO_RUN}. */
    private long runStride(int from, int to) {
        long stride = 0;
        long next = 0;
        boolean found = false;
        for (int axis = to - 1; axis >= from; axis--) {
            if (shape.extent(axis) == 1) {
                continue;
            }
            if (!found) {
                stride = strides[axis];
                found = true;
            } else if (strides[axis] != next) {
                return NO_RUN;
            }
            next = strides[axis] * shape.extent(axis);
        }
        return stride;
    }

    View view(int slot, DType dtype) {
        return new View(slot, dtype, shape, strides, offset);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Layout layout && offset == layout.offset && shape.equals(layout.shape)
            && Arrays.equals(strides, layout.strides);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * shape.hashCode() + Arrays.hashCode(strides)) + Long.hashCode(offset);
    }
}

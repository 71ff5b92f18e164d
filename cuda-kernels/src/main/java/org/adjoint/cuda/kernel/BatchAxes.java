package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.plan.View;

/**
 * The batch axes of a product, all but the last two: the longest run of matrices that lie at equal distances in all
 * three tensors is cuBLAS's batch, over the others products repeat.
 *
 * @param count matrices in a batch
 * @param strides of a, b and c from one matrix of the batch to the next, in elements
 * @param outer the other axes, outermost first
 */
record BatchAxes(long count, long[] strides, List<BatchAxes.Axis> outer) {
    private static final int OPERANDS = 3;

    /** An axis with its strides in a, b and c. */
    record Axis(long extent, long[] strides) {
        boolean canBeBatch() {
            for (long stride : strides) {
                if (stride < 0) {
                    return false;
                }
            }
            return true;
        }

        /** Whether steps of this axis go on where {@code inner} ends, in all three. */
        boolean continues(Axis inner) {
            for (int i = 0; i < OPERANDS; i++) {
                if (strides[i] != inner.strides[i] * inner.extent) {
                    return false;
                }
            }
            return true;
        }
    }

    static BatchAxes of(View a, View b, View c) {
        List<Axis> axes = merged(a, b, c);
        Axis longest = new Axis(1, new long[OPERANDS]);
        for (Axis axis : axes) {
            if (axis.canBeBatch() && axis.extent > longest.extent) {
                longest = axis;
            }
        }
        axes.remove(longest);
        return new BatchAxes(longest.extent, longest.strides, axes);
    }

    private static List<Axis> merged(View a, View b, View c) {
        List<Axis> axes = new ArrayList<>();
        for (int i = 0; i < c.shape().rank() - 2; i++) {
            Axis axis = new Axis(c.shape().extent(i), new long[] {a.strides()[i], b.strides()[i], c.strides()[i]});
            if (axis.extent == 1) {
                continue;
            }
            if (!axes.isEmpty() && axes.getLast().continues(axis)) {
                axes.set(axes.size() - 1, new Axis(axes.getLast().extent * axis.extent, axis.strides));
            } else {
                axes.add(axis);
            }
        }
        return axes;
    }

    long products() {
        return outer.stream().mapToLong(Axis::extent).reduce(1, (x, y) -> x * y);
    }

    /** Where the batch of each product starts in a, b and c, in elements. */
    List<long[]> offsets() {
        List<long[]> offsets = new ArrayList<>();
        offsets.add(new long[OPERANDS]);
        for (Axis axis : outer) {
            List<long[]> repeated = new ArrayList<>();
            for (long[] offset : offsets) {
                for (long i = 0; i < axis.extent; i++) {
                    long[] next = offset.clone();
                    for (int operand = 0; operand < OPERANDS; operand++) {
                        next[operand] += i * axis.strides[operand];
                    }
                    repeated.add(next);
                }
            }
            offsets = repeated;
        }
        return offsets;
    }
}

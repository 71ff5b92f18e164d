package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.graph.DType;
import org.adjoint.plan.View;

/**
 * The extents of an attention, and its operands' strides along batch axes that are merged where all of them allow it.
 *
 * @param extents of the batch axes, innermost first, {@value #BATCH_AXES} in all
 * @param queries rows of q
 * @param depth columns of q and k
 * @param width columns of v and the output
 * @param strides of each operand, see {@link #of}: along those axes, from row to row, from column to column
 */
record AttentionProblem(DType dtype, long[] extents, long queries, long keys, long depth, long width, boolean causal,
    List<long[]> strides) {

    static final int BATCH_AXES = 4;

    /** @param operands {@code (batch..., rows, columns)} each: q, k, v, bias, out, dout; null for what there is not */
    static AttentionProblem of(boolean causal, List<View> operands) {
        View q = operands.getFirst();
        View v = operands.get(2);
        int rank = q.shape().rank();
        List<View> present = operands.stream().filter(Objects::nonNull).toList();
        List<long[]> batches = new ArrayList<>();
        for (View _ : present) {
            batches.add(new long[BATCH_AXES]);
        }
        long[] extents = {1, 1, 1, 1};
        int axes = 0;
        for (int axis = rank - 3; axis >= 0; axis--) {
            long extent = q.shape().extent(axis);
            if (extent == 1) {
                continue;
            }
            if (axes > 0 && continues(present, batches, axes - 1, extents[axes - 1], axis)) {
                extents[axes - 1] *= extent;
                continue;
            }
            for (int i = 0; i < present.size(); i++) {
                batches.get(i)[axes] = present.get(i).strides()[axis];
            }
            extents[axes++] = extent;
        }
        List<long[]> strides = new ArrayList<>();
        for (View operand : operands) {
            long[] step = operand == null ? new long[BATCH_AXES] : batches.removeFirst();
            long row = operand == null ? 0 : operand.strides()[rank - 2];
            long column = operand == null ? 0 : operand.strides()[rank - 1];
            strides.add(new long[] {step[0], step[1], step[2], step[3], row, column});
        }
        return new AttentionProblem(q.dtype(), extents, q.shape().extent(rank - 2), v.shape().extent(rank - 2),
            q.shape().extent(rank - 1), v.shape().extent(rank - 1), causal, strides);
    }

    private static boolean continues(List<View> views, List<long[]> batches, int group, long extent, int axis) {
        for (int i = 0; i < views.size(); i++) {
            if (views.get(i).strides()[axis] != batches.get(i)[group] * extent) {
                return false;
            }
        }
        return true;
    }

    /** Whether the kernels take rows in this layout: columns side by side, and batch axes that can be told to them. */
    static boolean fits(View view) {
        int last = view.shape().rank() - 1;
        return fitsBatch(view) && (view.strides()[last] == 1 || view.shape().extent(last) <= 1);
    }

    /** Whether the batch axes can be told to the kernels. */
    static boolean fitsBatch(View view) {
        int axes = 0;
        for (int axis = 0; axis < view.shape().rank() - 2; axis++) {
            axes += view.shape().extent(axis) == 1 ? 0 : 1;
        }
        return axes <= BATCH_AXES || view.isContiguous();
    }

    /** Matrices in the batch. */
    long heads() {
        return extents[0] * extents[1] * extents[2] * extents[3];
    }

    /** {@code struct Problem} of the kernels. */
    Argument argument() {
        LongStream sizes = LongStream.of(extents[0], extents[1], extents[2], extents[3], queries, keys, depth, width,
            causal ? 1 : 0);
        return new Argument.Int64s(LongStream.concat(sizes, strides.stream().flatMapToLong(LongStream::of)).toArray());
    }

    /** A number of the type that kernels compute in. */
    Argument number(double value) {
        return dtype.computeType() == DType.F64 ? Argument.of(value) : Argument.of((float) value);
    }
}

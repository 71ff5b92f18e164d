package org.adjoint;

import org.adjoint.graph.DType;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.ReduceOp;

/** What a {@link Tensor} folds along axes: sums, extrema and what is made of them; without axes, over all of them. */
public sealed interface ReductionMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    /** {@code BOOL} and {@code U8} are summed in {@code I64}. */
    default Tensor sum(int... axes) {
        return self().map("sum", x -> Ops.reduce(ReduceOp.SUM, countable(x), false, axes));
    }

    /** As {@link #sum}; the axes stay with extent 1. */
    default Tensor sumKeep(int... axes) {
        return self().map("sum", x -> Ops.reduce(ReduceOp.SUM, countable(x), true, axes));
    }

    private static Node countable(Node x) {
        return x.dtype() == DType.BOOL || x.dtype() == DType.U8 ? Ops.cast(x, DType.I64) : x;
    }

    default Tensor mean(int... axes) {
        return self().map("mean", x -> Ops.mean(x, false, axes));
    }

    default Tensor meanKeep(int... axes) {
        return self().map("mean", x -> Ops.mean(x, true, axes));
    }

    default Tensor max(int... axes) {
        return self().map("max", x -> Ops.reduce(ReduceOp.MAX, x, false, axes));
    }

    default Tensor maxKeep(int... axes) {
        return self().map("max", x -> Ops.reduce(ReduceOp.MAX, x, true, axes));
    }

    default Tensor min(int... axes) {
        return self().map("min", x -> Ops.reduce(ReduceOp.MIN, x, false, axes));
    }

    default Tensor minKeep(int... axes) {
        return self().map("min", x -> Ops.reduce(ReduceOp.MIN, x, true, axes));
    }

    /** Index of the first largest element along an axis, {@code I64}. */
    default Tensor argmax(int axis) {
        return self().map("argmax", x -> Ops.argReduce(true, x, axis));
    }

    /** Index of the first smallest element along an axis, {@code I64}. */
    default Tensor argmin(int axis) {
        return self().map("argmin", x -> Ops.argReduce(false, x, axis));
    }
}

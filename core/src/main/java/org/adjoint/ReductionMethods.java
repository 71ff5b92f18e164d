package org.adjoint;

import org.adjoint.graph.Ops;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.ReductionOps;

/**
 * What a {@link Tensor} folds along axes, and running results along an axis. Axes may count from the end; without axes,
 * all are folded. Methods named {@code ...Keep} leave the folded axes with extent 1.
 */
public sealed interface ReductionMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    /** {@code BOOL} and {@code U8} are summed in {@code I64}. */
    default Tensor sum(int... axes) {
        return self().map("sum", x -> Ops.reduce(ReduceOp.SUM, ReductionOps.countable(x), false, axes));
    }

    default Tensor sumKeep(int... axes) {
        return self().map("sumKeep", x -> Ops.reduce(ReduceOp.SUM, ReductionOps.countable(x), true, axes));
    }

    /** {@code BOOL} and {@code U8} are multiplied in {@code I64}. The gradient is right for zeros among the factors. */
    default Tensor prod(int... axes) {
        return self().map("prod", x -> Ops.reduce(ReduceOp.PROD, ReductionOps.countable(x), false, axes));
    }

    default Tensor prodKeep(int... axes) {
        return self().map("prodKeep", x -> Ops.reduce(ReduceOp.PROD, ReductionOps.countable(x), true, axes));
    }

    default Tensor mean(int... axes) {
        return self().map("mean", x -> Ops.mean(x, false, axes));
    }

    default Tensor meanKeep(int... axes) {
        return self().map("meanKeep", x -> Ops.mean(x, true, axes));
    }

    /** NaN if any element is; elements that tie share the gradient. */
    default Tensor max(int... axes) {
        return self().map("max", x -> Ops.reduce(ReduceOp.MAX, x, false, axes));
    }

    default Tensor maxKeep(int... axes) {
        return self().map("maxKeep", x -> Ops.reduce(ReduceOp.MAX, x, true, axes));
    }

    /** NaN if any element is; elements that tie share the gradient. */
    default Tensor min(int... axes) {
        return self().map("min", x -> Ops.reduce(ReduceOp.MIN, x, false, axes));
    }

    default Tensor minKeep(int... axes) {
        return self().map("minKeep", x -> Ops.reduce(ReduceOp.MIN, x, true, axes));
    }

    /** Index of the first largest element along an axis, {@code I64}. */
    default Tensor argmax(int axis) {
        return self().map("argmax", x -> Ops.argReduce(true, x, axis));
    }

    /** Index of the first smallest element along an axis, {@code I64}. */
    default Tensor argmin(int axis) {
        return self().map("argmin", x -> Ops.argReduce(false, x, axis));
    }

    /** Whether any element is not 0, {@code BOOL}; false for none. */
    default Tensor any(int... axes) {
        return self().map("any", x -> ReductionOps.any(x, false, axes));
    }

    default Tensor anyKeep(int... axes) {
        return self().map("anyKeep", x -> ReductionOps.any(x, true, axes));
    }

    /** Whether all elements are not 0, {@code BOOL}; true for none. */
    default Tensor all(int... axes) {
        return self().map("all", x -> ReductionOps.all(x, false, axes));
    }

    default Tensor allKeep(int... axes) {
        return self().map("allKeep", x -> ReductionOps.all(x, true, axes));
    }

    /** How many elements are not 0, {@code I64}. */
    default Tensor countNonzero(int... axes) {
        return self().map("countNonzero", x -> ReductionOps.countNonzero(x, false, axes));
    }

    /** The unbiased variance: the sum of squared deviations from the mean, divided by n - 1. */
    default Tensor variance(int... axes) {
        return variance(1, false, axes);
    }

    default Tensor varianceKeep(int... axes) {
        return variance(1, true, axes);
    }

    /**
     * The sum of squared deviations from the mean, divided by n - correction.
     *
     * @throws IllegalArgumentException if {@code n - correction} is not positive
     */
    default Tensor variance(double correction, boolean keepAxes, int... axes) {
        return self().map("variance", x -> ReductionOps.variance(x, correction, keepAxes, axes));
    }

    /** The square root of the unbiased {@link #variance(int...)}. */
    default Tensor standardDeviation(int... axes) {
        return standardDeviation(1, false, axes);
    }

    default Tensor standardDeviationKeep(int... axes) {
        return standardDeviation(1, true, axes);
    }

    /** The square root of {@link #variance(double, boolean, int...)}; its derivative at 0 is taken to be 0. */
    default Tensor standardDeviation(double correction, boolean keepAxes, int... axes) {
        return self().map("standardDeviation", x -> ReductionOps.standardDeviation(x, correction, keepAxes, axes));
    }

    /** {@code log(sum(exp(x)))} without overflow. */
    default Tensor logSumExp(int... axes) {
        return self().map("logSumExp", x -> ReductionOps.logSumExp(x, false, axes));
    }

    default Tensor logSumExpKeep(int... axes) {
        return self().map("logSumExpKeep", x -> ReductionOps.logSumExp(x, true, axes));
    }

    /** The Euclidean norm of all elements. */
    default Tensor norm() {
        return norm(2);
    }

    /**
     * {@code (sum |x|^p)^(1/p)}; p may be infinite (largest or smallest magnitude) or 0 (elements that are not 0). The
     * derivative is taken to be 0 where the norm is 0.
     */
    default Tensor norm(double p, int... axes) {
        return self().map("norm", x -> ReductionOps.norm(x, p, false, axes));
    }

    /** As {@link #norm(double, int...)}; the axes stay with extent 1. */
    default Tensor normKeep(double p, int... axes) {
        return self().map("normKeep", x -> ReductionOps.norm(x, p, true, axes));
    }

    // Running results

    /** Sums of the elements up to each along an axis; {@code BOOL} and {@code U8} are summed in {@code I64}. */
    default Tensor cumsum(int axis) {
        return self().map("cumsum", x -> ReductionOps.cumsum(x, axis));
    }

    /** Products of the elements up to each along an axis; the gradient is right for zeros among the factors. */
    default Tensor cumprod(int axis) {
        return self().map("cumprod", x -> ReductionOps.cumprod(x, axis));
    }

    /** The largest of the elements up to each along an axis; of those that tie the last takes the gradient. */
    default Tensor cummax(int axis) {
        return self().map("cummax", x -> ReductionOps.cummax(x, axis));
    }

    /** The smallest of the elements up to each along an axis; of those that tie the last takes the gradient. */
    default Tensor cummin(int axis) {
        return self().map("cummin", x -> ReductionOps.cummin(x, axis));
    }

    /** {@code log(cumsum(exp(x)))} along an axis, without overflow. */
    default Tensor logCumSumExp(int axis) {
        return self().map("logCumSumExp", x -> ReductionOps.logCumSumExp(x, axis));
    }

    /**
     * {@code h[0] = b[0], h[i] = a[i] h[i - 1] + b[i]} along an axis, where this tensor is a: exponential averages and
     * linear state spaces, in one pass. Both have one shape and floating dtype.
     */
    default Tensor linearRecurrence(Tensor b, int axis) {
        return self().zip("linearRecurrence", b, (x, y) -> ReductionOps.linearRecurrence(x, y, axis));
    }
}

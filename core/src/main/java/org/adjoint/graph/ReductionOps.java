package org.adjoint.graph;

import static org.adjoint.graph.IndexingOps.gather;
import static org.adjoint.graph.Ops.*;

import java.util.Arrays;

/**
 * Reductions made of sums, products and extrema, and running results along an axis. Axes are as the user wrote them;
 * none means all of them. 16-bit tensors are computed in {@code F32} and rounded once.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class ReductionOps {
    private ReductionOps() { }

    /** What {@code BOOL} and {@code U8} are summed and multiplied in: {@code I64}. */
    public static Node countable(Node x) {
        return x.dtype() == DType.BOOL || x.dtype() == DType.U8 ? cast(x, DType.I64) : x;
    }

    private static int[] axesOf(String op, Node x, int... axes) {
        return axes.length == 0 ? allAxes(x) : resolveAxes(op, x.shape(), axes);
    }

    private static long count(Node x, int... axes) {
        return Arrays.stream(axes).mapToLong(axis -> x.shape().extent(axis)).reduce(1, (a, b) -> a * b);
    }

    /** The shape that a reduction of x leaves. */
    private static Shape left(Node x, boolean keepAxes, int... axes) {
        if (!keepAxes) {
            return x.shape().without(axes);
        }
        long[] extents = x.shape().toArray();
        for (int axis : axes) {
            extents[axis] = 1;
        }
        return Shape.of(extents);
    }

    private static Node fold(ReduceOp op, Node x, boolean keepAxes, int... axes) {
        return reshape(reduce(op, x, Op.ints(axes)), left(x, keepAxes, axes));
    }

    /** Whether any element is not 0; false for none. NaN is not 0. */
    public static Node any(Node x, boolean keepAxes, int... axes) {
        return quantified("any", ReduceOp.MAX, x, keepAxes, axes);
    }

    /** Whether all elements are not 0; true for none. NaN is not 0. */
    public static Node all(Node x, boolean keepAxes, int... axes) {
        return quantified("all", ReduceOp.MIN, x, keepAxes, axes);
    }

    private static Node quantified(String name, ReduceOp op, Node x, boolean keepAxes, int... axes) {
        int[] resolved = axesOf(name, x, axes);
        if (count(x, resolved) == 0) {
            return full(DType.BOOL, left(x, keepAxes, resolved), op == ReduceOp.MIN ? 1 : 0);
        }
        return cast(fold(op, cast(isNotZero(x), DType.U8), keepAxes, resolved), DType.BOOL);
    }

    private static Node isNotZero(Node x) {
        return x.dtype().isBoolean() ? x : binary(BinaryOp.NOT_EQUAL, x, zeroOf(x.dtype()));
    }

    /** How many elements are not 0, {@code I64}. */
    public static Node countNonzero(Node x, boolean keepAxes, int... axes) {
        return fold(ReduceOp.SUM, cast(isNotZero(x), DType.I64), keepAxes, axesOf("countNonzero", x, axes));
    }

    /**
     * {@code sum (x - mean(x))^2 / (n - correction)}, in two passes, which no offset of x harms.
     *
     * @param correction 1 for the unbiased estimate of a population's variance from a sample (Bessel), 0 for the
     *     variance of what is there
     */
    public static Node variance(Node x, double correction, boolean keepAxes, int... axes) {
        Node operand = floating(x);
        return cast(wideVariance("variance", operand, correction, keepAxes, axes), operand.dtype());
    }

    /** The root of {@link #variance}, whose derivative at 0 is taken to be 0, as in PyTorch. */
    public static Node standardDeviation(Node x, double correction, boolean keepAxes, int... axes) {
        Node operand = floating(x);
        Node variance = wideVariance("standardDeviation", operand, correction, keepAxes, axes);
        return cast(flatRoot(variance), operand.dtype());
    }

    private static Node wideVariance(String name, Node x, double correction, boolean keepAxes, int... axes) {
        int[] resolved = axesOf(name, x, axes);
        long count = count(x, resolved);
        if (!(correction >= 0)) {
            throw error("%s: the correction must not be negative but is %s", name, correction);
        }
        if (!(count > correction)) {
            throw error("%s: %d elements along the reduced axes of %s, less a correction of %s, leave nothing to "
                + "divide by",
                name, count, x.shape(), correction);
        }
        Node wide = widen(x);
        Node centered = sub(wide, div(fold(ReduceOp.SUM, wide, true, resolved), count));
        return mul(fold(ReduceOp.SUM, mul(centered, centered), keepAxes, resolved), 1 / (count - correction));
    }

    /** {@code sqrt(x)} for x >= 0, with derivative 0 at 0. */
    private static Node flatRoot(Node x) {
        Node isZero = equal(x, 0);
        return where(isZero, zerosLike(x), sqrt(where(isZero, onesLike(x), x)));
    }

    /**
     * {@code log(sum(exp(x)))} without overflow; -infinity for nothing. Its gradient is softmax, 0 where all are
     * -infinity.
     */
    public static Node logSumExp(Node x, boolean keepAxes, int... axes) {
        Node operand = floating(x);
        int[] resolved = axesOf("logSumExp", x, axes);
        Shape shape = left(x, keepAxes, resolved);
        if (count(x, resolved) == 0) {
            return full(operand.dtype(), shape, Double.NEGATIVE_INFINITY);
        }
        Node wide = widen(operand);
        Node largest = stopGradient(fold(ReduceOp.MAX, wide, true, resolved));
        Node isInfinite = equal(abs(largest), Double.POSITIVE_INFINITY);
        Node shift = where(isInfinite, zerosLike(largest), largest);
        Node sum = fold(ReduceOp.SUM, exp(sub(wide, shift)), true, resolved);
        Node isZero = equal(sum, 0);
        Node log = add(log(where(isZero, onesLike(sum), sum)), shift);
        Node result = where(isZero, fullLike(sum, Double.NEGATIVE_INFINITY), log);
        return cast(reshape(result, shape), operand.dtype());
    }

    /**
     * {@code (sum |x|^p)^(1/p)}; for p = infinity the largest magnitude, for -infinity the smallest, for 0 how many
     * elements are not 0. As in PyTorch the derivative is taken to be 0 where the norm or an element is 0.
     */
    public static Node norm(Node x, double p, boolean keepAxes, int... axes) {
        if (Double.isNaN(p)) {
            throw error("norm: the order must be a number but is NaN");
        }
        Node operand = floating(x);
        int[] resolved = axesOf("norm", x, axes);
        if (Double.isInfinite(p) && count(x, resolved) == 0) {
            throw error("norm: %s has no elements along the reduced axes, and nothing has no %s magnitude", x.shape(),
                p > 0 ? "largest" : "smallest");
        }
        Node wide = widen(operand);
        Node norm;
        if (Double.isInfinite(p)) {
            norm = fold(p > 0 ? ReduceOp.MAX : ReduceOp.MIN, abs(wide), keepAxes, resolved);
        } else if (p == 0) {
            norm = fold(ReduceOp.SUM, cast(isNotZero(wide), wide.dtype()), keepAxes, resolved);
        } else if (p == 1) {
            norm = fold(ReduceOp.SUM, abs(wide), keepAxes, resolved);
        } else if (p == 2) {
            norm = flatRoot(fold(ReduceOp.SUM, mul(wide, wide), keepAxes, resolved));
        } else {
            norm = flatPower(fold(ReduceOp.SUM, flatPower(abs(wide), p), keepAxes, resolved), 1 / p);
        }
        return cast(norm, operand.dtype());
    }

    /** {@code x^p} for x >= 0, with derivative 0 at 0. */
    private static Node flatPower(Node x, double p) {
        Node isZero = equal(x, 0);
        Node power = binary(BinaryOp.POW, where(isZero, onesLike(x), x), p);
        return where(isZero, fullLike(x, p > 0 ? 0 : Double.POSITIVE_INFINITY), power);
    }

    // Running results

    private static int lineAxis(String name, Node x, int axis) {
        if (x.dtype().isBoolean()) {
            throw error("%s: does not take bool tensors: cast %s to a number type first", name, x.type());
        }
        return x.shape().axis(name, axis);
    }

    /** Sums of the elements up to each along an axis. */
    public static Node cumsum(Node x, int axis) {
        Node operand = countable(x);
        return CumulativeOp.cumulative(CumulativeOp.Function.SUM, operand, lineAxis("cumsum", operand, axis));
    }

    /** Products of the elements up to each along an axis. */
    public static Node cumprod(Node x, int axis) {
        Node operand = countable(x);
        return CumulativeOp.cumulative(CumulativeOp.Function.PROD, operand, lineAxis("cumprod", operand, axis));
    }

    /** The largest of the elements up to each along an axis: NaN from the first NaN on. */
    public static Node cummax(Node x, int axis) {
        int resolved = lineAxis("cummax", x, axis);
        return gather(x, resolved, CumulativeOp.cumulative(CumulativeOp.Function.ARGMAX, x, resolved));
    }

    /** The smallest of the elements up to each along an axis: NaN from the first NaN on. */
    public static Node cummin(Node x, int axis) {
        int resolved = lineAxis("cummin", x, axis);
        return gather(x, resolved, CumulativeOp.cumulative(CumulativeOp.Function.ARGMIN, x, resolved));
    }

    /** {@code log(cumsum(exp(x)))} along an axis, without overflow. */
    public static Node logCumSumExp(Node x, int axis) {
        Node operand = floating(x);
        return CumulativeOp.logCumSumExp(operand, lineAxis("logCumSumExp", operand, axis));
    }

    /** {@code h[0] = b[0], h[i] = a[i] h[i - 1] + b[i]} along an axis, differentiable in both. */
    public static Node linearRecurrence(Node a, Node b, int axis) {
        requireFloating("linearRecurrence", a.dtype());
        if (!a.type().equals(b.type())) {
            throw error("linearRecurrence: a %s and b %s must have one shape and dtype", a.type(), b.type());
        }
        return fused(new CumulativeOp.LinearRecurrence(lineAxis("linearRecurrence", a, axis)), a, b);
    }
}

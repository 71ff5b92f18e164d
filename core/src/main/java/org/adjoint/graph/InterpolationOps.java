package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.Arrays;

/** Resampling of tensors {@code (n, channels, spatial...)} on finer or coarser grids. */
public final class InterpolationOps {
    /** Axes before the spatial ones. */
    private static final int LEADING = 2;
    /** The steepness of cubic interpolation that PyTorch uses. */
    private static final double A = -0.75;

    private InterpolationOps() { }

    /**
     * x with spatial extents {@code extents}, as PyTorch's {@code interpolate} with a size.
     *
     * @param alignCorners whether the first and last elements of an axis stay the first and last, else elements are
     *     cells that cover the axis; not for {@link Interpolation#NEAREST}
     * @throws IllegalArgumentException for operands that do not fit
     */
    public static Node interpolate(Node x, Interpolation mode, boolean alignCorners, long... extents) {
        int spatial = x.shape().rank() - LEADING;
        if (spatial < 1) {
            throw error("interpolate: x must be (n, channels, spatial axes...), not %s", x.shape());
        }
        if (mode == Interpolation.NEAREST && alignCorners) {
            throw error("interpolate: alignCorners says nothing about the nearest element: leave it out");
        }
        if (mode != Interpolation.NEAREST) {
            requireFloating("interpolate", x.dtype());
        }
        long[] targets = Convolution.perAxis("interpolate", "extents", Op.longs(extents), spatial, 1);
        Node y = mode == Interpolation.NEAREST ? x : widen(x);
        for (int axis = 0; axis < spatial; axis++) {
            long extent = x.shape().extent(LEADING + axis);
            if (extent == 0) {
                throw error("interpolate: axis %d of x %s is empty", axis - spatial, x.shape());
            }
            if (extent != targets[axis]) {
                y = alongAxis(y, LEADING + axis, mode, alignCorners, targets[axis]);
            }
        }
        return cast(y, x.dtype());
    }

    private static Node alongAxis(Node x, int axis, Interpolation mode, boolean alignCorners, long target) {
        long extent = x.shape().extent(axis);
        return switch (mode) {
            case NEAREST -> nearest(x, axis, extent, target);
            case LINEAR -> {
                Node at = max(positions(extent, target, alignCorners), constant(DType.F64, 0.0));
                Node left = unary(UnaryOp.FLOOR, at);
                Node weight = weights(x, axis, sub(at, left));
                yield add(mul(taken(x, axis, left, 0), sub(1, weight)), mul(taken(x, axis, left, 1), weight));
            }
            case CUBIC -> {
                Node at = positions(extent, target, alignCorners);
                Node left = unary(UnaryOp.FLOOR, at);
                Node t = sub(at, left);
                Node inner = mul(taken(x, axis, left, 0), weights(x, axis, near(t)));
                inner = add(inner, mul(taken(x, axis, left, 1), weights(x, axis, near(sub(1, t)))));
                Node outer = mul(taken(x, axis, left, -1), weights(x, axis, far(add(t, 1))));
                outer = add(outer, mul(taken(x, axis, left, 2), weights(x, axis, far(sub(2, t)))));
                yield add(inner, outer);
            }
        };
    }

    private static Node nearest(Node x, int axis, long extent, long target) {
        if (target % extent == 0) {
            long[] split = new long[x.shape().rank() + 1];
            for (int i = 0; i < split.length; i++) {
                split[i] = i <= axis ? x.shape().extent(i) : i == axis + 1 ? 1 : x.shape().extent(i - 1);
            }
            Node once = reshape(x, Shape.of(split));
            return reshape(broadcastTo(once, once.shape().with(axis + 1, target / extent)),
                x.shape().with(axis, target));
        }
        // Of whole numbers below 2^53 the quotient is never rounded up to the next whole number.
        Node index = unary(UnaryOp.FLOOR, div(mul(iota(DType.F64, target), extent), target));
        return taken(x, axis, index, 0);
    }

    /** Where, in elements of x, each element of the result lies. */
    private static Node positions(long extent, long target, boolean alignCorners) {
        Node i = iota(DType.F64, target);
        if (alignCorners) {
            return target == 1 ? mul(i, 0) : div(mul(i, extent - 1), target - 1);
        }
        return div(sub(mul(add(mul(i, 2), 1), extent), target), 2.0 * target);
    }

    /** Elements of x at {@code index + shift} along an axis, or the nearest that there is. */
    private static Node taken(Node x, int axis, Node index, long shift) {
        Node inside = min(max(add(index, shift), constant(DType.F64, 0.0)),
            constant(DType.F64, (double) (x.shape().extent(axis) - 1)));
        Node indices = along(x, axis, cast(inside, DType.I64));
        return gather(x, axis, broadcastTo(indices, x.shape().with(axis, index.shape().extent(0))));
    }

    private static Node weights(Node x, int axis, Node weight) {
        return along(x, axis, cast(weight, x.dtype()));
    }

    /** A vector as axis {@code axis} of a tensor that broadcasts to x's rank. */
    private static Node along(Node x, int axis, Node vector) {
        long[] extents = new long[x.shape().rank()];
        Arrays.fill(extents, 1);
        extents[axis] = vector.shape().extent(0);
        return reshape(vector, Shape.of(extents));
    }

    /** The weight of an element at distance t in [0, 1]. */
    private static Node near(Node t) {
        return add(mul(mul(sub(mul(t, A + 2), A + 3), t), t), 1);
    }

    /** The weight of an element at distance t in [1, 2]. */
    private static Node far(Node t) {
        return sub(mul(add(mul(sub(mul(t, A), 5 * A), t), 8 * A), t), 4 * A);
    }
}

package org.adjoint.graph;

import static org.adjoint.graph.IndexingOps.gather;
import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Resampling of tensors {@code (n, channels, spatial...)} on finer or coarser grids. */
public final class InterpolationOps {
    /** Axes before the spatial ones. */
    private static final int LEADING = 2;
    /** The steepness of cubic interpolation that PyTorch uses. */
    private static final double A = -0.75;
    /** More different weights than these are a tensor, and neighbors are gathered. */
    private static final long MOST_PHASES = 8;
    /** How far outside of the tensor neighbors may lie. */
    private static final long EDGE = 2;

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
        long phases = target / Convolution.gcd(extent, target);
        if (mode == Interpolation.NEAREST && target % extent == 0) {
            return repeated(x, axis, target / extent);
        }
        if (!alignCorners && phases <= MOST_PHASES) {
            return inPhases(x, axis, mode, target, phases);
        }
        if (mode == Interpolation.NEAREST) {
            // Of whole numbers below 2^53 the quotient is never rounded up to the next whole number.
            return taken(x, axis, unary(UnaryOp.FLOOR, div(mul(iota(DType.F64, target), extent), target)), 0);
        }
        Node at = positions(extent, target, alignCorners);
        Node left = unary(UnaryOp.FLOOR, at);
        Node t = sub(at, left);
        if (mode == Interpolation.LINEAR) {
            return add(mul(taken(x, axis, left, 0), weights(x, axis, sub(1, t))),
                mul(taken(x, axis, left, 1), weights(x, axis, t)));
        }
        Node inner = mul(taken(x, axis, left, 0), weights(x, axis, near(t)));
        inner = add(inner, mul(taken(x, axis, left, 1), weights(x, axis, near(sub(1, t)))));
        Node outer = mul(taken(x, axis, left, -1), weights(x, axis, far(add(t, 1))));
        outer = add(outer, mul(taken(x, axis, left, 2), weights(x, axis, far(sub(2, t)))));
        return add(inner, outer);
    }

    private static Node repeated(Node x, int axis, long times) {
        Node once = AxisOps.unsqueeze(x, axis + 1);
        return reshape(broadcastTo(once, once.shape().with(axis + 1, times)),
            x.shape().with(axis, x.shape().extent(axis) * times));
    }

    /** Positions {@code phases} apart have the same weights, and neighbors equally far apart: one slice each. */
    private static Node inPhases(Node x, int axis, Interpolation mode, long target, long phases) {
        long extent = x.shape().extent(axis);
        long count = target / phases;
        long step = extent / count;
        Node wide = mode == Interpolation.NEAREST ? x : edged(x, axis);
        List<Node> parts = new ArrayList<>();
        for (long phase = 0; phase < phases; phase++) {
            if (mode == Interpolation.NEAREST) {
                parts.add(every(wide, axis, phase * step / phases, step, count));
                continue;
            }
            // The middle of cell (phase + 1/2) step / phases is at that less 1/2.
            long numerator = (2 * phase + 1) * step - phases;
            long left = Math.floorDiv(numerator, 2 * phases);
            double t = Math.floorMod(numerator, 2 * phases) / (2.0 * phases);
            long start = EDGE + left;
            Node part;
            if (mode == Interpolation.LINEAR) {
                part = mul(every(wide, axis, start, step, count), 1 - t);
                part = t == 0 ? part : add(part, mul(every(wide, axis, start + 1, step, count), t));
            } else {
                Node inner = add(mul(every(wide, axis, start, step, count), near(t)),
                    mul(every(wide, axis, start + 1, step, count), near(1 - t)));
                part = add(inner, add(mul(every(wide, axis, start - 1, step, count), far(t + 1)),
                    mul(every(wide, axis, start + 2, step, count), far(2 - t))));
            }
            parts.add(part);
        }
        List<Node> columns = parts.stream().map(part -> AxisOps.unsqueeze(part, axis + 1)).toList();
        return reshape(concat(axis + 1, columns), x.shape().with(axis, target));
    }

    /** Every {@code step}-th element from {@code start} on. */
    private static Node every(Node x, int axis, long start, long step, long count) {
        int rank = x.shape().rank();
        Long[] starts = new Long[rank];
        Long[] steps = new Long[rank];
        Arrays.fill(starts, 0L);
        Arrays.fill(steps, 1L);
        starts[axis] = start;
        steps[axis] = step;
        return slice(x, List.of(starts), List.of(steps), x.shape().with(axis, count));
    }

    /** x with its first and last elements along an axis repeated, as far as neighbors reach. */
    private static Node edged(Node x, int axis) {
        Shape edge = x.shape().with(axis, EDGE);
        return concat(axis, List.of(broadcastTo(slice(x, axis, 0, 1), edge), x,
            broadcastTo(slice(x, axis, -1, x.shape().extent(axis)), edge)));
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

    private static double near(double t) {
        return ((A + 2) * t - (A + 3)) * t * t + 1;
    }

    private static double far(double t) {
        return ((A * t - 5 * A) * t + 8 * A) * t - 4 * A;
    }
}

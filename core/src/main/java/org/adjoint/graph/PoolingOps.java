package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What is made of windows of tensors {@code (n, channels, spatial...)}, and of single images without the first axis.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class PoolingOps {
    /** Axes before the spatial ones. */
    private static final int LEADING = 2;
    /** Shorter windows are summed as so many slices, which lie side by side, not as short runs to fold. */
    private static final int MOST_TERMS = 16;

    /** More windows that are all different are more nodes than a graph should have. */
    private static final long MOST_WINDOWS = 1 << 20;

    private PoolingOps() { }

    /** The numbers of a pooling, per spatial axis. */
    private record Geometry(long[] extents, long[] kernel, long[] stride, long[] padding, long[] dilation,
        long[] counts) {

        /** @param extents spatial extents of the input */
        static Geometry of(String op, Pooling window, long[] extents) {
            int axes = extents.length;
            Convolution.requireCountable(op, extents);
            long[] kernel = Convolution.perAxis(op, "kernel", window.kernel(), axes, 1);
            long[] stride = window.stride().isEmpty() ? kernel
                : Convolution.perAxis(op, "stride", window.stride(), axes, 1);
            long[] padding = Convolution.perAxis(op, "padding", window.padding(), axes, 0);
            long[] dilation = Convolution.perAxis(op, "dilation", window.dilation(), axes, 1);
            long[] counts = new long[axes];
            for (int axis = 0; axis < axes; axis++) {
                long span = Convolution.span(kernel[axis], dilation[axis]);
                long room = extents[axis] + 2 * padding[axis] - span;
                if (room < 0) {
                    throw error("%s: a window of %d with dilation %d is longer than axis %d of the input, %d with "
                        + "padding %d", op, kernel[axis], dilation[axis], axis - axes, extents[axis], padding[axis]);
                }
                counts[axis] = room / stride[axis] + 1;
                if (window.ceilMode() && room % stride[axis] != 0
                    && counts[axis] * stride[axis] < extents[axis] + padding[axis]) {
                    counts[axis]++;
                }
            }
            return new Geometry(extents, kernel, stride, padding, dilation, counts);
        }

        int axes() {
            return extents.length;
        }

        /** x between {@code filling}, as far as windows reach. */
        Node padded(Node x, Node filling) {
            long[] low = new long[LEADING + axes()];
            System.arraycopy(padding, 0, low, LEADING, axes());
            Node padded = pad(x, low, new long[low.length], paddedShape(x.shape()), filling);
            for (int axis = 0; axis < axes(); axis++) {
                padded = slice(padded, LEADING + axis, 0, reach(axis));
            }
            return padded;
        }

        /** Windows along one spatial axis of what was padded. */
        Node windows(Node padded, int axis) {
            return Ops.windows(padded, LEADING + axis, kernel[axis], stride[axis], dilation[axis]);
        }

        /** The sum of each window along one spatial axis of what was padded. */
        Node sums(Node padded, int axis) {
            if (kernel[axis] > MOST_TERMS) {
                Node windows = windows(padded, axis);
                return reduce(ReduceOp.SUM, windows, List.of(windows.shape().rank() - 1));
            }
            int rank = padded.shape().rank();
            Long[] steps = new Long[rank];
            Arrays.fill(steps, 1L);
            steps[LEADING + axis] = stride[axis];
            Node sum = null;
            for (long i = 0; i < kernel[axis]; i++) {
                Long[] starts = new Long[rank];
                Arrays.fill(starts, 0L);
                starts[LEADING + axis] = i * dilation[axis];
                Node slice = slice(padded, List.of(starts), List.of(steps),
                    padded.shape().with(LEADING + axis, counts[axis]));
                sum = sum == null ? slice : add(sum, slice);
            }
            return sum;
        }

        /** {@code (n, channels, counts..., kernel...)}; what lies outside of x is {@code filling}. */
        Node windows(Node x, Node filling) {
            Node windows = padded(x, filling);
            for (int axis = 0; axis < axes(); axis++) {
                windows = windows(windows, axis);
            }
            return windows;
        }

        /** The adjoint of {@link #windows}. */
        Node addWindows(Node windows) {
            Node x = windows;
            for (int axis = axes() - 1; axis >= 0; axis--) {
                Shape shape = x.shape().without(x.shape().rank() - 1).with(LEADING + axis, reach(axis));
                x = Ops.addWindows(x, new Op.Windows(LEADING + axis, kernel[axis], stride[axis], dilation[axis]),
                    shape);
            }
            long[] low = new long[x.shape().rank()];
            x = pad(x, low, low, paddedShape(x.shape()), zeroOf(x.dtype()));
            for (int axis = 0; axis < axes(); axis++) {
                x = slice(x, LEADING + axis, padding[axis], padding[axis] + extents[axis]);
            }
            return x;
        }

        /** Positions from the first of the first window to the last of the last one. */
        private long reach(int axis) {
            return (counts[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1;
        }

        private Shape paddedShape(Shape shape) {
            long[] padded = new long[axes()];
            Arrays.setAll(padded, axis -> Math.max(reach(axis), extents[axis] + 2 * padding[axis]));
            return withSpatial(shape, padded);
        }

        long taps(String op) {
            return Arrays.stream(kernel).reduce(1, (a, b) -> product(op, a, b));
        }

        long positions(String op) {
            return Arrays.stream(counts).reduce(1, (a, b) -> product(op, a, b));
        }
    }

    private static Shape withSpatial(Shape shape, long[] spatial) {
        long[] extents = Arrays.copyOf(shape.toArray(), LEADING + spatial.length);
        System.arraycopy(spatial, 0, extents, LEADING, spatial.length);
        return Shape.of(extents);
    }

    private static long[] spatial(Shape shape) {
        return Arrays.copyOfRange(shape.toArray(), LEADING, shape.rank());
    }

    private static void requireHalfPadding(String op, Pooling window, Geometry geometry) {
        for (int axis = 0; axis < geometry.axes(); axis++) {
            if (geometry.padding[axis] > geometry.kernel[axis] / 2) {
                throw error("%s: padding %s must be at most half of the kernel %s", op, window.padding(),
                    window.kernel());
            }
        }
    }

    /**
     * The largest element of each window; a NaN wins, and padding never does. Elements that tie share the gradient
     * evenly, as everywhere here; PyTorch gives all of it to the first.
     */
    public static Node maxPool(int spatial, Node x, Pooling window) {
        String op = "maxPool" + spatial + "d";
        requireFloating(op, x.dtype());
        Node batch = ConvolutionOps.batched(op, spatial, x);
        Geometry geometry = Geometry.of(op, window, spatial(batch.shape()));
        requireHalfPadding(op, window, geometry);
        Node padded = geometry.padded(batch, constant(x.dtype(), Double.NEGATIVE_INFINITY));
        MaxPooling pooling = new MaxPooling(Op.longs(geometry.kernel), Op.longs(geometry.stride),
            Op.longs(geometry.dilation));
        return ConvolutionOps.unbatched(spatial, x, fused(pooling, padded));
    }

    /** The mean of each window. */
    public static Node averagePool(int spatial, Node x, Pooling window) {
        String op = "avgPool" + spatial + "d";
        requireFloating(op, x.dtype());
        Node batch = ConvolutionOps.batched(op, spatial, x);
        Geometry geometry = Geometry.of(op, window, spatial(batch.shape()));
        requireHalfPadding(op, window, geometry);
        if (Arrays.stream(geometry.dilation).anyMatch(dilation -> dilation != 1)) {
            throw error("%s: averages have no dilation, but %s was asked for", op, window.dilation());
        }
        Node sums = widen(batch);
        Node y = geometry.padded(sums, zeroOf(sums.dtype()));
        for (int axis = spatial - 1; axis >= 0; axis--) {
            y = geometry.sums(y, axis);
        }
        for (int axis = 0; axis < spatial; axis++) {
            y = div(y, sizes(geometry, axis, window.countIncludePad(), y.dtype(), spatial));
        }
        return ConvolutionOps.unbatched(spatial, x, cast(y, x.dtype()));
    }

    /** How many elements each window counts along an axis: a scalar, or shaped {@code (counts, 1...)}. */
    private static Node sizes(Geometry geometry, int axis, boolean withPadding, DType dtype, int spatial) {
        long from = withPadding ? -geometry.padding[axis] : 0;
        long to = geometry.extents[axis] + (withPadding ? geometry.padding[axis] : 0);
        long first = -geometry.padding[axis];
        long last = first + geometry.reach(axis);
        if (first >= from && last <= to) {
            return constant(dtype, (double) geometry.kernel[axis]);
        }
        Node start = add(mul(iota(DType.I64, geometry.counts[axis]), geometry.stride[axis]), first);
        Node end = min(add(start, geometry.kernel[axis]), constant(DType.I64, to));
        Node sizes = cast(sub(end, max(start, constant(DType.I64, from))), dtype);
        long[] column = new long[spatial - axis];
        Arrays.fill(column, 1);
        column[0] = geometry.counts[axis];
        return reshape(sizes, Shape.of(column));
    }

    /**
     * Pools each spatial axis to a given extent: position i of m takes elements {@code floor(i s / m)} to
     * {@code ceil((i + 1) s / m)} of s, as in PyTorch.
     *
     * @param largest for the largest element, else the mean
     */
    public static Node adaptivePool(int spatial, boolean largest, Node x, long... extents) {
        String op = (largest ? "adaptiveMaxPool" : "adaptiveAvgPool") + spatial + "d";
        requireFloating(op, x.dtype());
        Node batch = ConvolutionOps.batched(op, spatial, x);
        long[] targets = Convolution.perAxis(op, "extents", Op.longs(extents), spatial, 1);
        Node y = largest ? batch : widen(batch);
        for (int axis = LEADING + spatial - 1; axis >= LEADING; axis--) {
            if (y.shape().extent(axis) == 0) {
                throw error("%s: axis %d of x %s is empty", op, axis - LEADING - spatial, x.shape());
            }
            y = adapted(op, largest, y, axis, targets[axis - LEADING]);
        }
        return ConvolutionOps.unbatched(spatial, x, cast(y, x.dtype()));
    }

    private static Node adapted(String op, boolean largest, Node x, int axis, long target) {
        long extent = x.shape().extent(axis);
        // The pattern repeats: of each period's windows there is one slice.
        long periods = Convolution.gcd(extent, target);
        long length = extent / periods;
        long windows = target / periods;
        Node split = reshape(x, x.shape().split(axis, periods, length));
        if (windows > MOST_WINDOWS) {
            throw error("%s: %d parts of an axis of %d need %d windows of their own, more than %d: choose an extent "
                + "that shares a divisor with the axis", op, target, extent, windows, MOST_WINDOWS);
        }
        List<Node> parts = new ArrayList<>();
        for (long i = 0; i < windows; i++) {
            Node part = slice(split, axis + 1, i * length / windows, Math.ceilDiv((i + 1) * length, windows));
            parts.add(largest ? reduce(ReduceOp.MAX, part, true, axis + 1) : mean(part, true, axis + 1));
        }
        return reshape(concat(axis + 1, parts), x.shape().with(axis, target));
    }

    /**
     * The windows of x as columns, PyTorch's {@code unfold} (im2col): {@code (n, channels kernel, positions)} with the
     * elements of a window, and the positions, in row-major order.
     */
    public static Node unfold(Node x, Pooling window) {
        int spatial = x.shape().rank() - LEADING;
        if (spatial < 1) {
            throw error("unfold: x must be (n, channels, spatial axes...), not %s", x.shape());
        }
        Geometry geometry = Geometry.of("unfold", window, spatial(x.shape()));
        Node windows = geometry.windows(x, zeroOf(x.dtype()));
        int[] order = new int[LEADING + 2 * spatial];
        Arrays.setAll(order, i -> i < LEADING ? i : i < LEADING + spatial ? i + spatial : i - spatial);
        return reshape(permute(windows, order), Shape.of(x.shape().extent(0),
            product("unfold", x.shape().extent(1), geometry.taps("unfold")), geometry.positions("unfold")));
    }

    /**
     * The adjoint of {@link #unfold}, PyTorch's {@code fold}: columns {@code (n, channels kernel, positions)} are added
     * up to {@code (n, channels, extents...)}.
     */
    public static Node fold(Node columns, Pooling window, long... extents) {
        int spatial = extents.length;
        if (spatial == 0) {
            throw error("fold: needs the spatial extents of the result, one for each axis");
        }
        Geometry geometry = Geometry.of("fold", window, extents);
        if (columns.dtype().isBoolean()) {
            throw error("fold: does not take bool tensors: cast %s to a number type first", columns.type());
        }
        long taps = geometry.taps("fold");
        if (columns.shape().rank() != 3 || columns.shape().extent(1) % taps != 0
            || columns.shape().extent(2) != geometry.positions("fold")) {
            throw error("fold: columns must be (n, channels times %d, %d) for a result %s but are %s", taps,
                geometry.positions("fold"), Shape.of(extents), columns.shape());
        }
        long[] split = new long[LEADING + 2 * spatial];
        split[0] = columns.shape().extent(0);
        split[1] = columns.shape().extent(1) / taps;
        System.arraycopy(geometry.kernel, 0, split, LEADING, spatial);
        System.arraycopy(geometry.counts, 0, split, LEADING + spatial, spatial);
        int[] order = new int[split.length];
        Arrays.setAll(order, i -> i < LEADING ? i : i < LEADING + spatial ? i + spatial : i - spatial);
        Node windows = permute(reshape(widen(columns), Shape.of(split)), order);
        return cast(geometry.addWindows(windows), columns.dtype());
    }
}

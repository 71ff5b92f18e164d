package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.LongStream;

/**
 * Convolution over any number of spatial axes, general enough that its gradients are convolutions too, as XLA's
 * {@code conv_general_dilated}. Inputs: x {@code (n, g, c, spatial...)} and kernel {@code (g, o, c, extents...)} of one
 * dtype; result {@code (n, g, o, positions...)}:
 *
 * <pre>{@code y[n, g, o, p] = sum over c, k of x'[n, g, c, p stride + k kernelDilation - low] kernel[g, o, c, k]}</pre>
 *
 * where x' is x with {@code inputDilation - 1} zeros between neighbors, and zeros all around. Groups are an axis of
 * their own: so nothing but the order of axes changes from a convolution to its gradients. All lists hold a number per
 * spatial axis.
 *
 * @param low zeros in front of each axis; negative to leave elements out
 * @param high likewise behind
 */
public record GeneralConvolution(List<Long> stride, List<Long> low, List<Long> high, List<Long> inputDilation,
    List<Long> kernelDilation) implements Op.Fused {
    /** Axes before the spatial ones. */
    public static final int LEADING = 3;
    /** Fewer positions per image than these share one product over all images. */
    private static final long FEW_POSITIONS = 256;

    @Override
    public String name() {
        return "convolution";
    }

    /** How many elements apart the first and last element of a kernel are, plus 1. */
    private long span(int axis, long kernel) {
        return (kernel - 1) * kernelDilation.get(axis) + 1;
    }

    private static long dilated(long extent, long dilation) {
        return extent == 0 ? 0 : (extent - 1) * dilation + 1;
    }

    /** Positions along a spatial axis; none where the kernel does not fit. */
    long positions(int axis, long extent, long kernel) {
        long room = dilated(extent, inputDilation.get(axis)) + low.get(axis) + high.get(axis) - span(axis, kernel);
        return room < 0 ? 0 : room / stride.get(axis) + 1;
    }

    @Override
    public List<TensorType> infer(List<TensorType> inputs) {
        Shape x = inputs.get(0).shape();
        Shape kernel = inputs.get(1).shape();
        long[] extents = x.toArray();
        extents[2] = kernel.extent(1);
        for (int axis = 0; axis < stride.size(); axis++) {
            extents[LEADING + axis] = positions(axis, x.extent(LEADING + axis), kernel.extent(LEADING + axis));
        }
        return List.of(new TensorType(inputs.getFirst().dtype(), Shape.of(extents)));
    }

    /** Examples that share the kernel are more images; those with kernels of their own are more groups. */
    @Override
    public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
        Node x = inputs.get(0);
        Node kernel = inputs.get(1);
        if (!mapped[1]) {
            Node y = fused(this, merged(x, 0), kernel);
            return List.of(reshape(y, y.shape().split(0, extent, x.shape().extent(1))));
        }
        Node all = mapped[0] ? transpose(x, 0, 1)
            : broadcastTo(AxisOps.unsqueeze(x, 1), x.shape().split(1, extent, x.shape().extent(1)));
        Node y = fused(this, merged(all, 1), merged(kernel, 0));
        return List.of(transpose(reshape(y, y.shape().split(1, extent, kernel.shape().extent(1))), 0, 1));
    }

    /** Axes {@code axis} and {@code axis + 1} as one. */
    private static Node merged(Node x, int axis) {
        long both = x.shape().extent(axis) * x.shape().extent(axis + 1);
        return reshape(x, x.shape().without(axis).with(axis, both));
    }

    /** Whether it is a matrix product of the kernel, one tap for each channel, and x as it lies. */
    public boolean isProduct(List<TensorType> inputs) {
        Shape kernel = inputs.get(1).shape();
        boolean moves = false;
        for (int axis = 0; axis < stride.size(); axis++) {
            moves |= kernel.extent(LEADING + axis) != 1 || stride.get(axis) != 1 || low.get(axis) != 0
                || high.get(axis) != 0 || inputDilation.get(axis) != 1;
        }
        return !moves;
    }

    /** The first spatial axis along which positions meet zeros between elements of x alone at some taps; or -1. */
    private int gappedAxis() {
        for (int axis = 0; axis < stride.size(); axis++) {
            if (inputDilation.get(axis) > 1 && stride.get(axis) == 1) {
                return axis;
            }
        }
        return -1;
    }

    /** Whether most products would be with zeros, and it is better {@linkplain #decompose decomposed}. */
    public boolean isGapped() {
        return gappedAxis() >= 0;
    }

    /**
     * Matrix products of the kernel and patches of x, copied one beside the other. 16-bit products sum in F32. Where
     * there are zeros between the elements of x, it is several convolutions without them, whose positions alternate.
     */
    @Override
    public Node[] decompose(List<Node> inputs) {
        if (isGapped()) {
            return new Node[] {alternating(inputs.get(0), inputs.get(1), gappedAxis())};
        }
        int rank = stride.size();
        Node kernel = inputs.get(1);
        Node windows = padded(inputs.get(0));
        for (int axis = 0; axis < rank; axis++) {
            windows = windows(windows, LEADING + axis, kernel.shape().extent(LEADING + axis), stride.get(axis),
                kernelDilation.get(axis));
        }
        // (n, g, c, positions..., extents...)
        Shape shape = windows.shape();
        long n = shape.extent(0);
        long groups = shape.extent(1);
        long out = kernel.shape().extent(1);
        long depth = shape.extent(2) * extents(shape, LEADING + rank, LEADING + 2 * rank).reduce(1, (a, b) -> a * b);
        long positions = extents(shape, LEADING, LEADING + rank).reduce(1, (a, b) -> a * b);
        Node weights = reshape(kernel, Shape.of(groups, out, depth));
        long[] result = infer(List.of(inputs.get(0).type(), kernel.type())).getFirst().shape().toArray();
        int[] places = axes(LEADING, LEADING + rank);
        int[] taps = axes(LEADING + rank, LEADING + 2 * rank);
        if (n > 1 && positions >= FEW_POSITIONS) {
            Node patches = reshape(permute(windows, joined(new int[] {0, 1, 2}, taps, places)),
                Shape.of(n, groups, depth, positions));
            return new Node[] {reshape(matmul(reshape(weights, Shape.of(1, groups, out, depth)), patches),
                Shape.of(result))};
        }
        // What there is more of lies innermost, so that copies run along memory.
        boolean placesInside = positions * n >= depth;
        Node patches = placesInside
            ? reshape(permute(windows, joined(new int[] {1, 2}, taps, new int[] {0}, places)),
                Shape.of(groups, depth, n * positions))
            : transpose(reshape(permute(windows, joined(new int[] {1, 0}, places, new int[] {2}, taps)),
                Shape.of(groups, n * positions, depth)));
        long[] split = result.clone();
        split[0] = groups;
        split[1] = out;
        split[2] = n;
        Node product = reshape(matmul(weights, patches), Shape.of(split));
        return new Node[] {permute(product, joined(new int[] {2, 0, 1}, places))};
    }

    /**
     * Of d positions in a row, each meets elements of x at taps of its own, which are the same d positions further: one
     * convolution without gaps for each.
     */
    private Node alternating(Node x, Node kernel, int axis) {
        int i = LEADING + axis;
        long gap = inputDilation.get(axis);
        Shape shape = infer(List.of(x.type(), kernel.type())).getFirst().shape();
        long taps = kernel.shape().extent(i);
        long count = Math.ceilDiv(shape.extent(i), gap);
        List<Node> parts = new ArrayList<>();
        for (long position = 0; position < gap; position++) {
            long first = 0;
            while (first < Math.min(taps, gap) && Math.floorMod(position + first * kernelDilation.get(axis)
                - low.get(axis), gap) != 0) {
                first++;
            }
            Shape part = shape.with(i, count);
            parts.add(first >= Math.min(taps, gap) ? full(x.dtype(), part, 0)
                : without(axis, x, kernel, position, first, count));
        }
        long[] split = new long[shape.rank() + 1];
        for (int j = 0; j < split.length; j++) {
            split[j] = j < i ? shape.extent(j) : j == i ? count : j == i + 1 ? 1 : shape.extent(j - 1);
        }
        List<Node> columns = parts.stream().map(part -> reshape(part, Shape.of(split))).toList();
        Node joined = reshape(concat(i + 1, columns), shape.with(i, count * gap));
        return slice(joined, i, 0, shape.extent(i));
    }

    /** Every gap-th position from {@code position} on, whose first tap that meets an element is {@code first}. */
    private Node without(int axis, Node x, Node kernel, long position, long first, long count) {
        int i = LEADING + axis;
        long gap = inputDilation.get(axis);
        long dilation = kernelDilation.get(axis);
        long step = gap / Convolution.gcd(dilation, gap);
        long taps = (kernel.shape().extent(i) - 1 - first) / step + 1;
        List<Long> starts = new ArrayList<>(Collections.nCopies(kernel.shape().rank(), 0L));
        List<Long> steps = new ArrayList<>(Collections.nCopies(kernel.shape().rank(), 1L));
        starts.set(i, first);
        steps.set(i, step);
        Node part = slice(kernel, starts, steps, kernel.shape().with(i, taps));
        long closer = step * dilation / gap;
        long before = -(position + first * dilation - low.get(axis)) / gap;
        long behind = count - 1 + (taps - 1) * closer + 1 - before - x.shape().extent(i);
        GeneralConvolution convolution = new GeneralConvolution(stride, with(low, axis, before),
            with(high, axis, behind), with(inputDilation, axis, 1), with(kernelDilation, axis, closer));
        return fused(convolution, x, part);
    }

    private static List<Long> with(List<Long> values, int index, long value) {
        List<Long> changed = new ArrayList<>(values);
        changed.set(index, value);
        return List.copyOf(changed);
    }

    /** x with zeros between and around its elements, or without some at its ends. */
    private Node padded(Node x) {
        int rank = x.shape().rank();
        long[] lows = new long[rank];
        long[] interior = new long[rank];
        long[] extents = x.shape().toArray();
        long[] starts = new long[rank];
        long[] kept = x.shape().toArray();
        for (int axis = 0; axis < stride.size(); axis++) {
            int i = LEADING + axis;
            lows[i] = Math.max(0, low.get(axis));
            interior[i] = inputDilation.get(axis) - 1;
            starts[i] = Math.max(0, -low.get(axis));
            long dilated = dilated(x.shape().extent(i), inputDilation.get(axis));
            extents[i] = lows[i] + dilated + Math.max(0, high.get(axis));
            kept[i] = Math.max(0, dilated + low.get(axis) + high.get(axis));
        }
        Node wide = pad(x, lows, interior, Shape.of(extents), zeroOf(x.dtype()));
        Long[] steps = new Long[rank];
        Arrays.fill(steps, 1L);
        return slice(wide, Op.longs(starts), List.of(steps), Shape.of(kept));
    }

    private static LongStream extents(Shape shape, int from, int to) {
        return Arrays.stream(shape.toArray(), from, to);
    }

    private static int[] axes(int from, int to) {
        int[] axes = new int[to - from];
        Arrays.setAll(axes, i -> from + i);
        return axes;
    }

    private static int[] joined(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }

    @Override
    public Node[] gradient(Node node, Node[] cotangents) {
        Node x = node.input(0);
        Node kernel = node.input(1);
        Node dy = cotangents[0];
        if (node.shape().isEmpty()) {
            return new Node[] {zerosLike(x), zerosLike(kernel)};
        }
        int rank = stride.size();
        long[] lowX = new long[rank];
        long[] highX = new long[rank];
        long[] highKernel = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
            long taps = kernel.shape().extent(LEADING + axis);
            long room = dilated(x.shape().extent(LEADING + axis), inputDilation.get(axis));
            long reached = dilated(dy.shape().extent(LEADING + axis), stride.get(axis));
            lowX[axis] = span(axis, taps) - 1 - low.get(axis);
            highX[axis] = room + low.get(axis) - reached;
            highKernel[axis] = span(axis, taps) + reached - 1 - room - low.get(axis);
        }
        int[] spatial = axes(LEADING, LEADING + rank);
        // dx (n, g, c, s) = dy (n, g, o, p), spread by the stride, with the kernel (g, c, o, k) backwards
        GeneralConvolution forX =
            new GeneralConvolution(inputDilation, Op.longs(lowX), Op.longs(highX), stride, kernelDilation);
        Node dx = fused(forX, dy, flip(permute(kernel, joined(new int[] {0, 2, 1}, spatial)), spatial));
        // dkernel (c, g, o, k) = x (c, g, n, s) with dy (g, o, n, p) as the kernel, dilated by the stride
        GeneralConvolution forKernel =
            new GeneralConvolution(kernelDilation, low, Op.longs(highKernel), inputDilation, stride);
        Node dkernel = fused(forKernel, permute(x, joined(new int[] {2, 1, 0}, spatial)),
            permute(dy, joined(new int[] {1, 2, 0}, spatial)));
        return new Node[] {dx, permute(dkernel, joined(new int[] {1, 2, 0}, spatial))};
    }
}

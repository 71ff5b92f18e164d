package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.Arrays;

/**
 * Convolutions of tensors {@code (n, channels, spatial...)}, and of single images without the first axis.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class ConvolutionOps {
    private ConvolutionOps() { }

    /**
     * {@code y[n, o, p] = bias[o] + sum over c, k of x[n, c, p stride + k dilation - padding] kernel[o, c, k]}: what
     * PyTorch calls a convolution (the kernel is not turned over).
     *
     * @param spatial how many spatial axes there are
     * @param kernel {@code (out, channels / groups, extents...)}
     * @param bias {@code (out)}, or null
     */
    public static Node convolution(int spatial, Node x, Node kernel, Node bias, Convolution settings) {
        String op = "conv" + spatial + "d";
        Node batch = batched(op, spatial, x);
        requireKernel(op, spatial, kernel);
        long[] stride = Convolution.perAxis(op, "stride", settings.stride(), spatial, 1);
        long[] dilation = Convolution.perAxis(op, "dilation", settings.dilation(), spatial, 1);
        long[] low = Convolution.perAxis(op, "padding", settings.padding(), spatial, 0);
        long[] high = low.clone();
        long groups = requireGroups(op, settings, batch.shape().extent(1), kernel.shape().extent(0));
        if (kernel.shape().extent(1) * groups != batch.shape().extent(1)) {
            throw error("%s: with %d groups, the kernel %s takes %d channels but x %s has %d", op, groups,
                kernel.shape(), kernel.shape().extent(1) * groups, x.shape(), batch.shape().extent(1));
        }
        for (int axis = 0; axis < spatial; axis++) {
            long span = Convolution.span(kernel.shape().extent(2 + axis), dilation[axis]);
            if (settings.same()) {
                if (stride[axis] != 1) {
                    throw error("%s: padding \"same\" needs stride 1, not %s: say how much padding", op,
                        settings.stride());
                }
                low[axis] = (span - 1) / 2;
                high[axis] = span - 1 - low[axis];
            }
            if (batch.shape().extent(2 + axis) + low[axis] + high[axis] < span) {
                throw error("%s: the kernel %s with dilation %d is longer than axis %d of x %s with padding %d and %d",
                    op, kernel.shape(), dilation[axis], axis - spatial, x.shape(), low[axis], high[axis]);
            }
        }
        requireBias(op, bias, kernel.shape().extent(0));
        DType dtype = common(op, batch, kernel, bias);
        long[] once = new long[spatial];
        Arrays.fill(once, 1);
        GeneralConvolution general = new GeneralConvolution(Op.longs(stride), Op.longs(low), Op.longs(high),
            Op.longs(once), Op.longs(dilation));
        Node y = fused(general, grouped(cast(batch, dtype), 1, groups), grouped(cast(kernel, dtype), 0, groups));
        return unbatched(spatial, x, biased(merged(y), bias));
    }

    /**
     * The adjoint of {@link #convolution} with the same settings, as PyTorch's {@code conv_transpose}: an axis of
     * extent s becomes {@code (s - 1) stride - 2 padding + (k - 1) dilation + 1 + outputPadding}.
     *
     * @param kernel {@code (channels, out / groups, extents...)}
     * @param bias {@code (out)}, or null
     */
    public static Node transposed(int spatial, Node x, Node kernel, Node bias, Convolution settings) {
        String op = "convTranspose" + spatial + "d";
        Node batch = batched(op, spatial, x);
        requireKernel(op, spatial, kernel);
        if (settings.same()) {
            throw error("%s: padding \"same\" is for convolutions: say how much padding", op);
        }
        long[] stride = Convolution.perAxis(op, "stride", settings.stride(), spatial, 1);
        long[] dilation = Convolution.perAxis(op, "dilation", settings.dilation(), spatial, 1);
        long[] padding = Convolution.perAxis(op, "padding", settings.padding(), spatial, 0);
        long[] extra = Convolution.perAxis(op, "outputPadding", settings.outputPadding(), spatial, 0);
        long channels = batch.shape().extent(1);
        long groups = requireGroups(op, settings, channels, kernel.shape().extent(0));
        if (kernel.shape().extent(0) != channels) {
            throw error("%s: the kernel %s takes %d channels but x %s has %d", op, kernel.shape(),
                kernel.shape().extent(0), x.shape(), channels);
        }
        long[] low = new long[spatial];
        long[] high = new long[spatial];
        for (int axis = 0; axis < spatial; axis++) {
            long span = Convolution.span(kernel.shape().extent(2 + axis), dilation[axis]);
            if (extra[axis] > 0 && extra[axis] >= Math.max(stride[axis], dilation[axis])) {
                throw error("%s: outputPadding %s must be less than stride %s or dilation %s", op,
                    settings.outputPadding(), settings.stride(), settings.dilation());
            }
            low[axis] = span - 1 - padding[axis];
            high[axis] = low[axis] + extra[axis];
            long extent = batch.shape().extent(2 + axis);
            if (extent == 0 || Convolution.span(extent, stride[axis]) + low[axis] + high[axis] < span) {
                throw error("%s: nothing is left of axis %d of x %s with kernel %s and padding %d", op,
                    axis - spatial, x.shape(), kernel.shape(), padding[axis]);
            }
        }
        requireBias(op, bias, kernel.shape().extent(1) * groups);
        DType dtype = common(op, batch, kernel, bias);
        long[] once = new long[spatial];
        Arrays.fill(once, 1);
        GeneralConvolution general = new GeneralConvolution(Op.longs(once), Op.longs(low), Op.longs(high),
            Op.longs(stride), Op.longs(dilation));
        // (g, channels, out, k) becomes (g, out, channels, k), backwards.
        Node weights = transpose(grouped(cast(kernel, dtype), 0, groups), 1, 2);
        int[] axes = new int[spatial];
        Arrays.setAll(axes, axis -> GeneralConvolution.LEADING + axis);
        Node y = fused(general, grouped(cast(batch, dtype), 1, groups), flip(weights, axes));
        return unbatched(spatial, x, biased(merged(y), bias));
    }

    /** With an axis for the batch. */
    static Node batched(String op, int spatial, Node x) {
        int rank = x.shape().rank();
        Convolution.requireCountable(op, x.shape().toArray());
        if (rank == spatial + 1) {
            long[] extents = new long[rank + 1];
            extents[0] = 1;
            System.arraycopy(x.shape().toArray(), 0, extents, 1, rank);
            return reshape(x, Shape.of(extents));
        }
        if (rank != spatial + 2) {
            throw error("%s: x must be (n, channels, %d spatial axes) or without n, not %s", op, spatial, x.shape());
        }
        return x;
    }

    /** {@code y} without the axis for the batch that {@link #batched} added to x, if it did. */
    static Node unbatched(int spatial, Node x, Node y) {
        return x.shape().rank() == spatial + 2 ? y : reshape(y, y.shape().without(0));
    }

    private static void requireKernel(String op, int spatial, Node kernel) {
        if (kernel.shape().rank() != spatial + 2 || kernel.shape().isEmpty()) {
            throw error("%s: the kernel must have two axes for channels and %d spatial ones, none empty, not %s", op,
                spatial, kernel.shape());
        }
    }

    private static long requireGroups(String op, Convolution settings, long channels, long out) {
        long groups = settings.groups();
        if (groups < 1 || channels % groups != 0 || out % groups != 0) {
            throw error("%s: %d groups must divide the channels of x, %d, and the first axis of the kernel, %d", op,
                groups, channels, out);
        }
        return groups;
    }

    private static void requireBias(String op, Node bias, long out) {
        if (bias != null && !bias.shape().equals(Shape.of(out))) {
            throw error("%s: the bias must be (%d) but is %s", op, out, bias.shape());
        }
    }

    private static DType common(String op, Node x, Node kernel, Node bias) {
        DType dtype = DType.promote(x.dtype(), kernel.dtype());
        requireFloating(op, dtype);
        requireFloating(op, bias == null ? dtype : bias.dtype());
        return dtype;
    }

    /** Axis {@code axis} in two: groups and what is in one. */
    private static Node grouped(Node x, int axis, long groups) {
        return reshape(x, x.shape().split(axis, groups, x.shape().extent(axis) / groups));
    }

    /** {@code (n, g, o, p...)} as {@code (n, g o, p...)}. */
    private static Node merged(Node y) {
        long[] extents = y.shape().without(1).toArray();
        extents[1] = y.shape().extent(1) * y.shape().extent(2);
        return reshape(y, Shape.of(extents));
    }

    private static Node biased(Node y, Node bias) {
        if (bias == null) {
            return y;
        }
        long[] column = new long[y.shape().rank() - 1];
        Arrays.fill(column, 1);
        column[0] = bias.shape().extent(0);
        return add(y, reshape(bias, Shape.of(column)));
    }
}

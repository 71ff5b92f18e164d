package org.adjoint;

import org.adjoint.graph.Convolution;
import org.adjoint.graph.ConvolutionOps;
import org.adjoint.graph.Interpolation;
import org.adjoint.graph.InterpolationOps;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Pooling;
import org.adjoint.graph.PoolingOps;

/**
 * Convolution, pooling and resampling of a {@link Tensor} {@code (n, channels, spatial...)}; convolutions and poolings
 * also take one image {@code (channels, spatial...)}.
 */
public sealed interface ConvolutionMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    /** See {@link #conv2d(Tensor, Tensor, Convolution)}; x is {@code (n, channels, length)}. */
    default Tensor conv1d(Tensor kernel, Tensor bias, Convolution settings) {
        return convolution(1, kernel, bias, settings);
    }

    /**
     * {@code y[n, o, p] = bias[o] + sum over c, k of x[n, c, p stride + k dilation - padding] kernel[o, c, k]}.
     *
     * @param kernel {@code (out, channels / groups, height, width)}
     * @param bias {@code (out)}, or null
     */
    default Tensor conv2d(Tensor kernel, Tensor bias, Convolution settings) {
        return convolution(2, kernel, bias, settings);
    }

    /** See {@link #conv2d(Tensor, Tensor, Convolution)}; x is {@code (n, channels, depth, height, width)}. */
    default Tensor conv3d(Tensor kernel, Tensor bias, Convolution settings) {
        return convolution(3, kernel, bias, settings);
    }

    private Tensor convolution(int spatial, Tensor kernel, Tensor bias, Convolution settings) {
        return self().apply("conv" + spatial + "d",
            x -> ConvolutionOps.convolution(spatial, x.get(0), x.get(1), x.get(2), settings), kernel, bias);
    }

    /** See {@link #convTranspose2d(Tensor, Tensor, Convolution)}; x is {@code (n, channels, length)}. */
    default Tensor convTranspose1d(Tensor kernel, Tensor bias, Convolution settings) {
        return transposedConvolution(1, kernel, bias, settings);
    }

    /**
     * The adjoint of {@link #conv2d(Tensor, Tensor, Convolution)} with the same settings, plus the bias: an axis of
     * extent s becomes {@code (s - 1) stride - 2 padding + (k - 1) dilation + 1 + outputPadding}.
     *
     * @param kernel {@code (channels, out / groups, height, width)}
     * @param bias {@code (out)}, or null
     */
    default Tensor convTranspose2d(Tensor kernel, Tensor bias, Convolution settings) {
        return transposedConvolution(2, kernel, bias, settings);
    }

    /** See {@link #convTranspose2d(Tensor, Tensor, Convolution)}; x is {@code (n, channels, depth, height, width)}. */
    default Tensor convTranspose3d(Tensor kernel, Tensor bias, Convolution settings) {
        return transposedConvolution(3, kernel, bias, settings);
    }

    private Tensor transposedConvolution(int spatial, Tensor kernel, Tensor bias, Convolution settings) {
        return self().apply("convTranspose" + spatial + "d",
            x -> ConvolutionOps.transposed(spatial, x.get(0), x.get(1), x.get(2), settings), kernel, bias);
    }

    /** See {@link #maxPool2d}. */
    default Tensor maxPool1d(Pooling window) {
        return self().map("maxPool1d", x -> PoolingOps.maxPool(1, x, window));
    }

    /** The largest element of each window. Elements that tie share the gradient evenly. */
    default Tensor maxPool2d(Pooling window) {
        return self().map("maxPool2d", x -> PoolingOps.maxPool(2, x, window));
    }

    /** See {@link #maxPool2d}. */
    default Tensor maxPool3d(Pooling window) {
        return self().map("maxPool3d", x -> PoolingOps.maxPool(3, x, window));
    }

    /** See {@link #avgPool2d}. */
    default Tensor avgPool1d(Pooling window) {
        return self().map("avgPool1d", x -> PoolingOps.averagePool(1, x, window));
    }

    /** The mean of each window. */
    default Tensor avgPool2d(Pooling window) {
        return self().map("avgPool2d", x -> PoolingOps.averagePool(2, x, window));
    }

    /** See {@link #avgPool2d}. */
    default Tensor avgPool3d(Pooling window) {
        return self().map("avgPool3d", x -> PoolingOps.averagePool(3, x, window));
    }

    /** See {@link #adaptiveMaxPool2d}. */
    default Tensor adaptiveMaxPool1d(long extent) {
        return self().map("adaptiveMaxPool1d", x -> PoolingOps.adaptivePool(1, true, x, extent));
    }

    /** The largest elements of as many windows as the result is to have; one extent serves for both axes. */
    default Tensor adaptiveMaxPool2d(long... extents) {
        return self().map("adaptiveMaxPool2d", x -> PoolingOps.adaptivePool(2, true, x, extents));
    }

    /** See {@link #adaptiveMaxPool2d}. */
    default Tensor adaptiveMaxPool3d(long... extents) {
        return self().map("adaptiveMaxPool3d", x -> PoolingOps.adaptivePool(3, true, x, extents));
    }

    /** See {@link #adaptiveAvgPool2d}. */
    default Tensor adaptiveAvgPool1d(long extent) {
        return self().map("adaptiveAvgPool1d", x -> PoolingOps.adaptivePool(1, false, x, extent));
    }

    /** The means of as many windows as the result is to have; one extent serves for both axes. */
    default Tensor adaptiveAvgPool2d(long... extents) {
        return self().map("adaptiveAvgPool2d", x -> PoolingOps.adaptivePool(2, false, x, extents));
    }

    /** See {@link #adaptiveAvgPool2d}. */
    default Tensor adaptiveAvgPool3d(long... extents) {
        return self().map("adaptiveAvgPool3d", x -> PoolingOps.adaptivePool(3, false, x, extents));
    }

    /**
     * Windows of {@code size} elements, {@code dilation} apart, that begin every {@code step} elements of an axis,
     * which becomes their number; the place within a window is a last axis more. A view; PyTorch's {@code
     * Tensor.unfold}.
     */
    default Tensor windows(int axis, long size, long step, long dilation) {
        return self().map("windows", x -> Ops.windows(x, axis, size, step, dilation));
    }

    /** Windows as columns, {@code (n, channels kernel, positions)}: im2col. */
    default Tensor unfold(Pooling window) {
        return self().map("unfold", x -> PoolingOps.unfold(x, window));
    }

    /** Adds up what {@link #unfold} laid apart: {@code (n, channels kernel, positions)} to {@code extents}. */
    default Tensor fold(Pooling window, long... extents) {
        return self().map("fold", x -> PoolingOps.fold(x, window, extents));
    }

    /** Resampled to spatial {@code extents}, of which one serves for all axes; elements are cells. */
    default Tensor interpolate(Interpolation mode, long... extents) {
        return interpolate(mode, false, extents);
    }

    /** As the other; with {@code alignCorners} the first and last elements of an axis stay where they are. */
    default Tensor interpolate(Interpolation mode, boolean alignCorners, long... extents) {
        return self().map("interpolate", x -> InterpolationOps.interpolate(x, mode, alignCorners, extents));
    }
}

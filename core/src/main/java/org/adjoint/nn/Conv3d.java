package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.Shape;

/**
 * Convolution of {@code (n, in, depth, height, width)}: see {@link Tensor#conv3d}. Parameters: {@code weight (out, in
 * / groups, depth, height, width)}, {@code bias (out)}; both start uniform in {@code [-1, 1) / sqrt(fanIn)}, as in
 * PyTorch ({@code kaiming_uniform_} with {@code a = sqrt(5)}), where the fan-in counts what is behind the weight's
 * first axis.
 */
public final class Conv3d extends ConvolutionLayer<Conv3d> {
    private Conv3d(long in, long out, Shape kernel, Convolution settings, boolean biased) {
        super(false, in, out, requireAxes("Conv3d", 3, kernel), settings, biased);
    }

    /** With stride 1 and no padding. */
    public static Conv3d of(long in, long out, long kernel) {
        return of(in, out, kernel, Convolution.DEFAULT);
    }

    /** @param kernel its extent along every axis */
    public static Conv3d of(long in, long out, long kernel, Convolution settings) {
        return of(in, out, cube(3, kernel), settings);
    }

    public static Conv3d of(long in, long out, Shape kernel, Convolution settings) {
        return new Conv3d(in, out, kernel, settings, true);
    }

    public static Conv3d withoutBias(long in, long out, long kernel, Convolution settings) {
        return withoutBias(in, out, cube(3, kernel), settings);
    }

    public static Conv3d withoutBias(long in, long out, Shape kernel, Convolution settings) {
        return new Conv3d(in, out, kernel, settings, false);
    }

    @Override
    Tensor apply(Tensor x, Tensor weight, Tensor bias, Convolution settings) {
        return x.conv3d(weight, bias, settings);
    }
}

package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.Shape;

/**
 * Convolution of {@code (n, in, height, width)}: see {@link Tensor#conv2d}. Parameters: {@code weight (out, in /
 * groups, height, width)}, {@code bias (out)}; both start uniform in {@code [-1, 1) / sqrt(fanIn)}, as in PyTorch
 * ({@code kaiming_uniform_} with {@code a = sqrt(5)}), where the fan-in counts what is behind the weight's first axis.
 */
public final class Conv2d extends ConvolutionLayer<Conv2d> {
    private Conv2d(long in, long out, Shape kernel, Convolution settings, boolean biased) {
        super(false, in, out, requireAxes("Conv2d", 2, kernel), settings, biased);
    }

    /** With stride 1 and no padding. */
    public static Conv2d of(long in, long out, long kernel) {
        return of(in, out, kernel, Convolution.DEFAULT);
    }

    /** @param kernel its extent along every axis */
    public static Conv2d of(long in, long out, long kernel, Convolution settings) {
        return of(in, out, cube(2, kernel), settings);
    }

    public static Conv2d of(long in, long out, Shape kernel, Convolution settings) {
        return new Conv2d(in, out, kernel, settings, true);
    }

    public static Conv2d withoutBias(long in, long out, long kernel, Convolution settings) {
        return withoutBias(in, out, cube(2, kernel), settings);
    }

    public static Conv2d withoutBias(long in, long out, Shape kernel, Convolution settings) {
        return new Conv2d(in, out, kernel, settings, false);
    }

    @Override
    Tensor apply(Tensor x, Tensor weight, Tensor bias, Convolution settings) {
        return x.conv2d(weight, bias, settings);
    }
}

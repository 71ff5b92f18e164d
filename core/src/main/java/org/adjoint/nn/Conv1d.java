package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.Shape;

/**
 * Convolution of {@code (n, in, length)}: see {@link Tensor#conv1d}. Parameters: {@code weight (out, in / groups,
 * length)}, {@code bias (out)}; both start uniform in {@code [-1, 1) / sqrt(fanIn)}, as in PyTorch ({@code
 * kaiming_uniform_} with {@code a = sqrt(5)}), where the fan-in counts what is behind the weight's first axis.
 */
public final class Conv1d extends ConvolutionLayer<Conv1d> {
    private Conv1d(long in, long out, Shape kernel, Convolution settings, boolean biased) {
        super(false, in, out, requireAxes("Conv1d", 1, kernel), settings, biased);
    }

    /** With stride 1 and no padding. */
    public static Conv1d of(long in, long out, long kernel) {
        return of(in, out, kernel, Convolution.DEFAULT);
    }

    /** @param kernel its extent */
    public static Conv1d of(long in, long out, long kernel, Convolution settings) {
        return of(in, out, cube(1, kernel), settings);
    }

    public static Conv1d of(long in, long out, Shape kernel, Convolution settings) {
        return new Conv1d(in, out, kernel, settings, true);
    }

    public static Conv1d withoutBias(long in, long out, long kernel, Convolution settings) {
        return withoutBias(in, out, cube(1, kernel), settings);
    }

    public static Conv1d withoutBias(long in, long out, Shape kernel, Convolution settings) {
        return new Conv1d(in, out, kernel, settings, false);
    }

    @Override
    Tensor apply(Tensor x, Tensor weight, Tensor bias, Convolution settings) {
        return x.conv1d(weight, bias, settings);
    }
}

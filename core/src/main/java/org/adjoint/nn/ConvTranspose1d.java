package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.Shape;

/**
 * The adjoint of a convolution of {@code (n, in, length)}: see {@link Tensor#convTranspose1d}. Parameters: {@code
 * weight (in, out / groups, length)}, {@code bias (out)}; both start uniform in {@code [-1, 1) / sqrt(fanIn)}, as in
 * PyTorch ({@code kaiming_uniform_} with {@code a = sqrt(5)}), where the fan-in counts what is behind the weight's
 * first axis.
 */
public final class ConvTranspose1d extends ConvolutionLayer<ConvTranspose1d> {
    private ConvTranspose1d(long in, long out, Shape kernel, Convolution settings, boolean biased) {
        super(true, in, out, requireAxes("ConvTranspose1d", 1, kernel), settings, biased);
    }

    /** With stride 1 and no padding. */
    public static ConvTranspose1d of(long in, long out, long kernel) {
        return of(in, out, kernel, Convolution.DEFAULT);
    }

    /** @param kernel its extent */
    public static ConvTranspose1d of(long in, long out, long kernel, Convolution settings) {
        return of(in, out, cube(1, kernel), settings);
    }

    public static ConvTranspose1d of(long in, long out, Shape kernel, Convolution settings) {
        return new ConvTranspose1d(in, out, kernel, settings, true);
    }

    public static ConvTranspose1d withoutBias(long in, long out, long kernel, Convolution settings) {
        return withoutBias(in, out, cube(1, kernel), settings);
    }

    public static ConvTranspose1d withoutBias(long in, long out, Shape kernel, Convolution settings) {
        return new ConvTranspose1d(in, out, kernel, settings, false);
    }

    @Override
    Tensor apply(Tensor x, Tensor weight, Tensor bias, Convolution settings) {
        return x.convTranspose1d(weight, bias, settings);
    }
}

package org.adjoint.nn;

import org.adjoint.Tensor;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.Shape;

/**
 * The adjoint of a convolution of {@code (n, in, height, width)}: see {@link Tensor#convTranspose2d}. Parameters:
 * {@code weight (in, out / groups, height, width)}, {@code bias (out)}; both start uniform in {@code [-1, 1) /
 * sqrt(fanIn)}, as in PyTorch ({@code kaiming_uniform_} with {@code a = sqrt(5)}), where the fan-in counts what is
 * behind the weight's first axis.
 */
public final class ConvTranspose2d extends ConvolutionLayer<ConvTranspose2d> {
    private ConvTranspose2d(long in, long out, Shape kernel, Convolution settings, boolean biased) {
        super(true, in, out, requireAxes("ConvTranspose2d", 2, kernel), settings, biased);
    }

    /** With stride 1 and no padding. */
    public static ConvTranspose2d of(long in, long out, long kernel) {
        return of(in, out, kernel, Convolution.DEFAULT);
    }

    /** @param kernel its extent along every axis */
    public static ConvTranspose2d of(long in, long out, long kernel, Convolution settings) {
        return of(in, out, cube(2, kernel), settings);
    }

    public static ConvTranspose2d of(long in, long out, Shape kernel, Convolution settings) {
        return new ConvTranspose2d(in, out, kernel, settings, true);
    }

    public static ConvTranspose2d withoutBias(long in, long out, long kernel, Convolution settings) {
        return withoutBias(in, out, cube(2, kernel), settings);
    }

    public static ConvTranspose2d withoutBias(long in, long out, Shape kernel, Convolution settings) {
        return new ConvTranspose2d(in, out, kernel, settings, false);
    }

    @Override
    Tensor apply(Tensor x, Tensor weight, Tensor bias, Convolution settings) {
        return x.convTranspose2d(weight, bias, settings);
    }
}

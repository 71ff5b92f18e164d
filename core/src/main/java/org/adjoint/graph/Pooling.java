package org.adjoint.graph;

import java.util.List;

/**
 * How the window of a pooling moves, for any number of spatial axes. A list holds a number per spatial axis, or one for
 * all of them. {@code Pooling.of(3).stride(2).padding(1)} reads as in PyTorch.
 *
 * @param kernel extents of the window
 * @param stride positions from one window to the next; empty for the kernel's extents: windows side by side
 * @param padding positions in front of and behind an axis, at most half a window
 * @param dilation positions from one element of a window to the next; 1 for averages
 * @param ceilMode whether a last window that reaches beyond the padded input counts, if it begins inside of it
 * @param countIncludePad whether an average counts the zeros of the padding
 */
public record Pooling(List<Long> kernel, List<Long> stride, List<Long> padding, List<Long> dilation, boolean ceilMode,
    boolean countIncludePad) {
    public Pooling {
        kernel = List.copyOf(kernel);
        stride = List.copyOf(stride);
        padding = List.copyOf(padding);
        dilation = List.copyOf(dilation);
    }

    /** Windows side by side, without padding. */
    public static Pooling of(long... kernel) {
        return new Pooling(Op.longs(kernel), List.of(), List.of(0L), List.of(1L), false, true);
    }

    public Pooling stride(long... perAxis) {
        return new Pooling(kernel, Op.longs(perAxis), padding, dilation, ceilMode, countIncludePad);
    }

    public Pooling padding(long... perAxis) {
        return new Pooling(kernel, stride, Op.longs(perAxis), dilation, ceilMode, countIncludePad);
    }

    public Pooling dilation(long... perAxis) {
        return new Pooling(kernel, stride, padding, Op.longs(perAxis), ceilMode, countIncludePad);
    }

    public Pooling ceilMode(boolean ceil) {
        return new Pooling(kernel, stride, padding, dilation, ceil, countIncludePad);
    }

    public Pooling countIncludePad(boolean include) {
        return new Pooling(kernel, stride, padding, dilation, ceilMode, include);
    }
}

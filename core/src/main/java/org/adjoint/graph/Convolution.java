package org.adjoint.graph;

import java.util.List;

/**
 * How the kernel of a convolution moves, for any number of spatial axes. A list holds a number per spatial axis, or one
 * for all of them. {@code Convolution.DEFAULT.stride(2).padding(1)} reads as in PyTorch.
 *
 * @param stride positions from one window to the next
 * @param padding zeros in front of and behind an axis, or with {@code same} nothing
 * @param same whether zeros are added so that the result has the extents of the input; the odd one goes behind
 * @param dilation positions from one element of the kernel to the next
 * @param outputPadding positions that the result of a transposed convolution is longer than it must be
 * @param groups parts that channels are split into, each with a kernel of its own
 */
public record Convolution(List<Long> stride, List<Long> padding, boolean same, List<Long> dilation,
    List<Long> outputPadding, long groups) {
    /** Stride 1, no padding, dilation 1, one group. */
    public static final Convolution DEFAULT =
        new Convolution(List.of(1L), List.of(0L), false, List.of(1L), List.of(0L), 1);

    /** No axis, kernel or step may be longer, so that positions can be computed without overflow. */
    private static final long LONGEST = 1L << 56;

    public Convolution {
        stride = List.copyOf(stride);
        padding = List.copyOf(padding);
        dilation = List.copyOf(dilation);
        outputPadding = List.copyOf(outputPadding);
    }

    public Convolution stride(long... perAxis) {
        return new Convolution(Op.longs(perAxis), padding, same, dilation, outputPadding, groups);
    }

    public Convolution padding(long... perAxis) {
        return new Convolution(stride, Op.longs(perAxis), false, dilation, outputPadding, groups);
    }

    /** As many zeros as keep the extents, PyTorch's {@code padding='same'}; for stride 1. */
    public Convolution samePadding() {
        return new Convolution(stride, List.of(0L), true, dilation, outputPadding, groups);
    }

    public Convolution dilation(long... perAxis) {
        return new Convolution(stride, padding, same, Op.longs(perAxis), outputPadding, groups);
    }

    public Convolution outputPadding(long... perAxis) {
        return new Convolution(stride, padding, same, dilation, Op.longs(perAxis), groups);
    }

    public Convolution groups(long count) {
        return new Convolution(stride, padding, same, dilation, outputPadding, count);
    }

    /** The greatest common divisor of two positive numbers, after which patterns of positions repeat. */
    static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    /**
     * A number per spatial axis.
     *
     * @throws IllegalArgumentException if there are neither one nor {@code axes}, or one is less than {@code least}
     */
    static long[] perAxis(String op, String what, List<Long> values, int axes, long least) {
        if (values.size() != 1 && values.size() != axes) {
            throw Ops.error("%s: %s %s needs one number or %d", op, what, values, axes);
        }
        long[] result = new long[axes];
        for (int i = 0; i < axes; i++) {
            result[i] = values.get(values.size() == 1 ? 0 : i);
            if (result[i] < least || result[i] > LONGEST) {
                throw Ops.error("%s: %s %s must be at %s", op, what, values, result[i] < least ? "least " + least
                    : "most 2^56");
            }
        }
        return result;
    }

    /** Spatial extents that are not longer than positions can be counted. */
    static void requireCountable(String op, long... extents) {
        for (long extent : extents) {
            if (extent > LONGEST) {
                throw Ops.error("%s: an axis of %d elements is too long: 2^56 are the most", op, extent);
            }
        }
    }

    /** Positions from the first to the last of {@code count} elements, 2^60 where there are more. */
    static long span(long count, long step) {
        long most = LONGEST << 4;
        return count - 1 >= most / step ? most : (count - 1) * step + 1;
    }
}

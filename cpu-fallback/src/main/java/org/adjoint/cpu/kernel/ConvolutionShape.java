package org.adjoint.cpu.kernel;

import java.util.Arrays;
import java.util.List;
import org.adjoint.graph.GeneralConvolution;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * The numbers of a convolution; arrays hold one per spatial axis.
 *
 * @param positions extents of the result
 * @param taps extents of the kernel
 * @param positionCount how many positions an image has
 * @param tapCount how many taps a channel has
 */
record ConvolutionShape(View x, View kernel, View y, int images, int groups, int out, int channels, int[] in,
    int[] taps, int[] positions, int[] stride, int[] low, int[] inputDilation, int[] kernelDilation,
    int positionCount, int tapCount) {

    static ConvolutionShape of(PlanStep.Kernel step, GeneralConvolution op) {
        View x = step.inputs().get(0);
        View kernel = step.inputs().get(1);
        View y = step.outputs().getFirst();
        return new ConvolutionShape(x, kernel, y, extent(x, 0), extent(x, 1), extent(kernel, 1), extent(x, 2),
            spatial(x), spatial(kernel), spatial(y), ints(op.stride()), ints(op.low()), ints(op.inputDilation()),
            ints(op.kernelDilation()), product(spatial(y)), product(spatial(kernel)));
    }

    /** Whether elements along the last axis, of a kernel along all spatial axes, lie side by side. */
    static boolean fits(int input, View view) {
        int rank = view.shape().rank();
        long expected = 1;
        for (int axis = rank - 1; axis >= (input == 0 ? rank - 1 : GeneralConvolution.LEADING); axis--) {
            if (view.shape().extent(axis) != 1 && view.strides()[axis] != expected) {
                return false;
            }
            expected *= view.shape().extent(axis);
        }
        return true;
    }

    private static int extent(View view, int axis) {
        return Math.toIntExact(view.shape().extent(axis));
    }

    private static int[] spatial(View view) {
        int[] extents = new int[view.shape().rank() - GeneralConvolution.LEADING];
        Arrays.setAll(extents, axis -> extent(view, GeneralConvolution.LEADING + axis));
        return extents;
    }

    private static int[] ints(List<Long> values) {
        return values.stream().mapToInt(Math::toIntExact).toArray();
    }

    int axes() {
        return in.length;
    }

    static int product(int[] extents) {
        return Arrays.stream(extents).reduce(1, Math::multiplyExact);
    }

    /** Steps of the depth: channels, and in each its taps. */
    int depth() {
        return Math.multiplyExact(channels, tapCount);
    }

    /** Where a channel of an image starts, in bytes. */
    long channelOffset(int image, int group, int channel) {
        long[] strides = x.strides();
        return x.byteOffset()
            + (image * strides[0] + group * strides[1] + channel * strides[2]) * x.dtype().bytes();
    }

    /** Where the taps of a channel of the kernel start, in bytes. */
    long tapsOffset(int group, int row, int channel) {
        long[] strides = kernel.strides();
        return kernel.byteOffset()
            + (group * strides[0] + row * strides[1] + channel * strides[2]) * kernel.dtype().bytes();
    }

    /** Where the positions of a row of the result start, in bytes. */
    long resultOffset(int image, int group, int row) {
        return y.byteOffset()
            + (((long) image * groups + group) * out + row) * positionCount * y.dtype().bytes();
    }
}

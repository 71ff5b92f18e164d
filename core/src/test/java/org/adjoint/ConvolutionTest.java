package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.Interpolation;
import org.adjoint.graph.Pooling;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.Test;

/**
 * The meaning of convolution, pooling and resampling: by their definitions, and by what PyTorch's documentation shows.
 */
class ConvolutionTest {
    private static final double TOLERANCE = 1e-12;
    private final Random random = new Random(5);

    private double[] draw(long... shape) {
        return random.doubles(Shape.of(shape).elements(), -1, 1).toArray();
    }

    private long one(long... choices) {
        return choices[random.nextInt(choices.length)];
    }

    /** y[n, o, i, j] by the six loops of the definition. */
    private static double[] convolve(double[] x, long[] in, double[] kernel, long[] weights, double[] bias,
        long[] stride, long[] padding, long[] dilation, long groups, long[] out) {
        double[] y = new double[(int) Shape.of(out).elements()];
        int at = 0;
        for (long n = 0; n < out[0]; n++) {
            for (long o = 0; o < out[1]; o++) {
                long firstChannel = o / (out[1] / groups) * weights[1];
                for (long i = 0; i < out[2]; i++) {
                    for (long j = 0; j < out[3]; j++) {
                        double sum = bias[(int) o];
                        for (long c = 0; c < weights[1]; c++) {
                            for (long k = 0; k < weights[2]; k++) {
                                for (long l = 0; l < weights[3]; l++) {
                                    long row = i * stride[0] - padding[0] + k * dilation[0];
                                    long column = j * stride[1] - padding[1] + l * dilation[1];
                                    if (row >= 0 && row < in[2] && column >= 0 && column < in[3]) {
                                        long plane = n * in[1] + firstChannel + c;
                                        sum += x[(int) ((plane * in[2] + row) * in[3] + column)]
                                            * kernel[(int) (((o * weights[1] + c) * weights[2] + k) * weights[3] + l)];
                                    }
                                }
                            }
                        }
                        y[at++] = sum;
                    }
                }
            }
        }
        return y;
    }

    @Test
    void aConvolutionIsItsDefinition() {
        try (Device device = Device.open("reference")) {
            for (int i = 0; i < 40; i++) {
                long groups = one(1, 1, 2, 3);
                long[] in = {one(1, 2), groups * one(1, 2), one(5, 6, 7), one(5, 8)};
                long[] weights = {groups * one(1, 2), in[1] / groups, one(1, 2, 3), one(1, 3)};
                long[] stride = {one(1, 2, 3), one(1, 2)};
                long[] padding = {one(0, 1, 2), one(0, 1)};
                long[] dilation = {one(1, 2), one(1, 2)};
                long[] out = {in[0], weights[0], 0, 0};
                for (int axis = 0; axis < 2; axis++) {
                    out[2 + axis] = (in[2 + axis] + 2 * padding[axis] - dilation[axis] * (weights[2 + axis] - 1) - 1)
                        / stride[axis] + 1;
                }
                double[] x = draw(in);
                double[] kernel = draw(weights);
                double[] bias = draw(out[1]);
                Convolution settings = Convolution.DEFAULT.stride(stride).padding(padding).dilation(dilation)
                    .groups(groups);
                Tensor y = device.tensor(x, Shape.of(in)).conv2d(device.tensor(kernel, Shape.of(weights)),
                    device.tensor(bias, Shape.of(out[1])), settings);
                assertEquals(Shape.of(out), y.shape(), settings.toString());
                assertArrayEquals(convolve(x, in, kernel, weights, bias, stride, padding, dilation, groups, out),
                    y.toDoubleArray(), TOLERANCE, settings.toString());
            }
        }
    }

    /** {@code <conv(x), y> = <x, convTranspose(y)>} for every x and y is what makes it the adjoint. */
    @Test
    void aTransposedConvolutionIsTheAdjoint() {
        try (Device device = Device.open("reference")) {
            for (int i = 0; i < 20; i++) {
                long groups = one(1, 2);
                long stride = one(1, 2, 3);
                Convolution settings = Convolution.DEFAULT.stride(stride).padding(one(0, 1)).dilation(one(1, 2))
                    .groups(groups);
                long[] in = {2, 2 * groups, one(6, 7, 8, 9), one(7, 8)};
                long[] weights = {3 * groups, 2, one(1, 2, 3), 3};
                Tensor x = device.tensor(draw(in), Shape.of(in));
                Tensor kernel = device.tensor(draw(weights), Shape.of(weights));
                Tensor forward = x.conv2d(kernel, null, settings);
                Tensor y = device.tensor(draw(forward.shape().toArray()), forward.shape());
                long[] lost = new long[2];
                for (int axis = 0; axis < 2; axis++) {
                    long span = settings.dilation().getFirst() * (weights[2 + axis] - 1) + 1;
                    lost[axis] = (in[2 + axis] + 2 * settings.padding().getFirst() - span) % stride;
                }
                Tensor back = y.convTranspose2d(kernel, null, settings.outputPadding(lost));
                assertEquals(x.shape(), back.shape(), settings.toString());
                assertEquals(forward.mul(y).sum().item(), x.mul(back).sum().item(), 1e-11, settings.toString());
            }
        }
    }

    @Test
    void samePaddingPutsTheOddZeroBehind() {
        try (Device device = Device.open("reference")) {
            Tensor x = device.tensor(new double[] {1, 2, 3}, Shape.of(1, 1, 3));
            Tensor kernel = device.tensor(new double[] {10, 1}, Shape.of(1, 1, 2));
            assertArrayEquals(new double[] {12, 23, 30},
                x.conv1d(kernel, null, Convolution.DEFAULT.samePadding()).toDoubleArray());
        }
    }

    /** Windows as PyTorch's kernels compute their bounds, cell by cell. */
    private static double[] pool(boolean largest, double[] x, long length, long kernel, long stride, long padding,
        boolean ceil, boolean include) {
        long room = length + 2 * padding - kernel;
        long count = (ceil ? Math.ceilDiv(room, stride) : room / stride) + 1;
        if (ceil && (count - 1) * stride >= length + padding) {
            count--;
        }
        double[] y = new double[(int) count];
        for (int i = 0; i < count; i++) {
            long start = i * stride - padding;
            long end = Math.min(start + kernel, length + padding);
            long size = end - start;
            start = Math.max(start, 0);
            end = Math.min(end, length);
            double result = largest ? Double.NEGATIVE_INFINITY : 0;
            for (long j = start; j < end; j++) {
                result = largest ? Math.max(result, x[(int) j]) : result + x[(int) j];
            }
            y[i] = largest ? result : result / (include ? size : end - start);
        }
        return y;
    }

    @Test
    void poolingCountsWhatPyTorchCounts() {
        try (Device device = Device.open("reference")) {
            for (int i = 0; i < 200; i++) {
                long length = one(4, 5, 6, 7, 8, 13);
                long kernel = one(1, 2, 3, 4);
                long stride = one(1, 2, 3, 4);
                long padding = random.nextLong(kernel / 2 + 1);
                boolean ceil = random.nextBoolean();
                boolean include = random.nextBoolean();
                Pooling window =
                    Pooling.of(kernel).stride(stride).padding(padding).ceilMode(ceil).countIncludePad(include);
                double[] values = draw(length);
                Tensor x = device.tensor(values, Shape.of(1, 1, length));
                String what = length + " " + window;
                assertArrayEquals(pool(true, values, length, kernel, stride, padding, ceil, include),
                    x.maxPool1d(window).toDoubleArray(), what);
                assertArrayEquals(pool(false, values, length, kernel, stride, padding, ceil, include),
                    x.avgPool1d(window).toDoubleArray(), TOLERANCE, what);
            }
        }
    }

    @Test
    void adaptiveWindowsCoverTheAxis() {
        try (Device device = Device.open("reference")) {
            for (int length = 1; length <= 13; length++) {
                for (int target = 1; target <= 9; target++) {
                    double[] values = draw(length);
                    double[] means = new double[target];
                    double[] largest = new double[target];
                    for (int i = 0; i < target; i++) {
                        int start = i * length / target;
                        int end = Math.ceilDiv((i + 1) * length, target);
                        largest[i] = Double.NEGATIVE_INFINITY;
                        for (int j = start; j < end; j++) {
                            means[i] += values[j] / (end - start);
                            largest[i] = Math.max(largest[i], values[j]);
                        }
                    }
                    Tensor x = device.tensor(values, Shape.of(1, length));
                    assertArrayEquals(means, x.adaptiveAvgPool1d(target).toDoubleArray(), TOLERANCE);
                    assertArrayEquals(largest, x.adaptiveMaxPool1d(target).toDoubleArray());
                }
            }
        }
    }

    /** From the documentation of {@code torch.nn.Upsample}; the cubic ones follow from Keys' weights. */
    @Test
    void interpolationIsPyTorchs() {
        try (Device device = Device.open("reference")) {
            Tensor x = device.tensor(new double[] {1, 2, 3, 4}, Shape.of(1, 1, 2, 2));
            assertArrayEquals(new double[] {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4},
                x.interpolate(Interpolation.NEAREST, 4).toDoubleArray());
            assertArrayEquals(
                new double[] {1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4},
                x.interpolate(Interpolation.LINEAR, 4).toDoubleArray(), TOLERANCE);
            double third = 1.0 / 3;
            assertArrayEquals(new double[] {1, 1 + third, 1 + 2 * third, 2, 1 + 2 * third, 2, 2 + third, 2 + 2 * third,
                2 + third, 2 + 2 * third, 3, 3 + third, 3, 3 + third, 3 + 2 * third, 4},
                x.interpolate(Interpolation.LINEAR, true, 4).toDoubleArray(), TOLERANCE);
            // At -1/4 the last weight is far(5/4) = -27/256, at 1/4 the last two are near(3/4) and far(7/4).
            double outer = -27.0 / 256;
            double inner = 67.0 / 256 - 9.0 / 256;
            double[] row = {1 + outer, 1 + inner, 2 - inner, 2 - outer};
            assertArrayEquals(row, device.tensor(new double[] {1, 2}, Shape.of(1, 1, 2))
                .interpolate(Interpolation.CUBIC, 4).toDoubleArray(), TOLERANCE);
        }
    }

    /** Five out of three: {@code floor(i 3 / 5)} = 0, 0, 1, 1, 2. */
    @Test
    void theNearestElementIsTheOneBelow() {
        try (Device device = Device.open("reference")) {
            Tensor x = device.tensor(new double[] {1, 2, 3}, Shape.of(1, 1, 3));
            assertArrayEquals(new double[] {1, 1, 2, 2, 3}, x.interpolate(Interpolation.NEAREST, 5).toDoubleArray());
            assertArrayEquals(new double[] {1, 2}, x.interpolate(Interpolation.NEAREST, 2).toDoubleArray());
        }
    }

    @Test
    void unfoldLaysWindowsAsColumns() {
        try (Device device = Device.open("reference")) {
            Tensor x = device.tensor(new double[] {1, 2, 3, 4, 5, 6}, Shape.of(1, 1, 2, 3));
            Tensor columns = x.unfold(Pooling.of(2, 2).stride(1));
            assertEquals(Shape.of(1, 4, 2), columns.shape());
            assertArrayEquals(new double[] {1, 2, 2, 3, 4, 5, 5, 6}, columns.toDoubleArray());
            assertArrayEquals(new double[] {1, 4, 3, 4, 10, 6},
                columns.fold(Pooling.of(2, 2).stride(1), 2, 3).toDoubleArray());
        }
    }

    /** As in PyTorch's amax; its max_pool2d gives all to the first. */
    @Test
    void tiesShareTheGradientOfAMaximum() {
        try (Device device = Device.open("reference")) {
            Tensor x = device.tensor(new double[] {7, 7, 1, 7}, Shape.of(1, 2, 2));
            Tensor gradient = x.maxPool2d(Pooling.of(2, 2)).sum().gradient(x);
            assertArrayEquals(new double[] {1.0 / 3, 1.0 / 3, 0, 1.0 / 3}, gradient.toDoubleArray(), TOLERANCE);
        }
    }
}

package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;

import java.util.List;
import java.util.stream.Stream;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.DType;
import org.adjoint.graph.GeneralConvolution;
import org.adjoint.graph.Op;

/** Samples of convolutions, of their adjoints and of windows. */
final class ConvolutionSamples {
    private static final Domain ANY = uniform(-3, 3);
    private static final Convolution PLAIN = Convolution.DEFAULT;

    private ConvolutionSamples() { }

    static List<OpRow> rows() {
        return Stream.of(windows(), convolutions(), transposed()).flatMap(List::stream).toList();
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static TensorFunction windows(int axis, long size, long step, long dilation) {
        return x -> x[0].windows(axis, size, step, dilation);
    }

    private static List<OpRow> windows() {
        return List.of(OpRow.of("windows", Op.Windows.class).dtypes(OpRow.ANY)
            .tolerance(Tolerance.exact("elements are moved; gradients add up the windows of each").gradient(16))
            .cases(of(windows(0, 1, 1, 1), any(1)), of(windows(0, 3, 1, 1), any(13)),
                of(windows(0, 3, 2, 2), any(207)), of(windows(0, 2, 3, 1), any(13)), of(windows(0, 3, 3, 1), any(13)),
                of(windows(1, 2, 1, 1), any(2, 5)), of(windows(0, 4, 1, 1), any(5, 3)),
                of(windows(0, 4, 1, 1), any(3, 0)), of(windows(0, 2, 1, 1), any(1, 3)),
                of(windows(-1, 2, 1, 2), any(3, 5).laid(Layout.PERMUTED)),
                of(windows(0, 2, 1, 1), any(3, 5).laid(Layout.FLIPPED)),
                of(windows(1, 3, 2, 1), any(3, 7).laid(Layout.SLICED)),
                of(x -> x[0].windows(0, 2, 1, 1).windows(1, 3, 1, 1), any(4, 5)),
                of(x -> x[0].windows(0, 2, 1, 1).windows(0, 2, 1, 1).reshape(12), any(5)),
                of(windows(1, 2, 1, 1), any(3, 4).laid(Layout.EXPANDED)))
            .refuses(Refusal.of("windows: size 0, step 1 and dilation 1 must be positive", windows(0, 0, 1, 1), any(3)),
                Refusal.of("windows: size 2, step 0 and dilation 1 must be positive", windows(0, 2, 0, 1), any(3)),
                Refusal.of("windows: size 2, step 1 and dilation -1 must be positive", windows(0, 2, 1, -1), any(3)),
                Refusal.of("windows: axis 1 is out of range for shape (3)", windows(1, 2, 1, 1), any(3))));
    }

    /** With a bias if there is a third argument. */
    private static TensorFunction conv(int spatial, Convolution settings) {
        return x -> switch (spatial) {
            case 1 -> x[0].conv1d(x[1], x.length > 2 ? x[2] : null, settings);
            case 2 -> x[0].conv2d(x[1], x.length > 2 ? x[2] : null, settings);
            default -> x[0].conv3d(x[1], x.length > 2 ? x[2] : null, settings);
        };
    }

    private static TensorFunction transposedConv(int spatial, Convolution settings) {
        return x -> switch (spatial) {
            case 1 -> x[0].convTranspose1d(x[1], x.length > 2 ? x[2] : null, settings);
            case 2 -> x[0].convTranspose2d(x[1], x.length > 2 ? x[2] : null, settings);
            default -> x[0].convTranspose3d(x[1], x.length > 2 ? x[2] : null, settings);
        };
    }

    private static final Tolerance PRODUCTS =
        Tolerance.summing(64, "sums of products, of up to 64 terms in the samples").roundings(2).gradient(64);

    private static List<OpRow> convolutions() {
        TensorFunction conv1 = conv(1, PLAIN);
        TensorFunction conv2 = conv(2, PLAIN);
        TensorFunction conv3 = conv(3, PLAIN);
        Operand whole = Operand.of(DType.I32, ANY, 1, 1, 3);
        return List.of(
            OpRow.of("conv1d", GeneralConvolution.class).tolerance(PRODUCTS).cases(
                of(conv1, any(1, 1, 1), any(1, 1, 1)), of(conv1, any(0, 2, 5), any(3, 2, 2)),
                of(conv1, any(2, 3, 13), any(4, 3, 3), any(4)), of(conv1, any(3, 7), any(2, 3, 3), any(2)),
                of(conv(1, PLAIN.stride(2).padding(1)), any(2, 2, 7), any(3, 2, 3)),
                of(conv(1, PLAIN.samePadding().dilation(2)), any(1, 2, 9), any(2, 2, 2)),
                of(conv(1, PLAIN.groups(2).padding(2)), any(2, 4, 5), any(6, 2, 3), any(6)),
                of(conv(1, PLAIN.stride(3).dilation(2)), any(1, 1, 10), any(1, 1, 3)),
                of(conv1, any(2, 3, 6).laid(Layout.PERMUTED), any(2, 3, 2).laid(Layout.FLIPPED)),
                of(conv1, any(2, 2, 5).laid(Layout.SLICED), any(2, 2, 2).laid(Layout.PERMUTED)),
                of(conv(1, PLAIN.padding(1)), any(2, 2, 5).laid(Layout.EXPANDED), any(1, 2, 3).laid(Layout.SLICED)),
                of(conv1, any(1, 2, 207), any(3, 2, 5)).withoutDifferences(),
                of(conv(1, PLAIN.padding(1)), Operand.of(values(1, 2, Double.NaN, 4, 5, Double.POSITIVE_INFINITY, 7),
                    1, 1, 7), any(1, 1, 2)).forwardOnly())
                .refuses(Refusal.of("conv1d: x must be (n, channels, 1 spatial axes)", conv1, any(3), any(1, 1, 1)),
                    Refusal.of("conv1d: the kernel must have two axes for channels and 1 spatial ones", conv1,
                        any(1, 3, 5), any(3, 2)),
                    Refusal.of("conv1d: with 1 groups, the kernel (4, 2, 3) takes 2 channels but x (1, 3, 5) has 3",
                        conv1, any(1, 3, 5), any(4, 2, 3)),
                    Refusal.of("is longer than axis -1 of x (1, 1, 3) with padding 0 and 0", conv1, any(1, 1, 3),
                        any(1, 1, 4)),
                    Refusal.of("conv1d: needs a floating dtype but got i32", conv1, whole, whole)),
            OpRow.of("conv2d").tolerance(PRODUCTS).cases(
                of(conv2, any(1, 1, 1, 1), any(1, 1, 1, 1)), of(conv2, any(0, 1, 3, 3), any(1, 1, 2, 2)),
                of(conv2, any(2, 3, 5, 4), any(2, 3, 1, 1), any(2)), of(conv2, any(2, 4, 5), any(3, 2, 3, 2), any(3)),
                of(conv(2, PLAIN.padding(1)), any(2, 2, 4, 5), any(3, 2, 3, 3), any(3)),
                of(conv(2, PLAIN.stride(2).padding(1)), any(1, 2, 5, 5), any(2, 2, 3, 3)),
                of(conv(2, PLAIN.stride(1, 2).padding(0, 2).dilation(2, 1)), any(1, 2, 5, 4), any(2, 2, 2, 3)),
                of(conv(2, PLAIN.groups(3).samePadding()), any(1, 3, 3, 4), any(3, 1, 3, 2)),
                of(conv(2, PLAIN.samePadding()), any(1, 1, 2, 2), any(1, 1, 3, 3)),
                of(conv2, any(2, 2, 4, 3).laid(Layout.PERMUTED), any(2, 2, 2, 2).laid(Layout.PERMUTED)),
                of(conv2, any(1, 2, 3, 4).laid(Layout.FLIPPED), any(1, 2, 2, 2).laid(Layout.SLICED)),
                of(conv(2, PLAIN.padding(1)), any(2, 3, 17, 13), any(5, 3, 3, 3), any(5)).withoutDifferences(),
                of(conv(2, PLAIN.stride(2).groups(2)), any(1, 4, 9, 33), any(4, 2, 3, 3)).withoutDifferences(),
                of(conv(2, PLAIN.groups(17).padding(1)), any(2, 17, 5, 7), any(17, 1, 3, 3)).withoutDifferences(),
                of(conv(2, PLAIN.groups(16).stride(2).padding(1)), any(1, 16, 4, 18), any(32, 1, 3, 3))
                    .withoutDifferences())
                .refuses(Refusal.of("conv2d: x must be (n, channels, 2 spatial axes)", conv2, any(3, 3),
                    any(1, 1, 2, 2)),
                    Refusal.of("conv2d: 2 groups must divide the channels of x, 3,", conv(2, PLAIN.groups(2)),
                        any(1, 3, 3, 3), any(2, 1, 2, 2)),
                    Refusal.of("conv2d: stride [0] must be at least 1", conv(2, PLAIN.stride(0)), any(1, 1, 3, 3),
                        any(1, 1, 2, 2)),
                    Refusal.of("conv2d: dilation [1, 1, 1] needs one number or 2", conv(2, PLAIN.dilation(1, 1, 1)),
                        any(1, 1, 3, 3), any(1, 1, 2, 2)),
                    Refusal.of("conv2d: padding \"same\" needs stride 1, not [2]", conv(2, PLAIN.stride(2).samePadding()),
                        any(1, 1, 3, 3), any(1, 1, 2, 2)),
                    Refusal.of("conv2d: the bias must be (2) but is (1)", conv2, any(1, 1, 3, 3), any(2, 1, 2, 2),
                        any(1))),
            OpRow.of("conv3d").tolerance(PRODUCTS).cases(
                of(conv3, any(1, 1, 1, 1, 1), any(1, 1, 1, 1, 1)), of(conv3, any(0, 1, 2, 2, 2), any(1, 1, 2, 2, 2)),
                of(conv3, any(1, 1, 3, 3, 3), any(1, 1, 2, 2, 2), any(1)), of(conv3, any(2, 2, 3, 2), any(1, 2, 1, 2, 2)),
                of(conv3, any(2, 2, 2, 3, 3), any(2, 2, 2, 1, 2)),
                of(conv(3, PLAIN.padding(1)), any(1, 2, 2, 2, 2), any(1, 2, 3, 3, 3)),
                of(conv(3, PLAIN.stride(2).padding(1, 0, 1)), any(1, 1, 3, 4, 3), any(2, 1, 2, 2, 2)),
                of(conv(3, PLAIN.dilation(1, 2, 1)), any(1, 1, 2, 4, 3), any(1, 1, 2, 2, 2), any(1)),
                of(conv(3, PLAIN.groups(2)), any(1, 2, 2, 3, 2), any(2, 1, 1, 2, 2), any(2)),
                of(conv3, any(1, 1, 3, 2, 3).laid(Layout.PERMUTED), any(1, 1, 2, 2, 1)),
                of(conv(3, PLAIN.padding(1)), any(2, 2, 4, 5, 6), any(3, 2, 3, 3, 3), any(3)).withoutDifferences())
                .refuses(Refusal.of("conv3d: x must be (n, channels, 3 spatial axes)", conv3, any(3, 3, 3),
                    any(1, 1, 1, 1, 1)),
                    Refusal.of("conv3d: the kernel must have two axes for channels and 3 spatial ones", conv3,
                        any(1, 1, 2, 2, 2), any(1, 1, 2, 2)),
                    Refusal.of("conv3d: padding [-1] must be at least 0", conv(3, PLAIN.padding(-1)),
                        any(1, 1, 2, 2, 2), any(1, 1, 1, 1, 1))));
    }

    private static List<OpRow> transposed() {
        TensorFunction conv1 = transposedConv(1, PLAIN);
        TensorFunction conv2 = transposedConv(2, PLAIN);
        TensorFunction conv3 = transposedConv(3, PLAIN);
        return List.of(
            OpRow.of("convTranspose1d").tolerance(PRODUCTS).cases(
                of(conv1, any(1, 1, 1), any(1, 1, 1)), of(conv1, any(0, 2, 3), any(2, 3, 2)),
                of(conv1, any(2, 3, 5), any(3, 2, 3), any(2)), of(conv1, any(3, 4), any(3, 2, 3), any(2)),
                of(transposedConv(1, PLAIN.stride(2)), any(1, 2, 5), any(2, 3, 3)),
                of(transposedConv(1, PLAIN.stride(2).padding(1).outputPadding(1)), any(2, 2, 4), any(2, 2, 3), any(2)),
                of(transposedConv(1, PLAIN.stride(3).padding(2)), any(1, 1, 4), any(1, 2, 4)),
                of(transposedConv(1, PLAIN.dilation(2).padding(1)), any(1, 2, 5), any(2, 1, 3)),
                of(transposedConv(1, PLAIN.groups(2)), any(1, 4, 3), any(4, 3, 2), any(6)),
                of(transposedConv(1, PLAIN.padding(2)), any(1, 1, 6), any(1, 1, 2)),
                of(transposedConv(1, PLAIN.stride(2)), any(2, 3, 4).laid(Layout.PERMUTED),
                    any(3, 2, 2).laid(Layout.FLIPPED)))
                .refuses(Refusal.of("convTranspose1d: x must be (n, channels, 1 spatial axes)", conv1, any(3),
                    any(1, 1, 1)),
                    Refusal.of("convTranspose1d: the kernel (2, 1, 2) takes 2 channels but x (1, 3, 4) has 3", conv1,
                        any(1, 3, 4), any(2, 1, 2)),
                    Refusal.of("convTranspose1d: outputPadding [2] must be less than stride [2] or dilation [1]",
                        transposedConv(1, PLAIN.stride(2).outputPadding(2)), any(1, 1, 3), any(1, 1, 2)),
                    Refusal.of("convTranspose1d: nothing is left of axis -1 of x (1, 1, 2)",
                        transposedConv(1, PLAIN.padding(2)), any(1, 1, 2), any(1, 1, 2)),
                    Refusal.of("padding \"same\" is for convolutions", transposedConv(1, PLAIN.samePadding()),
                        any(1, 1, 2), any(1, 1, 2))),
            OpRow.of("convTranspose2d").tolerance(PRODUCTS).cases(
                of(conv2, any(1, 1, 1, 1), any(1, 1, 1, 1)), of(conv2, any(0, 1, 3, 3), any(1, 1, 2, 2)),
                of(conv2, any(2, 3, 3, 2), any(3, 2, 1, 1), any(2)), of(conv2, any(2, 3, 4), any(2, 3, 2, 3), any(3)),
                of(conv2, any(1, 2, 3, 3), any(2, 2, 3, 3), any(2)),
                of(transposedConv(2, PLAIN.stride(2)), any(1, 2, 3, 2), any(2, 2, 2, 2)),
                of(transposedConv(2, PLAIN.stride(2).padding(1).outputPadding(1)), any(1, 2, 3, 3), any(2, 2, 3, 3)),
                of(transposedConv(2, PLAIN.stride(1, 2).padding(1, 0).dilation(2, 1)), any(1, 1, 3, 3),
                    any(1, 2, 2, 3)),
                of(transposedConv(2, PLAIN.groups(2)), any(1, 2, 3, 3), any(2, 1, 2, 2), any(2)),
                of(conv2, any(1, 2, 3, 3).laid(Layout.PERMUTED), any(2, 1, 2, 2).laid(Layout.SLICED)),
                of(transposedConv(2, PLAIN.stride(2).padding(1)), any(2, 3, 7, 9), any(3, 4, 4, 4), any(4))
                    .withoutDifferences())
                .refuses(Refusal.of("convTranspose2d: x must be (n, channels, 2 spatial axes)", conv2, any(2, 3),
                    any(1, 1, 1, 1)),
                    Refusal.of("convTranspose2d: 2 groups must divide the channels of x, 3,",
                        transposedConv(2, PLAIN.groups(2)), any(1, 3, 2, 2), any(3, 1, 2, 2)),
                    Refusal.of("convTranspose2d: the bias must be (2) but is (3)", conv2, any(1, 1, 2, 2),
                        any(1, 2, 2, 2), any(3))),
            OpRow.of("convTranspose3d").tolerance(PRODUCTS).cases(
                of(conv3, any(1, 1, 1, 1, 1), any(1, 1, 1, 1, 1)), of(conv3, any(0, 1, 2, 2, 2), any(1, 1, 2, 2, 2)),
                of(conv3, any(1, 1, 2, 2, 2), any(1, 1, 2, 2, 2), any(1)), of(conv3, any(1, 2, 2, 2), any(1, 2, 1, 2, 2)),
                of(conv3, any(2, 2, 2, 1, 2), any(2, 2, 1, 2, 2)),
                of(transposedConv(3, PLAIN.stride(2)), any(1, 1, 2, 2, 1), any(1, 2, 2, 2, 2)),
                of(transposedConv(3, PLAIN.stride(2).padding(1).outputPadding(1)), any(1, 1, 2, 2, 2),
                    any(1, 1, 3, 3, 3)),
                of(transposedConv(3, PLAIN.dilation(2, 1, 1)), any(1, 1, 2, 2, 2), any(1, 1, 2, 2, 1), any(1)),
                of(transposedConv(3, PLAIN.groups(2)), any(1, 2, 2, 2, 1), any(2, 1, 1, 2, 2), any(2)),
                of(conv3, any(1, 1, 2, 2, 3).laid(Layout.PERMUTED), any(1, 1, 2, 2, 1)))
                .refuses(Refusal.of("convTranspose3d: x must be (n, channels, 3 spatial axes)", conv3, any(2, 3),
                    any(1, 1, 1, 1, 1)),
                    Refusal.of("convTranspose3d: the kernel must have two axes for channels and 3 spatial ones", conv3,
                        any(1, 1, 2, 2, 2), any(1, 1, 2, 2)),
                    Refusal.of("convTranspose3d: stride [2, 2] needs one number or 3",
                        transposedConv(3, PLAIN.stride(2, 2)), any(1, 1, 2, 2, 2), any(1, 1, 2, 2, 2))));
    }
}

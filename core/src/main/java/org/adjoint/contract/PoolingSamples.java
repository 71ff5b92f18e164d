package org.adjoint.contract;

import static org.adjoint.contract.Domain.distinct;
import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;

import java.util.List;
import java.util.stream.Stream;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Interpolation;
import org.adjoint.graph.MaxPooling;
import org.adjoint.graph.Pooling;

/** Samples of pooling, of windows as columns and of resampling. */
final class PoolingSamples {
    private static final Domain ANY = uniform(-3, 3);
    /** Nothing ties, and no difference of steps changes which element is the largest. */
    private static final Domain APART = distinct(0.125);

    private PoolingSamples() { }

    static List<OpRow> rows() {
        return Stream.of(pooling(), adaptive(), columns(), interpolation()).flatMap(List::stream).toList();
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static Operand apart(long... shape) {
        return Operand.of(APART, shape);
    }

    private static TensorFunction max(Pooling window) {
        return x -> switch (window.kernel().size()) {
            case 1 -> x[0].maxPool1d(window);
            case 2 -> x[0].maxPool2d(window);
            default -> x[0].maxPool3d(window);
        };
    }

    private static TensorFunction mean(Pooling window) {
        return x -> switch (window.kernel().size()) {
            case 1 -> x[0].avgPool1d(window);
            case 2 -> x[0].avgPool2d(window);
            default -> x[0].avgPool3d(window);
        };
    }

    private static List<OpRow> pooling() {
        TensorFunction max2 = max(Pooling.of(2, 2));
        TensorFunction mean2 = mean(Pooling.of(2, 2));
        return List.of(
            OpRow.of("maxPool", MaxPooling.class).tolerance(
                Tolerance.exact("elements are selected; overlapping windows add gradients").gradient(16)).cases(
                of(max(Pooling.of(1)), apart(1, 1, 1)), of(max2, apart(0, 2, 4, 4)),
                of(max(Pooling.of(3)), apart(2, 13)), of(max(Pooling.of(3).stride(2).padding(1)), apart(2, 1, 13)),
                of(max2, apart(2, 2, 4, 5)), of(max(Pooling.of(2, 2).padding(1)), apart(1, 2, 5, 6)),
                of(max(Pooling.of(2, 2).stride(1, 1).dilation(2, 1)), apart(3, 4, 5)),
                of(max(Pooling.of(2, 2).ceilMode(true)), apart(1, 1, 5, 5)),
                of(max(Pooling.of(2, 1, 2)), apart(1, 1, 4, 2, 4)), of(max2, apart(1, 2, 4, 4).laid(Layout.PERMUTED)),
                of(max(Pooling.of(2, 2).stride(1, 1)), apart(1, 1, 3, 4).laid(Layout.FLIPPED)),
                of(max(Pooling.of(3)), apart(1, 2, 207)).withoutDifferences(),
                of(max(Pooling.of(6, 6).stride(1)), apart(1, 7, 8)).withoutDifferences(),
                of(max2, Operand.of(values(1, Double.NaN, 3, 4, Double.NEGATIVE_INFINITY, 2, 3, -0.0), 1, 1, 4, 4))
                    .forwardOnly())
                .refuses(Refusal.of("maxPool2d: x must be (n, channels, 2 spatial axes)", max2, any(3, 3)),
                    Refusal.of("maxPool2d: a window of 4 with dilation 1 is longer than axis -2 of the input, 3 with",
                        max(Pooling.of(4, 2)), any(1, 1, 3, 3)),
                    Refusal.of("maxPool2d: padding [2] must be at most half of the kernel [3, 3]",
                        max(Pooling.of(3, 3).padding(2)), any(1, 1, 3, 3)),
                    Refusal.of("maxPool1d: stride [0] must be at least 1", max(Pooling.of(2).stride(0)), any(1, 1, 3)),
                    Refusal.of("maxPool1d: needs a floating dtype but got i32", max(Pooling.of(2)),
                        Operand.of(DType.I32, ANY, 1, 1, 3))),
            OpRow.of("avgPool").tolerance(Tolerance.summing(16, "sums of up to 17 elements, divided per axis")).cases(
                of(mean(Pooling.of(1)), any(1, 1, 1)), of(mean2, any(0, 2, 4, 4)), of(mean(Pooling.of(3)), any(2, 13)),
                of(mean(Pooling.of(3).stride(2).padding(1)), any(2, 1, 13)), of(mean2, any(2, 2, 4, 5)),
                of(mean(Pooling.of(2, 2).padding(1).countIncludePad(false)), any(1, 2, 5, 6)),
                of(mean(Pooling.of(2, 2).padding(1).ceilMode(true)), any(1, 2, 5, 6)),
                of(mean(Pooling.of(2, 2).ceilMode(true)), any(1, 1, 5, 5)),
                of(mean(Pooling.of(2, 1, 2)), any(1, 4, 2, 4)),
                of(mean2, any(1, 2, 4, 4).laid(Layout.PERMUTED)),
                of(mean(Pooling.of(2, 2).stride(1, 1)), any(1, 1, 3, 4).laid(Layout.SLICED)),
                of(mean(Pooling.of(3)), any(1, 2, 207)).withoutDifferences(),
                of(mean(Pooling.of(17).stride(1)), any(2, 19)).withoutDifferences())
                .refuses(Refusal.of("avgPool2d: x must be (n, channels, 2 spatial axes)", mean2, any(3, 3)),
                    Refusal.of("avgPool2d: averages have no dilation", mean(Pooling.of(2, 2).dilation(2)),
                        any(1, 1, 4, 4)),
                    Refusal.of("avgPool1d: padding [2] must be at most half of the kernel [2]",
                        mean(Pooling.of(2).padding(2)), any(1, 1, 4)),
                    Refusal.of("avgPool1d: needs a floating dtype but got i64", mean(Pooling.of(2)),
                        Operand.of(DType.I64, ANY, 1, 1, 3))));
    }

    private static List<OpRow> adaptive() {
        return List.of(
            OpRow.of("adaptiveMaxPool").tolerance(Tolerance.exact("elements are selected; windows may share one")
                .gradient(16)).cases(
                of(x -> x[0].adaptiveMaxPool1d(1), apart(1, 1, 1)),
                of(x -> x[0].adaptiveMaxPool1d(5), apart(2, 13)),
                of(x -> x[0].adaptiveMaxPool1d(13), apart(1, 2, 13)),
                of(x -> x[0].adaptiveMaxPool1d(4), apart(1, 1, 3)),
                of(x -> x[0].adaptiveMaxPool2d(1), apart(2, 2, 3, 4)),
                of(x -> x[0].adaptiveMaxPool2d(2, 3), apart(1, 2, 4, 6)),
                of(x -> x[0].adaptiveMaxPool2d(3, 4), apart(1, 1, 5, 6)),
                of(x -> x[0].adaptiveMaxPool2d(2), apart(0, 2, 4, 4)),
                of(x -> x[0].adaptiveMaxPool3d(2, 1, 2), apart(1, 1, 3, 2, 4)),
                of(x -> x[0].adaptiveMaxPool2d(2), apart(1, 2, 4, 4).laid(Layout.PERMUTED)),
                of(x -> x[0].adaptiveMaxPool1d(2), apart(1, 2, 5).laid(Layout.FLIPPED)))
                .refuses(Refusal.of("adaptiveMaxPool2d: x must be (n, channels, 2 spatial axes)",
                    x -> x[0].adaptiveMaxPool2d(1), any(3, 3)),
                    Refusal.of("adaptiveMaxPool2d: extents [1, 2, 3] needs one number or 2",
                        x -> x[0].adaptiveMaxPool2d(1, 2, 3), any(1, 1, 3, 3)),
                    Refusal.of("adaptiveMaxPool1d: extents [0] must be at least 1", x -> x[0].adaptiveMaxPool1d(0),
                        any(1, 1, 3)),
                    Refusal.of("adaptiveMaxPool1d: axis -1 of x (1, 1, 0) is empty", x -> x[0].adaptiveMaxPool1d(1),
                        any(1, 1, 0))),
            OpRow.of("adaptiveAvgPool").tolerance(Tolerance.summing(16, "sums of up to 13 elements, scaled per axis"))
                .cases(of(x -> x[0].adaptiveAvgPool1d(1), any(1, 1, 1)),
                    of(x -> x[0].adaptiveAvgPool1d(5), any(2, 13)),
                    of(x -> x[0].adaptiveAvgPool1d(13), any(1, 2, 13)),
                    of(x -> x[0].adaptiveAvgPool1d(4), any(1, 1, 3)),
                    of(x -> x[0].adaptiveAvgPool2d(1), any(2, 2, 3, 4)),
                    of(x -> x[0].adaptiveAvgPool2d(2, 3), any(1, 2, 4, 6)),
                    of(x -> x[0].adaptiveAvgPool2d(3, 4), any(1, 1, 5, 6)),
                    of(x -> x[0].adaptiveAvgPool2d(2), any(0, 2, 4, 4)),
                    of(x -> x[0].adaptiveAvgPool3d(2, 1, 2), any(1, 1, 3, 2, 4)),
                    of(x -> x[0].adaptiveAvgPool2d(2), any(1, 2, 4, 4).laid(Layout.PERMUTED)),
                    of(x -> x[0].adaptiveAvgPool1d(2), any(1, 2, 5).laid(Layout.SLICED)))
                .refuses(Refusal.of("adaptiveAvgPool2d: x must be (n, channels, 2 spatial axes)",
                    x -> x[0].adaptiveAvgPool2d(1), any(3, 3)),
                    Refusal.of("adaptiveAvgPool3d: extents [1, 2] needs one number or 3",
                        x -> x[0].adaptiveAvgPool3d(1, 2), any(1, 1, 3, 3, 3)),
                    Refusal.of("adaptiveAvgPool1d: needs a floating dtype but got i32",
                        x -> x[0].adaptiveAvgPool1d(1), Operand.of(DType.I32, ANY, 1, 1, 3))));
    }

    private static List<OpRow> columns() {
        TensorFunction unfold2 = x -> x[0].unfold(Pooling.of(2, 2).stride(1));
        TensorFunction fold2 = x -> x[0].fold(Pooling.of(2, 2).stride(1), 3, 4);
        return List.of(
            OpRow.of("unfold").dtypes(OpRow.NUMBERS)
                .tolerance(Tolerance.exact("elements are moved; gradients add up the windows of each").gradient(16))
                .cases(of(x -> x[0].unfold(Pooling.of(1)), any(1, 1, 1)), of(unfold2, any(0, 2, 3, 3)),
                    of(x -> x[0].unfold(Pooling.of(3).stride(1)), any(2, 2, 13)), of(unfold2, any(2, 2, 3, 4)),
                    of(x -> x[0].unfold(Pooling.of(2, 2)), any(1, 2, 4, 4)),
                    of(x -> x[0].unfold(Pooling.of(3, 2).stride(2, 1).padding(1, 0)), any(1, 2, 4, 5)),
                    of(x -> x[0].unfold(Pooling.of(2, 2).stride(1).dilation(2, 1)), any(1, 2, 4, 3)),
                    of(x -> x[0].unfold(Pooling.of(2, 2, 2).stride(1)), any(1, 1, 2, 3, 3)),
                    of(unfold2, any(1, 2, 3, 3).laid(Layout.PERMUTED)),
                    of(unfold2, any(1, 2, 3, 3).laid(Layout.SLICED)))
                .refuses(Refusal.of("unfold: x must be (n, channels, spatial axes...), not (3, 3)", unfold2, any(3, 3)),
                    Refusal.of("unfold: kernel [2, 2] needs one number or 3", unfold2, any(1, 1, 2, 2, 2)),
                    Refusal.of("unfold: a window of 2 with dilation 1 is longer than axis -2 of the input, 1 with",
                        unfold2, any(1, 1, 1, 3))),
            OpRow.of("fold").tolerance(Tolerance.summing(8, "sums of the up to 9 windows of an element")).cases(
                of(x -> x[0].fold(Pooling.of(1), 1), any(1, 1, 1)), of(fold2, any(0, 8, 6)), of(fold2, any(2, 8, 6)),
                of(x -> x[0].fold(Pooling.of(3).stride(1), 13), any(2, 6, 11)),
                of(x -> x[0].fold(Pooling.of(2, 2), 4, 5), any(1, 8, 4)),
                of(x -> x[0].fold(Pooling.of(3, 2).stride(2, 1).padding(1, 0), 4, 5), any(1, 12, 8)),
                of(x -> x[0].fold(Pooling.of(2, 2).stride(1).dilation(2, 1), 4, 3), any(1, 8, 4)),
                of(x -> x[0].fold(Pooling.of(2, 2, 2).stride(1), 2, 3, 3), any(1, 8, 4)),
                of(fold2, any(2, 8, 6).laid(Layout.PERMUTED)), of(fold2, any(1, 4, 6).laid(Layout.FLIPPED)))
                .refuses(Refusal.of(
                    "fold: columns must be (n, channels times 4, 6) for a result (3, 4) but are (1, 6, 6)",
                    fold2, any(1, 6, 6)),
                    Refusal.of("fold: columns must be (n, channels times 4, 6) for a result (3, 4) but are (1, 8, 5)",
                        fold2, any(1, 8, 5)),
                    Refusal.of("fold: needs the spatial extents of the result", x -> x[0].fold(Pooling.of(2)),
                        any(1, 2, 3)),
                    Refusal.of("fold: kernel [2, 2] needs one number or 1", x -> x[0].fold(Pooling.of(2, 2), 4),
                        any(1, 4, 3))));
    }

    private static TensorFunction to(Interpolation mode, boolean corners, long... extents) {
        return x -> x[0].interpolate(mode, corners, extents);
    }

    private static List<OpRow> interpolation() {
        Interpolation near = Interpolation.NEAREST;
        Interpolation linear = Interpolation.LINEAR;
        Interpolation cubic = Interpolation.CUBIC;
        Refusal rank = Refusal.of("interpolate: x must be (n, channels, spatial axes...), not (3, 3)",
            to(linear, false, 2), any(3, 3));
        return List.of(
            OpRow.of("interpolateNearest").dtypes(OpRow.NUMBERS)
                .tolerance(Tolerance.exact("elements are copied; gradients add up the copies").gradient(16)).cases(
                of(to(near, false, 1), any(1, 1, 1)), of(to(near, false, 4), any(1, 2, 2)),
                of(to(near, false, 5), any(2, 1, 3)), of(to(near, false, 5), any(1, 1, 13)),
                of(to(near, false, 4, 6), any(1, 2, 2, 3)), of(to(near, false, 3, 5), any(1, 2, 2, 7)),
                of(to(near, false, 6), any(0, 2, 3, 3)), of(to(near, false, 2, 4, 3), any(1, 1, 2, 2, 3)),
                of(to(near, false, 4), any(1, 2, 2, 2).laid(Layout.PERMUTED)),
                of(to(near, false, 3), any(1, 2, 2, 2).laid(Layout.FLIPPED)))
                .refuses(rank, Refusal.of("alignCorners says nothing about the nearest element", to(near, true, 2),
                    any(1, 1, 3)), Refusal.of("interpolate: extents [0] must be at least 1", to(near, false, 0),
                    any(1, 1, 3)), Refusal.of("interpolate: axis -1 of x (1, 1, 0) is empty", to(near, false, 2),
                    any(1, 1, 0))),
            OpRow.of("interpolateLinear").tolerance(Tolerance.summing(16, "weights and two products per axis")).cases(
                of(to(linear, false, 1), any(1, 1, 1)), of(to(linear, false, 4), any(1, 2, 2)),
                of(to(linear, true, 5), any(2, 1, 3)), of(to(linear, false, 26), any(1, 2, 13)),
                of(to(linear, false, 4, 6), any(1, 2, 2, 3)), of(to(linear, true, 3, 5), any(1, 2, 2, 7)),
                of(to(linear, true, 1, 4), any(1, 2, 2, 2)), of(to(linear, false, 2), any(0, 2, 3, 3)),
                of(to(linear, false, 11), any(2, 1, 13)), of(to(linear, false, 2, 4, 4), any(1, 1, 2, 2, 2)),
                of(to(linear, false, 4), any(1, 2, 2, 2).laid(Layout.PERMUTED)),
                of(to(linear, true, 5), any(1, 2, 3).laid(Layout.FLIPPED)))
                .refuses(rank, Refusal.of("interpolate: extents [2, 2] needs one number or 1", to(linear, false, 2, 2),
                    any(1, 1, 3)), Refusal.of("interpolate: needs a floating dtype but got i32", to(linear, false, 2),
                    Operand.of(DType.I32, ANY, 1, 1, 3))),
            OpRow.of("interpolateCubic").tolerance(Tolerance.of(64, x -> x[0].abs().sum(),
                "four weights of both signs per axis")).cases(
                of(to(cubic, false, 1), any(1, 1, 1)), of(to(cubic, false, 4), any(1, 2, 2)),
                of(to(cubic, true, 5), any(2, 1, 3)), of(to(cubic, false, 26), any(1, 2, 13)),
                of(to(cubic, false, 2, 6), any(1, 2, 2, 3)), of(to(cubic, true, 3, 7), any(1, 2, 2, 7)),
                of(to(cubic, true, 1), any(1, 2, 3)), of(to(cubic, false, 2), any(1, 2, 4)),
                of(to(cubic, false, 11), any(2, 1, 13)), of(to(cubic, false, 4), any(1, 2, 2).laid(Layout.PERMUTED)),
                of(to(cubic, true, 5), any(1, 2, 3).laid(Layout.FLIPPED)))
                .refuses(rank, Refusal.of("interpolate: extents [2, 2] needs one number or 1", to(cubic, false, 2, 2),
                    any(1, 1, 3)), Refusal.of("interpolate: needs a floating dtype but got i32", to(cubic, false, 2),
                    Operand.of(DType.I32, ANY, 1, 1, 3))));
    }
}

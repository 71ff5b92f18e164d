package org.adjoint.parity;

import java.util.List;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.Interpolation;
import org.adjoint.graph.Pooling;
import org.adjoint.graph.Shape;

/** Convolution, pooling and resampling. */
final class ConvolutionRows {
    private ConvolutionRows() { }

    static List<Row> rows() {
        return List.of(
            Row.of("conv1d", draw -> {
                int groups = draw.integer(1, 2);
                int stride = draw.integer(1, 3);
                int padding = draw.integer(0, 2);
                int dilation = draw.integer(1, 2);
                Convolution settings =
                    Convolution.DEFAULT.stride(stride).padding(padding).dilation(dilation).groups(groups);
                return Case.of(x -> x[0].conv1d(x[1], x[2], settings),
                    "torch.conv1d(x0, x1, x2, [%d], [%d], [%d], %d)".formatted(stride, padding, dilation, groups),
                    draw.any(2, 2 * groups, draw.integer(5, 17)), draw.any(3 * groups, 2, draw.integer(1, 3)),
                    draw.any(3 * groups));
            }).cancelling(),
            Row.of("conv2d", draw -> {
                int groups = draw.integer(1, 2);
                int s = draw.integer(1, 2);
                int p = draw.integer(0, 2);
                int d = draw.integer(1, 2);
                Convolution settings = Convolution.DEFAULT.stride(s, 1).padding(p, 1).dilation(1, d).groups(groups);
                return Case.of(x -> x[0].conv2d(x[1], x[2], settings),
                    "torch.conv2d(x0, x1, x2, [%d, 1], [%d, 1], [1, %d], %d)".formatted(s, p, d, groups),
                    draw.any(2, 2 * groups, draw.integer(4, 9), draw.integer(4, 9)),
                    draw.any(2 * groups, 2, draw.integer(1, 3), draw.integer(1, 3)), draw.any(2 * groups));
            }).cancelling(),
            Row.of("conv3d", draw -> {
                int s = draw.integer(1, 2);
                return Case.of(x -> x[0].conv3d(x[1], x[2], Convolution.DEFAULT.stride(s, 1, s).padding(1, 0, 1)),
                    "torch.conv3d(x0, x1, x2, [%d, 1, %d], [1, 0, 1])".formatted(s, s), draw.any(1, 2, 4, 5, 4),
                    draw.any(3, 2, 2, 3, 2), draw.any(3));
            }).cancelling(),
            Row.of("convTranspose1d", draw -> {
                int s = draw.integer(2, 3);
                int out = draw.integer(0, 1);
                return Case.of(x -> x[0].convTranspose1d(x[1], x[2],
                        Convolution.DEFAULT.stride(s).padding(1).outputPadding(out)),
                    "torch.conv_transpose1d(x0, x1, x2, [%d], [1], [%d])".formatted(s, out),
                    draw.any(2, 3, draw.integer(2, 9)), draw.any(3, 2, 3), draw.any(2));
            }).cancelling(),
            Row.of("convTranspose2d", draw -> {
                int s = draw.integer(1, 3);
                int groups = draw.integer(1, 2);
                int d = draw.integer(1, 2);
                return Case.of(x -> x[0].convTranspose2d(x[1], x[2],
                        Convolution.DEFAULT.stride(s, 2).padding(1, 0).dilation(d, 1).groups(groups)),
                    "torch.conv_transpose2d(x0, x1, x2, [%d, 2], [1, 0], [0, 0], %d, [%d, 1])".formatted(s, groups, d),
                    draw.any(2, 2 * groups, draw.integer(3, 5), draw.integer(3, 5)), draw.any(2 * groups, 2, 3, 2),
                    draw.any(2 * groups));
            }).cancelling(),
            Row.of("maxPool1d", draw -> {
                int s = draw.integer(1, 3);
                return Case.of(x -> x[0].maxPool1d(Pooling.of(3).stride(s).padding(1)),
                    "torch.max_pool1d(x0, [3], [%d], [1])".formatted(s), draw.distinct(
                        Shape.of(2, 3, draw.integer(3, 17))));
            }),
            Row.of("maxPool2d", draw -> {
                int s = draw.integer(1, 3);
                boolean ceil = draw.coin();
                return Case.of(x -> x[0].maxPool2d(Pooling.of(2, 3).stride(s, 2).padding(1, 0).ceilMode(ceil)),
                    "torch.max_pool2d(x0, [2, 3], [%d, 2], [1, 0], [1, 1], %s)".formatted(s, ceil ? "True" : "False"),
                    draw.distinct(Shape.of(2, 2, draw.integer(4, 9), draw.integer(4, 9))));
            }),
            Row.of("maxPool3d", draw -> Case.of(x -> x[0].maxPool3d(Pooling.of(2, 2, 2).stride(2, 1, 2)),
                "torch.max_pool3d(x0, [2, 2, 2], [2, 1, 2])",
                draw.distinct(Shape.of(1, 2, draw.integer(2, 5), 4, 5)))),
            Row.of("avgPool1d", draw -> Case.of(x -> x[0].avgPool1d(Pooling.of(3).stride(2).padding(1)),
                "torch.avg_pool1d(x0, [3], [2], [1])", draw.any(2, 3, draw.integer(3, 17)))).cancelling(),
            Row.of("avgPool2d", draw -> {
                boolean ceil = draw.coin();
                boolean include = draw.coin();
                return Case.of(x -> x[0].avgPool2d(
                        Pooling.of(2, 3).stride(2, 2).padding(1, 1).ceilMode(ceil).countIncludePad(include)),
                    "torch.avg_pool2d(x0, [2, 3], [2, 2], [1, 1], %s, %s)".formatted(ceil ? "True" : "False",
                        include ? "True" : "False"), draw.any(2, 2, draw.integer(4, 9), draw.integer(4, 9)));
            }).cancelling(),
            Row.of("avgPool3d", draw -> Case.of(x -> x[0].avgPool3d(Pooling.of(2, 2, 2).stride(2, 1, 2)),
                "torch.avg_pool3d(x0, [2, 2, 2], [2, 1, 2])", draw.any(1, 2, draw.integer(2, 5), 4, 5))).cancelling(),
            Row.of("adaptiveAvgPool1d", draw -> {
                int extent = draw.integer(1, 7);
                return Case.of(x -> x[0].adaptiveAvgPool1d(extent), "torch.adaptive_avg_pool1d(x0, [" + extent + "])",
                    draw.any(2, 3, draw.integer(1, 17)));
            }).cancelling(),
            Row.of("adaptiveAvgPool2d", draw -> {
                int height = draw.integer(1, 5);
                return Case.of(x -> x[0].adaptiveAvgPool2d(height, 3),
                    "torch.adaptive_avg_pool2d(x0, [" + height + ", 3])",
                    draw.any(2, 2, draw.integer(2, 9), draw.integer(2, 9)));
            }).cancelling(),
            Row.of("adaptiveMaxPool2d", draw -> {
                int height = draw.integer(1, 5);
                return Case.of(x -> x[0].adaptiveMaxPool2d(height, 3),
                    "torch.adaptive_max_pool2d(x0, [" + height + ", 3])[0]",
                    draw.distinct(Shape.of(2, 2, draw.integer(2, 9), draw.integer(2, 9))));
            }),
            Row.of("unfold", draw -> {
                int d = draw.integer(1, 2);
                return Case.of(x -> x[0].unfold(Pooling.of(2, 3).stride(1, 2).padding(1, 1).dilation(d, 1)),
                    "torch.im2col(x0, [2, 3], [%d, 1], [1, 1], [1, 2])".formatted(d),
                    draw.any(2, 2, draw.integer(4, 9), draw.integer(4, 9)));
            }).cancelling(),
            Row.of("fold", draw -> Case.of(x -> x[0].fold(Pooling.of(2, 2).stride(1, 1), 4, 5),
                "torch.col2im(x0, [4, 5], [2, 2], [1, 1], [0, 0], [1, 1])", draw.any(2, 8, 12))).cancelling(),
            resampling("nearest interpolation", Interpolation.NEAREST, "torch.upsample_nearest2d(x0, [%d, %d])", false),
            resampling("bicubic interpolation", Interpolation.CUBIC,
                "torch.upsample_bicubic2d(x0, [%d, %d], False)", false),
            resampling("bilinear interpolation", Interpolation.LINEAR,
                "torch.upsample_bilinear2d(x0, [%d, %d], False)", false),
            resampling("bilinear interpolation, aligned", Interpolation.LINEAR,
                "torch.upsample_bilinear2d(x0, [%d, %d], True)", true));
    }

    private static Row resampling(String name, Interpolation mode, String torch, boolean aligned) {
        return Row.of(name, draw -> {
            int height = draw.integer(1, 13);
            int width = draw.integer(1, 13);
            return Case.of(x -> aligned ? x[0].interpolate(mode, true, height, width)
                : x[0].interpolate(mode, height, width), torch.formatted(height, width),
                draw.any(2, 2, draw.integer(2, 7), draw.integer(2, 7)));
        }).cancelling();
    }
}

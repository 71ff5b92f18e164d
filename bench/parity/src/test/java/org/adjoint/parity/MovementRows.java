package org.adjoint.parity;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.adjoint.Tensor;
import org.adjoint.graph.PadMode;
import org.adjoint.graph.Shape;

/** What moves elements. */
final class MovementRows {
    private MovementRows() { }

    static List<Row> rows() {
        return List.of(
            Row.of("reshape", draw -> {
                Shape shape = draw.shape(1, 4);
                return Case.of(x -> x[0].reshape(-1, shape.extent(0)),
                    "torch.reshape(x0, [-1, " + shape.extent(0) + "])", draw.any(shape));
            }),
            Row.of("permute", draw -> {
                Shape shape = draw.shape(1, 4);
                List<Integer> axes = IntStream.range(0, shape.rank()).boxed().collect(Collectors.toList());
                Collections.rotate(axes, draw.integer(0, 3));
                return Case.of(x -> x[0].permute(axes.stream().mapToInt(Integer::intValue).toArray()),
                    "torch.permute(x0, " + axes + ")", draw.any(shape));
            }),
            Row.of("transpose", draw -> {
                Shape shape = draw.shape(2, 4);
                int a = draw.axis(shape);
                int b = draw.axis(shape);
                return Case.of(x -> x[0].transpose(a, b), "torch.transpose(x0, " + a + ", " + b + ")", draw.any(shape));
            }),
            Row.of("expand", draw -> {
                Shape shape = draw.shape(1, 3);
                Shape source = shape.with(0, 1);
                return Case.of(x -> x[0].expand(shape.toArray()), "x0.expand(" + text(shape) + ")", draw.any(source));
            }).cancelling(),
            Row.of("unsqueeze", draw -> {
                Shape shape = draw.shape(0, 3);
                int axis = draw.integer(-shape.rank() - 1, shape.rank());
                return Case.of(x -> x[0].unsqueeze(axis), "torch.unsqueeze(x0, " + axis + ")", draw.any(shape));
            }),
            Row.of("squeeze", draw -> {
                Shape shape = draw.shape(1, 4);
                int axis = draw.axis(shape);
                Shape source = shape.with(Math.floorMod(axis, shape.rank()), 1);
                return Case.of(x -> x[0].squeeze(axis), "torch.squeeze(x0, " + axis + ")", draw.any(source));
            }),
            Row.of("slice", draw -> {
                Shape shape = draw.shape(1, 4);
                int axis = draw.axis(shape);
                long extent = shape.extent(Math.floorMod(axis, shape.rank()));
                int start = draw.integer(0, (int) extent - 1);
                int end = draw.integer(start + 1, (int) extent);
                int step = draw.integer(1, 3);
                return Case.of(x -> x[0].slice(axis, start, end, step),
                    "torch.slice(x0, %d, %d, %d, %d)".formatted(axis, start, end, step), draw.any(shape));
            }),
            Row.of("flip", draw -> {
                Shape shape = draw.shape(1, 4);
                int[] axes = ReductionRows.someAxes(draw, shape);
                return Case.of(x -> x[0].flip(axes), "torch.flip(x0, " + Arrays.toString(axes) + ")", draw.any(shape));
            }),
            Row.of("pad", draw -> {
                int low = draw.integer(0, 3);
                int high = draw.integer(0, 3);
                double value = draw.number(-2, 2);
                return Case.of(x -> x[0].pad(-1, low, high, value),
                    "torch.constant_pad_nd(x0, [%d, %d], %s)".formatted(low, high, value), draw.any(draw.shape(1, 4)));
            }),
            Row.of("slice backwards", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.integer(0, shape.rank() - 1);
                int extent = (int) shape.extent(axis);
                return Case.of(x -> x[0].slice(axis, 0, extent, -1), "torch.flip(x0, [" + axis + "])",
                    draw.any(shape));
            }),
            Row.of("narrow", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                int extent = (int) shape.extent(Math.floorMod(axis, shape.rank()));
                int start = draw.integer(0, extent - 1);
                int length = draw.integer(1, extent - start);
                return Case.of(x -> x[0].narrow(axis, start, length),
                    "torch.narrow(x0, %d, %d, %d)".formatted(axis, start, length), draw.any(shape));
            }),
            Row.of("split", draw -> {
                Shape shape = draw.shape(1, 3).with(0, 7);
                int size = draw.integer(1, 7);
                return Case.of(x -> x[0].split(0, size).getLast(), "torch.split(x0, " + size + ", 0)[-1]",
                    draw.any(shape));
            }),
            Row.of("chunk", draw -> {
                Shape shape = draw.shape(1, 3).with(0, 7);
                int count = draw.integer(1, 7);
                return Case.of(x -> x[0].chunk(0, count).getLast(), "torch.chunk(x0, " + count + ", 0)[-1]",
                    draw.any(shape));
            }),
            Row.of("unbind", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                return Case.of(x -> x[0].unbind(axis).getFirst(), "torch.unbind(x0, " + axis + ")[0]", draw.any(shape));
            }),
            Row.of("roll", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                int shift = draw.integer(-9, 9);
                return Case.of(x -> x[0].roll(shift, axis), "torch.roll(x0, [" + shift + "], [" + axis + "])",
                    draw.any(shape));
            }),
            padding("pad by reflection", "reflection", PadMode.REFLECT),
            padding("pad by replication", "replication", PadMode.REPLICATE),
            Row.of("repeat", draw -> {
                int a = draw.integer(1, 3);
                int b = draw.integer(1, 3);
                return Case.of(x -> x[0].repeat(a, b, 1), "x0.repeat(" + a + ", " + b + ", 1)",
                    draw.any(draw.shape(1, 3)));
            }).cancelling(),
            Row.of("tile", draw -> {
                int a = draw.integer(1, 3);
                return Case.of(x -> x[0].tile(a), "torch.tile(x0, [" + a + "])", draw.any(draw.shape(1, 3)));
            }).cancelling(),
            Row.of("repeatInterleave", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                int count = draw.integer(1, 4);
                return Case.of(x -> x[0].repeatInterleave(axis, count),
                    "torch.repeat_interleave(x0, " + count + ", " + axis + ")", draw.any(shape));
            }).cancelling(),
            triangle("tril", (x, offset) -> x.tril(offset)),
            triangle("triu", (x, offset) -> x.triu(offset)),
            Row.of("diagonal", draw -> {
                Shape shape = draw.shape(2, 4);
                int offset = draw.integer(0, (int) shape.extent(1) - 1);
                return Case.of(x -> x[0].diagonal(offset, 0, 1), "torch.diagonal(x0, " + offset + ", 0, 1)",
                    draw.any(shape));
            }),
            Row.of("diagonalEmbed", draw -> Case.of(x -> x[0].diagonalEmbed(), "torch.diag_embed(x0)",
                draw.any(draw.shape(1, 2)))),
            // Not torch.trace, whose gradient is wrong where there are more rows than columns and one.
            Row.of("trace", draw -> Case.of(x -> x[0].trace(), "torch.diagonal(x0).sum()", draw.any(draw.shape(2, 2))))
                .cancelling(),
            Row.of("moveAxis", draw -> {
                Shape shape = draw.shape(2, 4);
                int from = draw.axis(shape);
                int to = draw.axis(shape);
                return Case.of(x -> x[0].moveAxis(from, to), "torch.movedim(x0, " + from + ", " + to + ")",
                    draw.any(shape));
            }),
            Row.of("flatten", draw -> Case.of(x -> x[0].flatten(1, -1), "torch.flatten(x0, 1, -1)",
                draw.any(draw.shape(2, 4)))),
            Row.of("unflatten", draw -> Case.of(x -> x[0].unflatten(0, 2, 3), "torch.unflatten(x0, 0, [2, 3])",
                draw.any(draw.shape(1, 3).with(0, 6)))),
            Row.of("concat", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.integer(0, shape.rank() - 1);
                return Case.of(x -> Tensor.concat(axis, List.of(x)), "torch.cat([x0, x1, x2], " + axis + ")",
                    draw.any(shape), draw.any(shape.with(axis, 3)), draw.any(shape.with(axis, 1)));
            }),
            Row.of("stack", draw -> {
                Shape shape = draw.shape(0, 3);
                return Case.of(x -> Tensor.stack(List.of(x)), "torch.stack([x0, x1], 0)", draw.any(shape),
                    draw.any(shape));
            }));
    }

    private static Row padding(String name, String operator, PadMode mode) {
        return Row.of(name, draw -> {
            int low = draw.integer(0, 3);
            int high = draw.integer(0, 3);
            return Case.of(x -> x[0].pad(-1, low, high, mode),
                "torch.%s_pad1d(x0, [%d, %d])".formatted(operator, low, high), draw.any(2, 3, draw.integer(4, 9)));
        }).cancelling();
    }

    private static Row triangle(String name, BiFunction<Tensor, Integer, Tensor> ours) {
        return Row.of(name, draw -> {
            int offset = draw.integer(-4, 4);
            return Case.of(x -> ours.apply(x[0], offset), "torch." + name + "(x0, " + offset + ")",
                draw.any(draw.shape(2, 4)));
        });
    }

    /** As a list of numbers. */
    static String text(Shape shape) {
        return Arrays.toString(shape.toArray());
    }
}

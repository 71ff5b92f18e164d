package org.adjoint.parity;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.adjoint.Tensor;
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

    /** As a list of numbers. */
    static String text(Shape shape) {
        return Arrays.toString(shape.toArray());
    }
}

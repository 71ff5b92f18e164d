package org.adjoint.parity;

import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.adjoint.Tensor;
import org.adjoint.graph.Shape;

/** What folds along axes. */
final class ReductionRows {
    private ReductionRows() { }

    static List<Row> rows() {
        return List.of(
            axes("sum", "torch.sum(x0, dim=%s)", (x, axes) -> x.sum(axes)).cancelling(),
            axes("sumKeep", "torch.sum(x0, dim=%s, keepdim=True)", (x, axes) -> x.sumKeep(axes)).cancelling(),
            axes("mean", "torch.mean(x0, dim=%s)", (x, axes) -> x.mean(axes)).cancelling(),
            axes("meanKeep", "torch.mean(x0, dim=%s, keepdim=True)", (x, axes) -> x.meanKeep(axes)).cancelling(),
            Row.of("sum of all", draw -> Case.of(x -> x[0].sum(), "torch.sum(x0)", draw.any(draw.shape(0, 4))))
                .cancelling(),
            distinctAxes("max", "torch.amax(x0, dim=%s)", (x, axes) -> x.max(axes)),
            distinctAxes("maxKeep", "torch.amax(x0, dim=%s, keepdim=True)", (x, axes) -> x.maxKeep(axes)),
            distinctAxes("min", "torch.amin(x0, dim=%s)", (x, axes) -> x.min(axes)),
            distinctAxes("minKeep", "torch.amin(x0, dim=%s, keepdim=True)", (x, axes) -> x.minKeep(axes)),
            Row.of("max with ties", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                return Case.of(x -> x[0].max(axis), "torch.amax(x0, dim=[" + axis + "])",
                    draw.grid(shape, -2, 2, 1, 0));
            }),
            distinctAxis("argmax", "torch.argmax(x0, dim=%d)", (x, axis) -> x.argmax(axis)).forwardOnly(),
            distinctAxis("argmin", "torch.argmin(x0, dim=%d)", (x, axis) -> x.argmin(axis)).forwardOnly());
    }

    /** Over one or more axes; {@code %s} is their list. */
    static Row axes(String name, String torch, BiFunction<Tensor, int[], Tensor> ours) {
        return Row.of(name, draw -> {
            Shape shape = draw.shape(1, 4);
            int[] axes = someAxes(draw, shape);
            return Case.of(x -> ours.apply(x[0], axes), torch.formatted(Arrays.toString(axes)), draw.any(shape));
        });
    }

    static Row distinctAxes(String name, String torch, BiFunction<Tensor, int[], Tensor> ours) {
        return Row.of(name, draw -> {
            Shape shape = draw.shape(1, 4);
            int[] axes = someAxes(draw, shape);
            return Case.of(x -> ours.apply(x[0], axes), torch.formatted(Arrays.toString(axes)), draw.distinct(shape));
        });
    }

    /** Along one axis, of values no two of which are alike. */
    static Row distinctAxis(String name, String torch, BiFunction<Tensor, Integer, Tensor> ours) {
        return Row.of(name, draw -> {
            Shape shape = draw.shape(1, 4);
            int axis = draw.axis(shape);
            return Case.of(x -> ours.apply(x[0], axis), torch.formatted(axis), draw.distinct(shape));
        });
    }

    /** Along one axis. */
    static Row axis(String name, String torch, BiFunction<Tensor, Integer, Tensor> ours) {
        return Row.of(name, draw -> {
            Shape shape = draw.shape(1, 4);
            int axis = draw.axis(shape);
            return Case.of(x -> ours.apply(x[0], axis), torch.formatted(axis), draw.any(shape));
        });
    }

    static int[] someAxes(Draw draw, Shape shape) {
        int first = draw.integer(0, shape.rank() - 1);
        int last = draw.integer(first, shape.rank() - 1);
        return IntStream.rangeClosed(first, last).toArray();
    }
}

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
            Row.of("prod", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                return Case.of(x -> x[0].prod(axis), "torch.prod(x0, " + axis + ")",
                    draw.grid(shape, -1.5, 1.5, 0.5, 0));
            }).cancelling(),
            axes("variance", "torch.var(x0, dim=%s, correction=0)", (x, axes) -> x.variance(0, false, axes))
                .cancelling(),
            Row.of("unbiased variance", draw -> {
                Shape shape = draw.shape(1, 3).with(0, 5);
                return Case.of(x -> x[0].variance(0), "torch.var(x0, dim=[0])", draw.any(shape));
            }).cancelling(),
            Row.of("standardDeviation", draw -> {
                Shape shape = draw.shape(1, 3).with(0, 5);
                return Case.of(x -> x[0].standardDeviationKeep(0), "torch.std(x0, dim=[0], keepdim=True)",
                    draw.distinct(shape));
            }).cancelling(),
            axes("logSumExp", "torch.logsumexp(x0, dim=%s)", (x, axes) -> x.logSumExp(axes)).cancelling(),
            axes("norm", "torch.linalg_vector_norm(x0, 2, %s)", (x, axes) -> x.norm(2, axes)).cancelling(),
            norm("norm of order 1", "1", 1),
            norm("norm of order 3", "3", 3),
            norm("greatest magnitude", "float('inf')", Double.POSITIVE_INFINITY),
            norm("least magnitude", "float('-inf')", Double.NEGATIVE_INFINITY),
            Row.of("any", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                return Case.of(x -> x[0].any(axis), "torch.any(x0, " + axis + ")", draw.mask(shape));
            }).forwardOnly(),
            Row.of("all", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                return Case.of(x -> x[0].all(axis), "torch.all(x0, " + axis + ")", draw.mask(shape));
            }).forwardOnly(),
            Row.of("countNonzero", draw -> Case.of(x -> x[0].countNonzero(), "torch.count_nonzero(x0)",
                draw.grid(draw.shape(1, 3), -1, 1, 1, 0))).forwardOnly(),
            axis("cumsum", "torch.cumsum(x0, %d)", (x, axis) -> x.cumsum(axis)).cancelling(),
            axis("cumprod", "torch.cumprod(x0, %d)", (x, axis) -> x.cumprod(axis)).cancelling(),
            distinctAxis("cummax", "torch.cummax(x0, %d)[0]", (x, axis) -> x.cummax(axis)),
            distinctAxis("cummin", "torch.cummin(x0, %d)[0]", (x, axis) -> x.cummin(axis)),
            axis("logCumSumExp", "torch.logcumsumexp(x0, %d)", (x, axis) -> x.logCumSumExp(axis)).cancelling(),
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

    /** Of values apart from 0, where no norm has a kink. */
    private static Row norm(String name, String order, double p) {
        return Row.of(name, draw -> {
            Shape shape = draw.shape(1, 3);
            int axis = draw.axis(shape);
            return Case.of(x -> x[0].norm(p, axis), "torch.linalg_vector_norm(x0, " + order + ", [" + axis + "])",
                Double.isInfinite(p) ? draw.distinct(shape.with(0, 2 * shape.extent(0))).shifted(0.01)
                    : draw.notZero(shape));
        });
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

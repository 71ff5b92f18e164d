package org.adjoint.parity;

import java.util.List;
import org.adjoint.graph.Shape;

/** Selecting and updating by index or mask. */
final class IndexingRows {
    private IndexingRows() { }

    static List<Row> rows() {
        return List.of(
            Row.of("gather", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.integer(0, shape.rank() - 1);
                return Case.of(x -> x[0].gather(axis, x[1]), "torch.gather(x0, " + axis + ", x1)", draw.any(shape),
                    draw.indices(shape.with(axis, draw.integer(1, 9)), shape.extent(axis)));
            }).cancelling(),
            Row.of("scatterAdd", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.integer(0, shape.rank() - 1);
                Shape updates = shape.with(axis, draw.integer(1, 9));
                return Case.of(x -> x[0].scatterAdd(axis, x[1], x[2]),
                    "torch.scatter_add(x0, " + axis + ", x1, x2)", draw.any(shape),
                    draw.indices(updates, shape.extent(axis)), draw.any(updates));
            }).cancelling(),
            ReductionRows.distinctAxis("sort", "torch.sort(x0, %d)[0]", (x, axis) -> x.sort(axis)),
            ReductionRows.distinctAxis("sort descending", "torch.sort(x0, %d, True)[0]",
                (x, axis) -> x.sort(axis, true)),
            Row.of("argsort with ties", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                boolean descending = draw.coin();
                return Case.of(x -> x[0].argsort(axis, descending),
                    "torch.sort(x0, stable=True, dim=" + axis + ", descending=" + (descending ? "True" : "False")
                        + ")[1]", draw.grid(shape, -2, 2, 1, 0));
            }).forwardOnly(),
            Row.of("topK", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                int k = draw.integer(1, (int) shape.extent(Math.floorMod(axis, shape.rank())));
                boolean largest = draw.coin();
                return Case.of(x -> x[0].topK(k, axis, largest).values(),
                    "torch.topk(x0, " + k + ", " + axis + ", " + (largest ? "True" : "False") + ")[0]",
                    draw.distinct(shape));
            }),
            Row.of("kthValue", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                int k = draw.integer(1, (int) shape.extent(Math.floorMod(axis, shape.rank())));
                return Case.of(x -> x[0].kthValue(k, axis).values(), "torch.kthvalue(x0, " + k + ", " + axis + ")[0]",
                    draw.distinct(shape));
            }),
            ReductionRows.distinctAxis("median", "torch.median(x0, %d)[0]", (x, axis) -> x.median(axis).values()),
            Row.of("searchSorted", draw -> {
                int count = draw.integer(1, 33);
                boolean right = draw.coin();
                return Case.of(x -> x[0].sort(0).searchSorted(x[1], right),
                    "torch.searchsorted(torch.sort(x0)[0].contiguous(), x1.contiguous(), right="
                        + (right ? "True" : "False") + ")",
                    draw.grid(Shape.of(count), -3, 3, 0.5, 0), draw.grid(draw.shape(1, 1), -3, 3, 0.5, 0));
            }).forwardOnly(),
            Row.of("indexSelect", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.axis(shape);
                long extent = shape.extent(Math.floorMod(axis, shape.rank()));
                return Case.of(x -> x[0].indexSelect(axis, x[1]), "torch.index_select(x0, " + axis + ", x1)",
                    draw.any(shape), draw.indices(draw.shape(1, 1), extent));
            }).cancelling(),
            Row.of("take", draw -> {
                Shape shape = draw.shape(1, 3);
                return Case.of(x -> x[0].take(x[1]), "torch.take(x0, x1)", draw.any(shape),
                    draw.indices(draw.shape(1, 2), shape.elements()));
            }).cancelling(),
            Row.of("oneHot", draw -> Case.of(x -> x[0].oneHot(9), "torch.one_hot(x0, 9)",
                draw.indices(draw.shape(0, 2), 9))).forwardOnly(),
            Row.of("scatter", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.integer(0, shape.rank() - 1);
                // One index for each row, so that none comes twice: there PyTorch's result is any of them.
                Shape updates = shape.with(axis, 1);
                return Case.of(x -> x[0].scatter(axis, x[1], x[2]), "torch.scatter(x0, " + axis + ", x1, x2)",
                    draw.any(shape), draw.indices(updates, shape.extent(axis)), draw.any(updates));
            }),
            Row.of("scatterMax", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.integer(0, shape.rank() - 1);
                Shape updates = shape.with(axis, draw.integer(1, 5));
                return Case.of(x -> x[0].scatterMax(axis, x[1], x[2]),
                    "torch.scatter_reduce(x0, " + axis + ", x1, x2, 'amax')", draw.any(shape),
                    draw.indices(updates, shape.extent(axis)), draw.any(updates));
            }),
            Row.of("scatterMin of ties", draw -> {
                Shape updates = Shape.of(draw.integer(1, 31));
                return Case.of(x -> x[0].scatterMin(0, x[1], x[2]), "torch.scatter_reduce(x0, 0, x1, x2, 'amin')",
                    draw.grid(Shape.of(4), -1, 1, 1, 0), draw.indices(updates, 4), draw.grid(updates, -1, 1, 1, 0));
            }),
            Row.of("scatterMean", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.integer(0, shape.rank() - 1);
                Shape updates = shape.with(axis, draw.integer(1, 5));
                return Case.of(x -> x[0].scatterMean(axis, x[1], x[2]),
                    "torch.scatter_reduce(x0, " + axis + ", x1, x2, 'mean')", draw.any(shape),
                    draw.indices(updates, shape.extent(axis)), draw.any(updates));
            }).cancelling(),
            Row.of("indexAdd", draw -> {
                Shape shape = draw.shape(1, 3);
                int axis = draw.integer(0, shape.rank() - 1);
                int count = draw.integer(1, 9);
                return Case.of(x -> x[0].indexAdd(axis, x[1], x[2]), "torch.index_add(x0, " + axis + ", x1, x2)",
                    draw.any(shape), draw.indices(Shape.of(count), shape.extent(axis)),
                    draw.any(shape.with(axis, count)));
            }).cancelling(),
            Row.of("maskedSelect", draw -> {
                Shape shape = draw.shape(1, 3);
                return Case.of(x -> x[0].maskedSelect(x[1]), "torch.masked_select(x0, x1)", draw.any(shape),
                    draw.mask(shape));
            }),
            Row.of("unique", draw -> Case.of(x -> x[0].unique().values(), "torch._unique2(x0)[0]",
                draw.grid(draw.shape(1, 2), -2, 2, 0.5, 0))).forwardOnly(),
            Row.of("nonzero", draw -> Case.of(x -> x[0].nonzero(), "torch.nonzero(x0)",
                draw.grid(draw.shape(1, 3), -1, 1, 1, 0))).forwardOnly(),
            Row.of("embedding", draw -> {
                int rows = draw.integer(1, 40);
                return Case.of(x -> x[0].embedding(x[1]), "torch.embedding(x0, x1)",
                    draw.any(rows, draw.integer(1, 9)), draw.indices(draw.shape(1, 2), rows));
            }).cancelling(),
            Row.of("maskedFill", draw -> {
                Shape shape = draw.shape(0, 4);
                double value = draw.number(-3, 3);
                return Case.of(x -> x[0].maskedFill(x[1], value), "torch.masked_fill(x0, x1, " + value + ")",
                    draw.any(shape), draw.mask(shape));
            }));
    }
}

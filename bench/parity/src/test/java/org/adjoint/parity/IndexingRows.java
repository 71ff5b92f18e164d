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

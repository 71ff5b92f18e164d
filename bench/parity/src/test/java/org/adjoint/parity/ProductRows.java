package org.adjoint.parity;

import java.util.List;
import org.adjoint.graph.Shape;

/** Products and what is made of them. */
final class ProductRows {
    private ProductRows() { }

    static List<Row> rows() {
        return List.of(
            Row.of("matmul", draw -> {
                int k = draw.integer(1, 33);
                return Case.of(x -> x[0].matmul(x[1]), "torch.matmul(x0, x1)", draw.any(draw.integer(1, 17), k),
                    draw.any(k, draw.integer(1, 17)));
            }).cancelling(),
            Row.of("matmul in batches", draw -> {
                int k = draw.integer(1, 13);
                int batch = draw.integer(1, 4);
                return Case.of(x -> x[0].matmul(x[1]), "torch.matmul(x0, x1)", draw.any(2, 1, draw.integer(1, 9), k),
                    draw.any(batch, k, draw.integer(1, 9)));
            }).cancelling(),
            Row.of("matmul with a vector", draw -> {
                Shape shape = draw.shape(2, 3);
                return Case.of(x -> x[0].matmul(x[1]), "torch.matmul(x0, x1)", draw.any(shape),
                    draw.any(shape.extent(shape.rank() - 1)));
            }).cancelling());
    }
}

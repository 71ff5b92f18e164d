package org.adjoint;

import org.adjoint.graph.Op;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Shape;

/** Selecting and updating elements of a {@link Tensor} by index or mask. */
public sealed interface IndexingMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    /** Elements of this tensor, but {@code value} where {@code mask} is true. */
    default Tensor maskedFill(Tensor mask, double value) {
        return self().zip("maskedFill", mask, (x, m) -> Ops.where(m, Ops.scalar(x, value), x));
    }

    /** {@code y[.., i, ..] = this[.., indices[.., i, ..], ..]} along an axis; see {@link Op.Gather}. */
    default Tensor gather(int axis, Tensor indices) {
        return self().zip("gather", indices, (x, i) -> Ops.gather(x, axis, i));
    }

    /** A copy with {@code updates} added at {@code indices} along an axis; see {@link Op.ScatterAdd}. */
    default Tensor scatterAdd(int axis, Tensor indices, Tensor updates) {
        return self().result("scatterAdd", Ops.scatterAdd(self().operand("scatterAdd"), axis, indices.operand("scatterAdd"),
            updates.operand("scatterAdd")), indices, updates);
    }

    /** Rows of this table at {@code indices}. */
    default Tensor embedding(Tensor indices) {
        return self().zip("embedding", indices, Ops::embedding);
    }

    /** A window that begins at {@code starts}, {@code i64(rank)}. */
    default Tensor dynamicSlice(Tensor starts, long... window) {
        return self().zip("dynamicSlice", starts, (x, s) -> Ops.dynamicSlice(x, s, Shape.of(window)));
    }

    /** This tensor with the window that begins at {@code starts}, {@code i64(rank)}, replaced. */
    default Tensor dynamicUpdateSlice(Tensor update, Tensor starts) {
        return self().result("dynamicUpdateSlice", Ops.dynamicUpdateSlice(self().operand("dynamicUpdateSlice"),
            update.operand("dynamicUpdateSlice"), starts.operand("dynamicUpdateSlice")), update, starts);
    }
}

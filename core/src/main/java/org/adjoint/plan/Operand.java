package org.adjoint.plan;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/**
 * What an item reads: a value through a layout, or a scalar that is the same everywhere.
 *
 * @param value null for a scalar
 * @param scalar index of a scalar of the plan, -1 for a value
 * @param after what has to be computed before what reads this operand is, though that does not read it
 */
record Operand(Value value, int scalar, DType dtype, Layout layout, List<Item> after) {
    static Operand whole(Value value) {
        return new Operand(value, -1, value.type.dtype(), Layout.contiguous(value.type.shape()), List.of());
    }

    static Operand scalar(int scalar, DType dtype, Shape shape) {
        return new Operand(null, scalar, dtype, Layout.contiguous(shape), List.of());
    }

    Shape shape() {
        return layout.shape();
    }

    boolean isScalar() {
        return value == null;
    }

    /** Whether it is all of a value, in the order in which the value lies in memory. */
    boolean isWhole() {
        return value != null && layout.isContiguousFromStart()
            && layout.shape().elements() == value.type.shape().elements();
    }

    Operand with(Layout changed) {
        return new Operand(value, scalar, dtype, changed, after);
    }

    Operand after(List<Item> more) {
        List<Item> all = new ArrayList<>(after);
        all.addAll(more);
        return new Operand(value, scalar, dtype, layout, List.copyOf(all));
    }
}

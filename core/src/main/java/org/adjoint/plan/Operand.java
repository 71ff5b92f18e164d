package org.adjoint.plan;

import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/**
 * What an item reads: a value through a layout, or a scalar that is the same everywhere.
 *
 * @param value null for a scalar
 * @param scalar index of a scalar of the plan, -1 for a value
 */
record Operand(Value value, int scalar, DType dtype, Layout layout) {
    static Operand whole(Value value) {
        return new Operand(value, -1, value.type.dtype(), Layout.contiguous(value.type.shape()));
    }

    static Operand scalar(int scalar, DType dtype, Shape shape) {
        return new Operand(null, scalar, dtype, Layout.contiguous(shape));
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
        return new Operand(value, scalar, dtype, changed);
    }
}

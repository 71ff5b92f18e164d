package org.adjoint.plan;

import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/** A node of the program while it is rewritten. Inputs have smaller indices than the terms that read them. */
final class Term {
    /** Position in the order of birth. */
    final int index;
    final Op op;
    /** One per result. */
    final List<TensorType> types;
    final List<Term> inputs;
    /** For {@link Op.Constant}, of any shape: which scalar of the plan all its elements are; else -1. */
    final int scalar;

    Term(int index, Op op, List<TensorType> types, List<Term> inputs, int scalar) {
        this.index = index;
        this.op = op;
        this.types = types;
        this.inputs = inputs;
        this.scalar = scalar;
    }

    TensorType type() {
        return types.getFirst();
    }

    Shape shape() {
        return types.getFirst().shape();
    }

    DType dtype() {
        return types.getFirst().dtype();
    }

    Term input(int position) {
        return inputs.get(position);
    }

    boolean isConstant() {
        return scalar >= 0;
    }
}

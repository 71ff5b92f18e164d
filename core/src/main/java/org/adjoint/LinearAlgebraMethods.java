package org.adjoint;

import org.adjoint.graph.Ops;

/** Products of a {@link Tensor} with others. */
public sealed interface LinearAlgebraMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    /** Matrix product, batched over leading axes, which broadcast. */
    default Tensor matmul(Tensor other) {
        return self().zip("matmul", other, Ops::matmul);
    }
}

package org.adjoint.gradcheck;

import org.adjoint.Tensor;

/** A function of tensors to a tensor, all on one device. */
@FunctionalInterface
public interface TensorFunction {
    Tensor apply(Tensor... inputs);
}

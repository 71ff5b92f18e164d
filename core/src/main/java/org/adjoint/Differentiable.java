package org.adjoint;

/** What a gradient can be asked for. */
public sealed interface Differentiable permits Tensor, Variable {
    /** Its value as a tensor: of a variable, the value at this point of the program. */
    Tensor tensor();
}

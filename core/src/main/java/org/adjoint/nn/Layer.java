package org.adjoint.nn;

import org.adjoint.Tensor;

/** A function of one tensor, as {@link Sequential} chains them. One without parameters may be a lambda. */
@FunctionalInterface
public interface Layer {
    Tensor forward(Tensor x);
}

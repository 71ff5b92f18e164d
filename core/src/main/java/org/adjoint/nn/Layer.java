package org.adjoint.nn;

import org.adjoint.Tensor;

/** A function of one tensor: what {@link Sequential} chains. Most are modules; one without parameters may be a lambda. */
@FunctionalInterface
public interface Layer {
    Tensor forward(Tensor x);
}

/** Reverse-mode differentiation: gradients are ordinary nodes, so they differentiate again. */
package org.adjoint.autodiff;

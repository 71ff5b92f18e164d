/**
 * Checks gradients of any function of tensors against differences:
 *
 * <pre>{@code
 * GradientCheck.of(x -> x[0].matmul(x[1]).softmax(-1)).order(2).assertGradients(a, b);
 * }</pre>
 */
package org.adjoint.gradcheck;

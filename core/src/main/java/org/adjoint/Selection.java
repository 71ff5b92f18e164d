package org.adjoint;

/**
 * Elements that were picked along an axis, and where.
 *
 * @param values the elements, which can be differentiated
 * @param indices their places along the axis, {@code I64}, shaped alike
 */
public record Selection(Tensor values, Tensor indices) { }

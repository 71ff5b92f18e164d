package org.adjoint;

/**
 * The different elements of a tensor.
 *
 * @param values ascending, {@code (n)}, which can be differentiated
 * @param inverse for each element of the tensor its place among the values: {@code I64} of the tensor's shape
 * @param counts how often each value is there, {@code I64}, {@code (n)}
 */
public record UniqueElements(Tensor values, Tensor inverse, Tensor counts) { }

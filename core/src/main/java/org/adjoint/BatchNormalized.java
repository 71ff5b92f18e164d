package org.adjoint;

/**
 * A batch, normalized.
 *
 * @param output of the shape of the input
 * @param mean of each channel, {@code (channels)}, in the dtype that the input is computed in
 * @param variance of each channel, biased, likewise
 */
public record BatchNormalized(Tensor output, Tensor mean, Tensor variance) { }

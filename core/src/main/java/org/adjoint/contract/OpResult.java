package org.adjoint.contract;

import org.adjoint.graph.DType;

/**
 * How an operation did on a device.
 *
 * @param op its name in the table of samples
 * @param dtype under test
 * @param samples how many were tried
 * @param refusals how many arguments were tried that must be refused
 * @param worstRelativeError the largest of: |device - reference| over the magnitude of the reference, for results and
 *     for gradients; for {@code F64} also |analytic - numeric| over the magnitude of the gradient
 * @param passed whether all of them were within their bounds
 * @param message the first failure in words, or empty
 */
public record OpResult(String op, DType dtype, int samples, int refusals, double worstRelativeError, boolean passed,
    String message) { }

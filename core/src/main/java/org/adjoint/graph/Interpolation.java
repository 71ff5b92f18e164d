package org.adjoint.graph;

/** How {@link InterpolationOps} finds values between those of a tensor. */
public enum Interpolation {
    /** The value at {@code floor(i s / m)} for position i of m out of s, PyTorch's {@code nearest}. */
    NEAREST,
    /** Of the two neighbors along each axis: PyTorch's {@code linear}, {@code bilinear} and {@code trilinear}. */
    LINEAR,
    /** Of the four neighbors along each axis, PyTorch's {@code bicubic} (Keys, 1981, with a = -0.75). */
    CUBIC
}

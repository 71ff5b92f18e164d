package org.adjoint.cuda.launch;

/** A copy of contiguous bytes within the device's memory; the ranges do not overlap. */
public record Copy(Argument source, Argument target, long bytes) implements Work { }

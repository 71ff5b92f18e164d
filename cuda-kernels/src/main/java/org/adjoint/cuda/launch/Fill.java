package org.adjoint.cuda.launch;

/** Sets bytes of the device's memory to one value. */
public record Fill(Argument target, long bytes, byte value) implements Work { }

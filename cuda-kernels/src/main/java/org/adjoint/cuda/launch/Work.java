package org.adjoint.cuda.launch;

/** One thing put on the stream. */
public sealed interface Work permits Launch, Product, Copy, Fill, Loop { }

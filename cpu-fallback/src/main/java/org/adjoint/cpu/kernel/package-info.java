/** Kernels written by hand: what is neither elementwise nor a plain matrix product. */
package org.adjoint.cpu.kernel;

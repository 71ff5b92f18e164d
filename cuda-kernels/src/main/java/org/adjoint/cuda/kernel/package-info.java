/** The host's side of the hand-written kernels: which to launch for a step, with what geometry. */
package org.adjoint.cuda.kernel;

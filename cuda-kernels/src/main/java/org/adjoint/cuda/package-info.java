/** The CUDA backend: it runs the same plans as the CPU backend, under the same contract. */
package org.adjoint.cuda;

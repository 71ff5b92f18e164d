/**
 * The CUDA backend, to come: it runs the same plans as the CPU backend, under the same contract.
 *
 * <p>Here will live the backend and its executables. The sub-package {@code driver} will find CUDA's libraries and be the
 * only one to speak to JCuda. The kernels themselves, forward and backward of one op side by side, will be CUDA C sources
 * among the resources, compiled at run time by NVRTC for the card's own architecture and cached on disk; matrix products
 * will go to cuBLAS.
 */
package org.adjoint.cuda;

/** The CPU backend: kernels in the JDK's Vector API, run on a worker pool. */
package org.adjoint.cpu;

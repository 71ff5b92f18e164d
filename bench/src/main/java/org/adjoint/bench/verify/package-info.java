/** {@code adjoint verify}: whether a device computes what it should, and how fast, in parts that can be resumed. */
package org.adjoint.bench.verify;

/** A folder that runs Adjoint where nothing is installed, and what it verifies there. */
package org.adjoint.bench.bundle;

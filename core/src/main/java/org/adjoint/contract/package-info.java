/**
 * What every backend must do: a table of samples for every operation, and the suite that runs it on a device against
 * the reference.
 */
package org.adjoint.contract;

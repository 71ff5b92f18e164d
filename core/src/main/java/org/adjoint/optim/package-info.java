/** Optimizers, learning-rate schedules and gradient clipping. */
package org.adjoint.optim;

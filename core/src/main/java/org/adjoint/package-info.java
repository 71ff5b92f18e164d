/** The handles a user holds: devices, tensors, variables, compiled steps, scopes. */
package org.adjoint;

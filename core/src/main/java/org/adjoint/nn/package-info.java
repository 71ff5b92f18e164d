/** Modules: trees of named parameters with a forward function. */
package org.adjoint.nn;

/** What a step of a plan puts on the stream, before any address is known: launches, products, fills, copies. */
package org.adjoint.cuda.launch;

/** Text as tokens, and batches of them. */
package org.adjoint.data;

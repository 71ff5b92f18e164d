/** Files of tensors: safetensors, and checkpoints made of them. */
package org.adjoint.io;

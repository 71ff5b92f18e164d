/** Files of tensors: safetensors, checkpoints, and NumPy's npy and npz. */
package org.adjoint.io;

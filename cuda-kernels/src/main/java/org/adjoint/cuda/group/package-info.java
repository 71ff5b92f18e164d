/** Fusion groups as CUDA C: device functions of the ops composed inside loop skeletons. */
package org.adjoint.cuda.group;

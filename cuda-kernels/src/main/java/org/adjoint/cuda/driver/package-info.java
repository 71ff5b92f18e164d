/** CUDA's driver, compiler and cuBLAS: finding them, calling them, naming their failures. Nothing else speaks to JCuda. */
package org.adjoint.cuda.driver;

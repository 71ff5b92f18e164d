/** The CUDA backend: hand-written kernels, compiled at run time by NVRTC, and cuBLAS. */
module org.adjoint.cuda {
    requires jcublas;
    requires jcuda;
    requires transitive org.adjoint;

    exports org.adjoint.cuda;

    provides org.adjoint.backend.Backend with org.adjoint.cuda.CompilingBackend, org.adjoint.cuda.CudaBackend;
}

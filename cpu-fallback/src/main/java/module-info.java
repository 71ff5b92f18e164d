/** The CPU backend: kernels in the JDK's Vector API, run on a worker pool. */
module org.adjoint.cpu {
    requires jdk.incubator.vector;
    requires jdk.management;
    requires org.adjoint;

    provides org.adjoint.backend.Backend with org.adjoint.cpu.CpuBackend;
}

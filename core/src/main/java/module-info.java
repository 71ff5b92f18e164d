/** Tensors, the op graph, gradients and plans; the backend interface, discovered by {@link java.util.ServiceLoader}. */
module org.adjoint {
    requires com.fasterxml.jackson.core;

    exports org.adjoint;
    exports org.adjoint.autodiff;
    exports org.adjoint.backend;
    exports org.adjoint.contract;
    exports org.adjoint.data;
    exports org.adjoint.gradcheck;
    exports org.adjoint.graph;
    exports org.adjoint.io;
    exports org.adjoint.model;
    exports org.adjoint.nn;
    exports org.adjoint.optim;
    exports org.adjoint.plan;

    provides org.adjoint.backend.Backend with org.adjoint.reference.ReferenceBackend;

    uses org.adjoint.backend.Backend;
}

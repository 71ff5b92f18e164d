package org.adjoint.cuda.driver;

import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUresult;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/**
 * Work that was captured once and is enqueued as a whole: the same kernels, parameters and addresses each time. The
 * memory that it uses must stay allocated as long as the graph may run.
 */
public final class Graph implements AutoCloseable {
    private final Context context;
    private final CUgraphExec executable;
    private boolean closed;

    private Graph(Context context, CUgraphExec executable) {
        this.context = context;
        this.executable = executable;
    }

    /** With the context's lock taken, and kept throughout: nobody else's work may get into the capture. */
    static Graph capture(Context context, Runnable enqueue) {
        // Relaxed, for cuBLAS and modules that are loaded lazily may allocate meanwhile, which does no harm.
        context.check(JCudaDriver.cuStreamBeginCapture(context.stream(),
            CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED), "cuStreamBeginCapture", "of a graph");
        CUgraph graph = new CUgraph();
        context.setCapturing(true);
        boolean captured = false;
        try {
            enqueue.run();
            captured = true;
        } finally {
            context.setCapturing(false);
            int status = JCudaDriver.cuStreamEndCapture(context.stream(), graph);
            if (status != CUresult.CUDA_SUCCESS) {
                // A stream that still captures would swallow all later work.
                JCudaDriver.cuStreamEndCapture(context.stream(), graph);
            }
            if (!captured || status != CUresult.CUDA_SUCCESS) {
                JCudaDriver.cuGraphDestroy(graph);
            }
            if (captured) {
                context.check(status, "cuStreamEndCapture", "of a graph");
            }
        }
        CUgraphExec executable = new CUgraphExec();
        try {
            context.check(context.retried(() -> JCudaDriver.cuGraphInstantiate(executable, graph, 0),
                CUresult.CUDA_ERROR_OUT_OF_MEMORY), "cuGraphInstantiate", "of a graph");
        } finally {
            JCudaDriver.cuGraphDestroy(graph);
        }
        return new Graph(context, executable);
    }

    /** Enqueues it. */
    public void launch() {
        context.enter();
        try {
            if (closed) {
                throw new IllegalStateException("the graph is closed");
            }
            context.check(JCudaDriver.cuGraphLaunch(executable, context.stream()), "cuGraphLaunch",
                "of a captured step");
        } finally {
            context.exit();
        }
    }

    /** Runs that were enqueued are done all the same. */
    @Override
    public void close() {
        if (context.enterToFree()) {
            try {
                if (!closed) {
                    closed = true;
                    JCudaDriver.cuGraphExecDestroy(executable);
                }
            } finally {
                context.exit();
            }
        }
    }
}

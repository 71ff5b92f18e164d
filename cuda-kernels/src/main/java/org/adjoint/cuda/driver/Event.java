package org.adjoint.cuda.driver;

import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** A mark on the stream that tells when all that was enqueued before it is done. Polled; there are no callbacks. */
public final class Event implements AutoCloseable {
    /** How long to ask again and again before the thread sleeps: about a short kernel, or a small copy. */
    private static final long SPIN_NANOS = 50_000;

    private final Context context;
    private final CUevent event = new CUevent();
    private boolean closed;

    /** With the context's lock taken. */
    Event(Context context, boolean timed) {
        this.context = context;
        int flags = CUevent_flags.CU_EVENT_BLOCKING_SYNC | (timed ? 0 : CUevent_flags.CU_EVENT_DISABLE_TIMING);
        context.check(JCudaDriver.cuEventCreate(event, flags), "cuEventCreate", "to mark the stream");
    }

    /** Marks the stream here; an earlier mark is forgotten. */
    public void record() {
        context.enter();
        try {
            recordEntered();
        } finally {
            context.exit();
        }
    }

    void recordEntered() {
        context.check(JCudaDriver.cuEventRecord(event, context.stream()), "cuEventRecord", "to mark the stream");
    }

    /** Whether all that was enqueued before the mark is done; so it is without a mark. */
    public boolean isDone() {
        context.enterToWait("asking an event");
        try {
            int status = JCudaDriver.cuEventQuery(event);
            if (status != CUresult.CUDA_ERROR_NOT_READY) {
                context.check(status, "cuEventQuery", "of work enqueued earlier");
            }
            return status == CUresult.CUDA_SUCCESS;
        } finally {
            context.exit();
        }
    }

    /** Waits for what was enqueued before the mark; other threads can enqueue meanwhile. */
    public void await() {
        long start = System.nanoTime();
        while (!isDone()) {
            if (System.nanoTime() - start > SPIN_NANOS) {
                sleepUntilDone();
                return;
            }
            Thread.onSpinWait();
        }
    }

    private void sleepUntilDone() {
        context.enterToWait("waiting for an event");
        context.exit();
        int status = JCudaDriver.cuEventSynchronize(event);
        if (status != CUresult.CUDA_SUCCESS) {
            context.enter();
            try {
                context.check(status, "cuEventSynchronize", "for work enqueued earlier");
            } finally {
                context.exit();
            }
        }
    }

    /** Nanoseconds, to about 500, that the stream took from {@code earlier}'s mark to this; both timed and done. */
    public long nanosSince(Event earlier) {
        context.enterToWait("reading a time");
        try {
            float[] milliseconds = new float[1];
            context.check(JCudaDriver.cuEventElapsedTime(milliseconds, earlier.event, event), "cuEventElapsedTime",
                "between two events");
            return Math.round(milliseconds[0] * 1e6);
        } finally {
            context.exit();
        }
    }

    @Override
    public void close() {
        if (context.enterToFree()) {
            try {
                if (!closed) {
                    closed = true;
                    JCudaDriver.cuEventDestroy(event);
                }
            } finally {
                context.exit();
            }
        }
    }
}

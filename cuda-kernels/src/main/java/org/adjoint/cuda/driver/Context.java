package org.adjoint.cuda.driver;

import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.cublasStatus;

/** A card's primary context with its one stream, the lock that orders calls, and the failure that broke it, if any. */
final class Context {
    private final String name;
    private final CUdevice device;
    private final CUcontext context = new CUcontext();
    private final CUstream stream = new CUstream();
    private final ReentrantLock lock = new ReentrantLock();
    private CudaException lost;
    private boolean closed;
    private boolean capturing;
    private Kernel lastKernel;
    private DeviceMemory memory;

    Context(String name, CUdevice device) {
        this.name = name;
        this.device = device;
        check(JCudaDriver.cuDevicePrimaryCtxRetain(context, device), "cuDevicePrimaryCtxRetain", "to open the device");
        try {
            makeCurrent();
            check(JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING), "cuStreamCreate",
                "to open the device");
        } catch (RuntimeException | Error e) {
            JCudaDriver.cuDevicePrimaryCtxRelease(device);
            throw e;
        }
    }

    String name() {
        return name;
    }

    CUstream stream() {
        return stream;
    }

    /**
     * Takes the lock and makes the context current. Always: CUDA's notion of a current context belongs to the operating
     * system's thread, which virtual threads change, and which others may use CUDA on.
     */
    void enter() {
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException(name + " is closed");
            }
            if (lost != null) {
                throw Statuses.again(name, lost);
            }
            makeCurrent();
        } catch (RuntimeException | Error e) {
            lock.unlock();
            throw e;
        }
    }

    /** Like {@link #enter}, for work that waits for the stream, which is impossible while it is being captured. */
    void enterToWait(String what) {
        enter();
        if (capturing) {
            lock.unlock();
            throw new IllegalStateException(name + ": " + what + " is not possible while a graph is being captured");
        }
    }

    /** Takes the lock for freeing: false, and not taken, if there is nothing left to free because all was. */
    boolean enterToFree() {
        lock.lock();
        if (closed) {
            lock.unlock();
            return false;
        }
        if (lost == null) {
            JCudaDriver.cuCtxSetCurrent(context);
        }
        return true;
    }

    void exit() {
        lock.unlock();
    }

    /** What {@code query} says of our own state; the driver is not asked. */
    <T> T locked(Supplier<T> query) {
        lock.lock();
        try {
            return query.get();
        } finally {
            lock.unlock();
        }
    }

    /** Remembered, for kernels fail later than the call that enqueued them. */
    void launched(Kernel kernel) {
        lastKernel = kernel;
    }

    private void makeCurrent() {
        check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent", "on a new thread");
    }

    /** @param doing what for; its text follows the call's name in a message */
    void check(int status, String call, Object doing) {
        if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY && memory != null) {
            throw memory.outOfMemory("memory for " + call + " " + doing + " was");
        }
        if (status != CUresult.CUDA_SUCCESS) {
            throw failed(Statuses.driver(name, status, call, doing, lastKernel));
        }
    }

    void checkBlas(int status, String call, Object doing) {
        if (status == cublasStatus.CUBLAS_STATUS_ALLOC_FAILED) {
            throw memory.outOfMemory("memory for " + call + " " + doing + " was");
        }
        if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) {
            throw failed(Statuses.blas(name, status, call, doing));
        }
    }

    /** What is released where the driver needs memory for itself, and what a message then tells about. */
    void setMemory(DeviceMemory memory) {
        this.memory = memory;
    }

    /** The status of a call that may need memory: after {@code outOfMemory}, of a second try with more to be had. */
    int retried(IntSupplier call, int outOfMemory) {
        int status = call.getAsInt();
        if (status == outOfMemory) {
            memory.releaseIdle();
            status = call.getAsInt();
        }
        return status;
    }

    private CudaException failed(CudaException e) {
        if (e.deviceLost() && lost == null) {
            lost = e;
        }
        return e;
    }

    boolean isLost() {
        return lost != null;
    }

    boolean isCapturing() {
        return capturing;
    }

    void setCapturing(boolean capturing) {
        this.capturing = capturing;
    }

    /** Waits for all that was enqueued. */
    void synchronize(Object doing) {
        check(JCudaDriver.cuStreamSynchronize(stream), "cuStreamSynchronize", doing);
    }

    /** Called once, with the lock taken. */
    void close() {
        closed = true;
        JCudaDriver.cuStreamDestroy(stream);
        JCudaDriver.cuDevicePrimaryCtxRelease(device);
    }
}

package org.adjoint.cuda.driver;

/** A call of the CUDA driver, cuBLAS or NVRTC failed. The message names it, its status and what was being done. */
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final String status;
    private final boolean deviceLost;

    CudaException(String message, String call, String status, boolean deviceLost, CudaException first) {
        super(message, first);
        this.call = call;
        this.status = status;
        this.deviceLost = deviceLost;
    }

    /** The function that failed, such as {@code cuMemcpyHtoDAsync}; after a device was lost, the first that did. */
    public String call() {
        return call;
    }

    /** The status's name, such as {@code CUDA_ERROR_ILLEGAL_ADDRESS}. */
    public String status() {
        return status;
    }

    /** Whether nothing works on this device any more until it is closed and opened again. */
    public boolean deviceLost() {
        return deviceLost;
    }
}

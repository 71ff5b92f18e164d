package org.adjoint.cuda.driver;

import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** The memory of a context's card. After the device was lost nothing is released: its memory goes with the context. */
final class DriverMemory implements RawMemory {
    private final Context context;
    private final long totalBytes;

    DriverMemory(Context context, long totalBytes) {
        this.context = context;
        this.totalBytes = totalBytes;
    }

    @Override
    public long take(long bytes) {
        DevicePointer pointer = new DevicePointer();
        int status = JCudaDriver.cuMemAlloc(pointer, bytes);
        if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
            return 0;
        }
        context.check(status, "cuMemAlloc", "of " + bytes + " bytes");
        return pointer.address();
    }

    @Override
    public void release(long address) {
        if (!context.isLost()) {
            context.check(JCudaDriver.cuMemFree(DevicePointer.at(address)), "cuMemFree", "of memory no longer used");
        }
    }

    @Override
    public void synchronize() {
        if (!context.isLost()) {
            context.synchronize("before memory is given back");
        }
    }

    @Override
    public boolean mayWait() {
        return !context.isCapturing();
    }

    /** Asked for the sake of a message, which must not fail in its turn. */
    @Override
    public long[] freeAndTotal() {
        long[] free = new long[1];
        boolean known = JCudaDriver.cuMemGetInfo(free, new long[1]) == CUresult.CUDA_SUCCESS;
        return new long[] {known ? free[0] : 0, totalBytes};
    }
}

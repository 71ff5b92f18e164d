package org.adjoint.cuda;

import java.util.concurrent.atomic.AtomicBoolean;
import org.adjoint.backend.Buffer;
import org.adjoint.cuda.driver.Gpu;

/** Memory of one card. */
final class CudaBuffer implements Buffer {
    private final Gpu gpu;
    private final long bytes;
    private final long address;
    private final AtomicBoolean closed = new AtomicBoolean();

    CudaBuffer(Gpu gpu, long bytes) {
        this.gpu = gpu;
        this.bytes = bytes;
        this.address = gpu.allocate(bytes);
    }

    @Override
    public long bytes() {
        return bytes;
    }

    boolean belongsTo(Gpu other) {
        return gpu == other;
    }

    /** @throws IllegalStateException if the buffer is closed */
    long address() {
        if (closed.get()) {
            throw new IllegalStateException("a buffer of " + bytes + " bytes was used after it was closed");
        }
        return address;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            gpu.free(address);
        }
    }
}

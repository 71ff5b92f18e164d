package org.adjoint.cuda;

import java.lang.foreign.MemorySegment;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.Executable;
import org.adjoint.cuda.driver.Gpu;
import org.adjoint.plan.Plan;
import org.adjoint.plan.Target;

/** An open card. Runs are enqueued on one stream; what reads results waits for it. */
final class CudaDevice implements DeviceDriver {
    private final Gpu gpu;
    private final CudaOptions options;
    private final StatusWord status;
    private final Kernels kernels;
    private final long ownBytes;
    private boolean closed;

    CudaDevice(Gpu gpu, CudaOptions options) {
        this.gpu = gpu;
        this.options = options;
        try {
            this.status = new StatusWord(gpu);
        } catch (RuntimeException | Error e) {
            gpu.close();
            throw e;
        }
        this.kernels = new Kernels(gpu.info().card());
        this.ownBytes = gpu.liveBytes();
    }

    @Override
    public String description() {
        return gpu.info().description();
    }

    @Override
    public Target target() {
        return CudaTarget.INSTANCE;
    }

    @Override
    public Buffer allocate(long bytes) {
        return new CudaBuffer(gpu, bytes);
    }

    @Override
    public void write(MemorySegment source, Buffer target, long offset) {
        gpu.write(source, own(target, Math.addExact(offset, source.byteSize())) + offset);
    }

    @Override
    public void read(Buffer source, MemorySegment target) {
        gpu.read(own(source, target.byteSize()), target);
    }

    private long own(Buffer buffer, long bytes) {
        if (!(buffer instanceof CudaBuffer own) || !own.belongsTo(gpu)) {
            throw new IllegalArgumentException("this is not a buffer of this cuda device");
        }
        if (bytes > own.bytes()) {
            throw new IllegalArgumentException(bytes + " bytes do not fit a buffer of " + own.bytes());
        }
        return own.address();
    }

    @Override
    public Executable compile(Plan plan) {
        var prepared = kernels.prepare(plan);
        gpu.prepare(Kernels.sources(prepared));
        return new CudaExecutable(plan, prepared, gpu, status, options);
    }

    @Override
    public long liveBytes() {
        return Math.max(0, gpu.liveBytes() - ownBytes);
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            status.free();
            gpu.close();
        }
    }
}

package org.adjoint.cpu;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.Executable;
import org.adjoint.plan.Plan;
import org.adjoint.plan.Target;

/** The open CPU: memory, workers and kernels of one vector width. All work is done when a call returns. */
final class CpuDevice implements DeviceDriver {
    private final CpuOptions options;
    private final MemoryPool memory = new MemoryPool(this::freeIdleArenas);
    private final ArenaPool arenas = new ArenaPool(memory);
    private final WorkerPool workers;
    private final Kernels kernels;

    CpuDevice(CpuOptions options) {
        this.options = options;
        this.workers = new WorkerPool(options.threads());
        this.kernels = new Kernels(options.vectorBits());
    }

    @Override
    public String description() {
        return CpuBackend.describe(options);
    }

    @Override
    public Target target() {
        return CpuTarget.INSTANCE;
    }

    @Override
    public Buffer allocate(long bytes) {
        return new CpuBuffer(memory, bytes);
    }

    @Override
    public void write(MemorySegment source, Buffer target, long offset) {
        MemorySegment memory = own(target, Math.addExact(offset, source.byteSize()));
        memory.asSlice(offset, source.byteSize()).copyFrom(source);
    }

    @Override
    public void read(Buffer source, MemorySegment target) {
        target.copyFrom(own(source, target.byteSize()).asSlice(0, target.byteSize()));
    }

    private MemorySegment own(Buffer buffer, long bytes) {
        if (!(buffer instanceof CpuBuffer own) || !own.belongsTo(memory)) {
            throw new IllegalArgumentException("this is not a buffer of this cpu device");
        }
        if (bytes > own.bytes()) {
            throw new IllegalArgumentException(bytes + " bytes do not fit a buffer of " + own.bytes());
        }
        return own.memory();
    }

    @Override
    public Executable compile(Plan plan) {
        List<CpuKernel> prepared = plan.steps().stream().map(kernels::prepare).toList();
        return new CpuExecutable(plan, prepared, memory, arenas, workers);
    }

    @Override
    public long liveBytes() {
        return memory.liveBytes() - arenas.idleBytes();
    }

    private void freeIdleArenas() {
        arenas.freeIdle();
    }

    @Override
    public void close() {
        kernels.close();
        workers.close();
        arenas.close();
        memory.close();
    }
}

package org.adjoint.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.Executable;
import org.adjoint.plan.Plan;
import org.adjoint.plan.Slot;

/** A plan's steps as kernels. Runs may overlap: all that varies from run to run lives in the run. */
final class CpuExecutable implements Executable {
    /** Wakes the workers and does nothing. */
    private static final CpuKernel EMPTY =
        (slots, scalars, parallel) -> parallel.run(parallel.workers(), (task, worker) -> { });

    private final Plan plan;
    private final CpuKernel[] kernels;
    private final CpuKernel[] empty;
    private final MemoryPool memory;
    private final ArenaPool arenas;
    private final Parallel parallel;
    private volatile boolean closed;

    CpuExecutable(Plan plan, List<CpuKernel> kernels, MemoryPool memory, ArenaPool arenas, Parallel parallel) {
        this.plan = plan;
        this.kernels = kernels.toArray(CpuKernel[]::new);
        this.empty = Arrays.stream(this.kernels)
            .map(kernel -> kernel instanceof ScanKernel scan ? scan.emptied(EMPTY) : EMPTY).toArray(CpuKernel[]::new);
        this.memory = memory;
        this.arenas = arenas;
        this.parallel = parallel;
    }

    @Override
    public void run(Buffer[] externals, long[] scalars) {
        launch(kernels, externals, scalars);
    }

    @Override
    public void dryRun(Buffer[] externals, long[] scalars) {
        launch(empty, externals, scalars);
    }

    private void launch(CpuKernel[] launched, Buffer[] externals, long[] scalars) {
        if (closed) {
            throw new IllegalStateException("this executable is closed");
        }
        if (externals.length != plan.externals()) {
            throw new IllegalArgumentException(
                "the plan binds " + plan.externals() + " buffers, not " + externals.length);
        }
        long[] all = plan.withExtra(scalars);
        ArenaPool.Lease lease = plan.arenaBytes() > 0 ? arenas.lease(this, plan.arenaBytes()) : null;
        try {
            MemorySegment[] slots = bind(lease, externals);
            for (CpuKernel kernel : launched) {
                kernel.run(slots, all, parallel);
            }
        } finally {
            if (lease != null) {
                arenas.giveBack(lease);
            }
        }
    }

    private MemorySegment[] bind(ArenaPool.Lease lease, Buffer[] externals) {
        MemorySegment[] cut = lease == null ? new MemorySegment[plan.slots().size()] : lease.slotsOf(this);
        if (cut == null) {
            cut = cut(lease.memory());
            lease.keep(this, cut);
        }
        MemorySegment[] slots = cut.clone();
        for (int i = 0; i < slots.length; i++) {
            Slot slot = plan.slots().get(i);
            if (slot.kind() == Slot.Kind.EXTERNAL) {
                slots[i] = external(slot, externals[(int) slot.position()]);
            }
        }
        return slots;
    }

    private MemorySegment[] cut(MemorySegment arena) {
        MemorySegment[] slots = new MemorySegment[plan.slots().size()];
        for (int i = 0; i < slots.length; i++) {
            Slot slot = plan.slots().get(i);
            if (slot.kind() == Slot.Kind.ARENA) {
                slots[i] = arena.asSlice(slot.position(), MemoryPool.padded(slot.bytes()));
            }
        }
        return slots;
    }

    private MemorySegment external(Slot slot, Buffer buffer) {
        if (!(buffer instanceof CpuBuffer own) || !own.belongsTo(memory)) {
            throw new IllegalArgumentException("external " + slot.position() + " is not a buffer of this cpu device");
        }
        if (own.bytes() < slot.bytes()) {
            throw new IllegalArgumentException("external " + slot.position() + " needs " + slot.bytes()
                + " bytes but its buffer has " + own.bytes());
        }
        return own.memory();
    }

    @Override
    public void close() {
        closed = true;
        arenas.forget(this);
    }
}

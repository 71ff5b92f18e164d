package org.adjoint.cpu;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory for the intermediates of running plans. A run leases an arena and gives it back; a few idle ones are kept,
 * whichever plans they served.
 */
final class ArenaPool implements AutoCloseable {
    /** Idle arenas that are kept: one per plan that may run at the same time, more would hold memory for nothing. */
    private static final int KEPT = 4;

    /** An arena on lease. */
    static final class Lease {
        private final CpuBuffer buffer;
        private CpuExecutable user;
        private MemorySegment[] slots;

        Lease(CpuBuffer buffer) {
            this.buffer = buffer;
        }

        MemorySegment memory() {
            return buffer.memory();
        }

        /** The slots that {@code executable} cut from this arena when it had it last, or null. */
        MemorySegment[] slotsOf(CpuExecutable executable) {
            return user == executable ? slots : null;
        }

        void keep(CpuExecutable executable, MemorySegment[] cut) {
            user = executable;
            slots = cut;
        }
    }

    private final MemoryPool memory;
    private final List<Lease> idle = new ArrayList<>();
    private boolean closed;

    ArenaPool(MemoryPool memory) {
        this.memory = memory;
    }

    /** The arena that {@code executable} had last if it is idle, else the smallest that fits, else a new one. */
    Lease lease(CpuExecutable executable, long bytes) {
        synchronized (this) {
            Lease best = null;
            for (Lease lease : idle) {
                if (lease.user == executable) {
                    best = lease;
                    break;
                }
                if (lease.buffer.bytes() >= bytes
                    && (best == null || lease.buffer.bytes() < best.buffer.bytes())) {
                    best = lease;
                }
            }
            if (best != null) {
                idle.remove(best);
                return best;
            }
        }
        return new Lease(new CpuBuffer(memory, bytes));
    }

    void giveBack(Lease lease) {
        Lease surplus = lease;
        synchronized (this) {
            if (!closed) {
                idle.add(lease);
                surplus = idle.size() > KEPT ? idle.removeFirst() : null;
            }
        }
        if (surplus != null) {
            surplus.buffer.close();
        }
    }

    /** Forgets what {@code executable} cut, so that it can be collected. */
    synchronized void forget(CpuExecutable executable) {
        for (Lease lease : idle) {
            if (lease.user == executable) {
                lease.keep(null, null);
            }
        }
    }

    /** Bytes in arenas that nobody leases. */
    synchronized long idleBytes() {
        return idle.stream().mapToLong(lease -> lease.buffer.bytes()).sum();
    }

    void freeIdle() {
        List<Lease> freed;
        synchronized (this) {
            freed = List.copyOf(idle);
            idle.clear();
        }
        freed.forEach(lease -> lease.buffer.close());
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        freeIdle();
    }
}

package org.adjoint.reference;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.adjoint.plan.Plan;

/** Native memory of its own. */
final class ReferenceBuffer implements Buffer {
    private final Arena arena = Arena.ofShared();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicLong live;
    private final long bytes;
    private final MemorySegment memory;

    ReferenceBuffer(long bytes, AtomicLong live) {
        this.bytes = bytes;
        this.live = live;
        this.memory = allocate(arena, bytes);
        live.addAndGet(bytes);
    }

    /** Aligned and padded as {@link Plan#ALIGNMENT} says. */
    static MemorySegment allocate(Arena arena, long bytes) {
        long padded = Math.ceilDiv(bytes, Plan.ALIGNMENT) * Plan.ALIGNMENT;
        try {
            return arena.allocate(padded, Plan.ALIGNMENT);
        } catch (OutOfMemoryError error) {
            throw new OutOfDeviceMemoryException("reference: no " + padded + " bytes of native memory are left");
        }
    }

    MemorySegment memory() {
        return memory;
    }

    @Override
    public long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            arena.close();
            live.addAndGet(-bytes);
        }
    }
}

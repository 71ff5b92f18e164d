package org.adjoint.cpu;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import org.adjoint.backend.Buffer;

/** Native memory, aligned to and padded to 64 bytes. */
final class CpuBuffer implements Buffer {
    private final MemoryPool pool;
    private final long bytes;
    private final AtomicReference<MemoryPool.Block> block;
    private final MemorySegment memory;

    CpuBuffer(MemoryPool pool, long bytes) {
        this.pool = pool;
        this.bytes = bytes;
        MemoryPool.Block taken = pool.take(bytes);
        this.block = new AtomicReference<>(taken);
        this.memory = taken.memory().asSlice(0, MemoryPool.padded(bytes));
    }

    @Override
    public long bytes() {
        return bytes;
    }

    boolean belongsTo(MemoryPool other) {
        return pool == other;
    }

    /**
     * The memory with its padding.
     *
     * @throws IllegalStateException if the buffer is closed
     */
    MemorySegment memory() {
        if (block.get() == null) {
            throw new IllegalStateException("a buffer of " + bytes + " bytes was used after it was closed");
        }
        return memory;
    }

    @Override
    public void close() {
        MemoryPool.Block taken = block.getAndSet(null);
        if (taken != null) {
            pool.release(taken, bytes);
        }
    }
}

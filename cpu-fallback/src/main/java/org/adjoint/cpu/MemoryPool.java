package org.adjoint.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.adjoint.plan.Plan;

/**
 * Native memory, outside the garbage collector, freed when it is released. Released blocks are kept for the next
 * request of their size, because fresh memory costs a page fault for every 4 KiB of it; at most a quarter of the
 * machine's memory is kept so.
 */
final class MemoryPool implements AutoCloseable {
    /** Up to here sizes are rounded up to 8 steps per doubling, so that similar requests share blocks. */
    private static final long LARGE = 64L << 20;
    private static final long LARGE_STEP = 2L << 20;
    /** Requests from here on look at what the operating system has left. */
    private static final long CHECKED = 16L << 20;
    /** This part of the machine's memory stays free. */
    private static final long RESERVED_PART = 16;

    /** Memory of one size class. */
    record Block(Arena arena, MemorySegment memory) { }

    private final long machineBytes = Machine.memoryBytes();
    private final TreeMap<Long, Deque<Block>> idle = new TreeMap<>();
    private long idleBytes;
    private long liveBytes;
    private long liveBlockBytes;
    private boolean closed;

    /** What to do, besides dropping idle blocks, before giving up: release memory that is held for later. */
    private final Runnable reclaim;

    MemoryPool(Runnable reclaim) {
        this.reclaim = reclaim;
    }

    /** {@code bytes} rounded up to {@link Plan#ALIGNMENT}, at least one unit of it. */
    static long padded(long bytes) {
        return Math.max(Plan.ALIGNMENT, Math.addExact(bytes, Plan.ALIGNMENT - 1) & -Plan.ALIGNMENT);
    }

    private static long sizeClass(long padded) {
        if (padded > LARGE) {
            return Math.addExact(padded, LARGE_STEP - 1) & -LARGE_STEP;
        }
        long step = Math.max(Plan.ALIGNMENT, Long.highestOneBit(padded - 1) >> 3);
        return (padded + step - 1) / step * step;
    }

    /**
     * A block of at least {@code bytes}, padded and aligned; its contents are undefined.
     *
     * @throws OutOfDeviceMemoryException if the machine has not that much
     */
    Block take(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("the size must not be negative but is " + bytes);
        }
        if (bytes > machineBytes) {
            throw outOfMemory(bytes, null);
        }
        long size = sizeClass(padded(bytes));
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("the cpu device is closed");
            }
            Block block = pollIdle(size);
            if (block != null) {
                return live(block, bytes);
            }
        }
        if (size >= CHECKED && !fits(size)) {
            reclaim.run();
            freeIdle();
            if (!fits(size)) {
                throw outOfMemory(bytes, null);
            }
        }
        Arena arena = Arena.ofShared();
        Block block;
        try {
            block = new Block(arena, HugePages.allocate(arena, size, Plan.ALIGNMENT));
        } catch (OutOfMemoryError e) {
            arena.close();
            throw outOfMemory(bytes, e);
        }
        synchronized (this) {
            return live(block, bytes);
        }
    }

    private Block live(Block block, long bytes) {
        liveBytes += bytes;
        liveBlockBytes += block.memory().byteSize();
        return block;
    }

    private Block pollIdle(long size) {
        Deque<Block> blocks = idle.get(size);
        if (blocks == null) {
            return null;
        }
        Block block = blocks.pop();
        if (blocks.isEmpty()) {
            idle.remove(size);
        }
        idleBytes -= size;
        return block;
    }

    private boolean fits(long size) {
        synchronized (this) {
            if (liveBlockBytes + idleBytes + size > machineBytes) {
                return false;
            }
        }
        // The Java heap, the stacks and other programs grow too: what is taken to the last byte kills somebody.
        return size <= Machine.availableBytes() - machineBytes / RESERVED_PART;
    }

    /** @param bytes as they were asked for */
    void release(Block block, long bytes) {
        long size = block.memory().byteSize();
        synchronized (this) {
            liveBytes -= bytes;
            liveBlockBytes -= size;
            if (!closed && idleBytes + size <= machineBytes / 4) {
                idle.computeIfAbsent(size, key -> new ArrayDeque<>()).push(block);
                idleBytes += size;
                return;
            }
        }
        block.arena().close();
    }

    private void freeIdle() {
        TreeMap<Long, Deque<Block>> blocks;
        synchronized (this) {
            blocks = new TreeMap<>(idle);
            idle.clear();
            idleBytes = 0;
        }
        for (Map.Entry<Long, Deque<Block>> entry : blocks.entrySet()) {
            entry.getValue().forEach(block -> block.arena().close());
        }
    }

    synchronized long liveBytes() {
        return liveBytes;
    }

    private OutOfDeviceMemoryException outOfMemory(long bytes, Throwable cause) {
        OutOfDeviceMemoryException e = new OutOfDeviceMemoryException("cpu: " + Machine.text(bytes)
            + " were asked for, but " + Machine.text(liveBytes()) + " are in live buffers and the machine has "
            + Machine.text(machineBytes) + " of memory, " + Machine.text(Machine.availableBytes())
            + " of it free (" + Machine.text(machineBytes / RESERVED_PART) + " stay so): close tensors that are not needed, "
            + "or use a smaller batch or model");
        if (cause != null) {
            e.initCause(cause);
        }
        return e;
    }

    /** Frees idle blocks at once and live ones when they are released. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
        }
        freeIdle();
    }
}

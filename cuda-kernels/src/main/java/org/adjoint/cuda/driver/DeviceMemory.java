package org.adjoint.cuda.driver;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.adjoint.plan.Plan;

/**
 * Takes memory from the driver in segments and hands out blocks of them, best fit first; a block is split where much
 * would be left over, and joins its free neighbors when it is freed. The sizes are those of PyTorch's caching allocator
 * (c10/cuda/CUDACachingAllocator.cpp). A freed block serves the next request at once, while kernels that were enqueued
 * before may still use it: all work is on one stream, so whatever is enqueued later runs later. Small leases have
 * segments of their own: results that callers keep would push them from one address to the next, and graphs hold
 * addresses.
 *
 * <p>Not thread-safe: calls are ordered by the context's lock.
 */
final class DeviceMemory {
    private static final System.Logger LOG = System.getLogger(DeviceMemory.class.getName());
    /** Addresses and sizes of blocks are multiples of it: what vector loads and cuBLAS like. */
    static final long ALIGNMENT = 256;

    static final long MEBIBYTE = 1L << 20;

    private static final long SMALL = MEBIBYTE;
    private static final long SMALL_SEGMENT = 2 * MEBIBYTE;
    private static final long MEDIUM = 10 * MEBIBYTE;
    private static final long MEDIUM_SEGMENT = 20 * MEBIBYTE;
    private static final long SEGMENT_ROUNDING = 2 * MEBIBYTE;

    private final String device;
    private final RawMemory raw;
    private final boolean pooling;
    private final Map<Long, Block> live = new HashMap<>();
    private final TreeSet<Block> smallIdle = new TreeSet<>(Block.BEST_FIT);
    private final TreeSet<Block> smallLeasesIdle = new TreeSet<>(Block.BEST_FIT);
    private final TreeSet<Block> largeIdle = new TreeSet<>(Block.BEST_FIT);
    private final List<TreeSet<Block>> pools = List.of(smallIdle, smallLeasesIdle, largeIdle);
    private long liveBytes;
    private long reservedBytes;

    /** A part of a segment: its neighbors in the segment are at lower and at higher addresses. */
    private static final class Block {
        static final Comparator<Block> BEST_FIT =
            Comparator.<Block>comparingLong(block -> block.bytes).thenComparingLong(block -> block.address);

        final long address;
        /** Where it lies when it is idle; null if it does not come from a pool. */
        final TreeSet<Block> pool;
        long bytes;
        long asked;
        boolean idle;
        Block lower;
        Block higher;

        Block(long address, long bytes, TreeSet<Block> pool) {
            this.address = address;
            this.bytes = bytes;
            this.pool = pool;
        }
    }

    DeviceMemory(String device, RawMemory raw, boolean pooling) {
        this.device = device;
        this.raw = raw;
        this.pooling = pooling;
    }

    /**
     * @param bytes at least 0
     * @param counted whether it is the user's, and so part of {@link #liveBytes}
     * @return the address of memory aligned to 256 bytes and padded to a multiple of {@link Plan#ALIGNMENT}
     * @throws OutOfDeviceMemoryException if there is not enough, even after idle segments were given back
     */
    long allocate(long bytes, boolean counted) {
        return allocate(bytes, counted, smallIdle);
    }

    /** As {@link #allocate} of what is counted, for memory that is freed as soon as a run is enqueued. */
    long lease(long bytes) {
        return allocate(bytes, true, smallLeasesIdle);
    }

    private long allocate(long bytes, boolean counted, TreeSet<Block> small) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a size of " + bytes + " bytes");
        }
        if (bytes > Long.MAX_VALUE / 2) {
            throw outOfMemory(text(bytes) + " were");
        }
        long rounded = Math.max(1, Math.ceilDiv(bytes, ALIGNMENT)) * ALIGNMENT;
        Block block = pooling ? fromPool(rounded, bytes, rounded <= SMALL ? small : largeIdle) : own(bytes);
        block.asked = counted ? bytes : 0;
        liveBytes += block.asked;
        live.put(block.address, block);
        return block.address;
    }

    /** Padded no further than the contract asks, so that checking tools see where it ends. */
    private Block own(long bytes) {
        long rounded = Math.max(1, Math.ceilDiv(bytes, Plan.ALIGNMENT)) * Plan.ALIGNMENT;
        long address = raw.take(rounded);
        if (address == 0) {
            throw outOfMemory(text(bytes) + " were");
        }
        reservedBytes += rounded;
        return new Block(address, rounded, null);
    }

    private Block fromPool(long rounded, long bytes, TreeSet<Block> idle) {
        Block block = idle.ceiling(new Block(0, rounded, idle));
        if (block == null) {
            block = segment(rounded, idle, bytes);
        } else {
            idle.remove(block);
            block.idle = false;
        }
        long left = block.bytes - rounded;
        if (left >= (idle == largeIdle ? MEBIBYTE : ALIGNMENT)) {
            Block rest = new Block(block.address + rounded, left, idle);
            block.bytes = rounded;
            rest.lower = block;
            rest.higher = block.higher;
            if (rest.higher != null) {
                rest.higher.lower = rest;
            }
            block.higher = rest;
            rest.idle = true;
            idle.add(rest);
        }
        return block;
    }

    private Block segment(long rounded, TreeSet<Block> pool, long bytes) {
        long exact = Math.ceilDiv(rounded, SEGMENT_ROUNDING) * SEGMENT_ROUNDING;
        long roomy = pool != largeIdle ? SMALL_SEGMENT : rounded < MEDIUM ? MEDIUM_SEGMENT : exact;
        long size = roomy;
        long address = raw.take(size);
        if (address == 0) {
            releaseIdle();
            address = raw.take(size);
        }
        if (address == 0 && exact < roomy) {
            size = exact;
            address = raw.take(size);
        }
        if (address == 0) {
            throw outOfMemory(text(bytes) + " were");
        }
        reservedBytes += size;
        return new Block(address, size, pool);
    }

    /** Work that was enqueued before may still use the block. */
    void free(long address) {
        Block block = live.remove(address);
        if (block == null) {
            throw new IllegalArgumentException(device + ": nothing is allocated at 0x" + Long.toHexString(address));
        }
        liveBytes -= block.asked;
        if (!pooling) {
            reservedBytes -= block.bytes;
            giveBack(address);
            return;
        }
        TreeSet<Block> idle = block.pool;
        Block joined = block;
        if (block.lower != null && block.lower.idle) {
            joined = block.lower;
            idle.remove(joined);
            absorbHigher(joined);
        }
        if (joined.higher != null && joined.higher.idle) {
            idle.remove(joined.higher);
            absorbHigher(joined);
        }
        joined.idle = true;
        idle.add(joined);
    }

    /** What is wrong with the work that used it is told by the next call that waits: whoever frees can do nothing. */
    private void giveBack(long address) {
        try {
            raw.synchronize();
        } catch (CudaException e) {
            LOG.log(System.Logger.Level.DEBUG, "work failed before its memory was given back", e);
        }
        try {
            raw.release(address);
        } catch (CudaException e) {
            LOG.log(System.Logger.Level.WARNING, "memory could not be given back: " + e.getMessage());
        }
    }

    private static void absorbHigher(Block block) {
        Block higher = block.higher;
        block.bytes += higher.bytes;
        block.higher = higher.higher;
        if (block.higher != null) {
            block.higher.lower = block;
        }
    }

    /** Gives segments that nobody uses back to the driver; waits for the card, and does nothing where that can't be. */
    void releaseIdle() {
        if (!raw.mayWait()) {
            return;
        }
        List<Block> whole = new ArrayList<>();
        for (TreeSet<Block> idle : pools) {
            idle.stream().filter(block -> block.lower == null && block.higher == null).forEach(whole::add);
        }
        if (whole.isEmpty()) {
            return;
        }
        raw.synchronize();
        for (Block block : whole) {
            block.pool.remove(block);
            reservedBytes -= block.bytes;
            raw.release(block.address);
        }
    }

    /** Bytes of live allocations as they were asked for. */
    long liveBytes() {
        return liveBytes;
    }

    /** Bytes taken from the driver, in use or not. */
    long reservedBytes() {
        return reservedBytes;
    }

    /** @param asked the start of the message, such as {@code "5.0 MiB were"} */
    OutOfDeviceMemoryException outOfMemory(String asked) {
        long[] card = raw.freeAndTotal();
        long idle = 0;
        for (TreeSet<Block> blocks : pools) {
            idle += blocks.stream().mapToLong(block -> block.bytes).sum();
        }
        long others = Math.max(0, card[1] - card[0] - reservedBytes);
        return new OutOfDeviceMemoryException(device + ": " + asked + " asked for, but " + text(liveBytes)
            + " are in live buffers" + (idle > 0 ? ", " + text(idle) + " lie idle between them" : "")
            + " and of the card's " + text(card[1]) + " only " + text(card[0]) + " are free (" + text(others)
            + " belong to CUDA itself and to other processes, see nvidia-smi): close tensors that are not needed, or"
            + " use a smaller batch or model");
    }

    /** Frees everything, in use or not. */
    void close() {
        List<Long> segments = new ArrayList<>();
        for (Block block : live.values()) {
            if (block.lower == null) {
                segments.add(block.address);
            }
        }
        for (TreeSet<Block> idle : pools) {
            idle.stream().filter(block -> block.lower == null).forEach(block -> segments.add(block.address));
            idle.clear();
        }
        live.clear();
        liveBytes = 0;
        reservedBytes = 0;
        segments.forEach(raw::release);
    }

    static String text(long bytes) {
        if (bytes < 1024) {
            return bytes + " B";
        }
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < 6) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, "%.1f %ciB", value, " KMGTPE".charAt(unit));
    }
}

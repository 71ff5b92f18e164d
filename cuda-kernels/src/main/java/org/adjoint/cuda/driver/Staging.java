package org.adjoint.cuda.driver;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.adjoint.backend.OutOfDeviceMemoryException;

/**
 * Copies between the host and the card by way of page-locked memory, which the card reaches by itself. It lies in two
 * halves that are filled in turn; many small copies share one, so that a small write waits for nothing until megabytes
 * of them are under way.
 */
final class Staging {
    static final long HALF_BYTES = 4 * DeviceMemory.MEBIBYTE;

    private static final long ALIGNMENT = 64;

    private final Context context;
    private final ReentrantLock lock = new ReentrantLock();
    private final HostPointer memory = new HostPointer();
    private final Event[] events = new Event[2];
    private final MemorySegment[] halves = new MemorySegment[2];
    private int half;
    private long used;

    /** Bytes that are under way from the card. */
    private record Pending(int half, long at, long offset, long bytes) { }

    /** With the context's lock taken. */
    @SuppressWarnings("restricted")
    Staging(Context context) {
        this.context = context;
        int status = JCudaDriver.cuMemHostAlloc(memory, 2 * HALF_BYTES, 0);
        if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
            throw new OutOfDeviceMemoryException(context.name() + ": cuMemHostAlloc found no "
                + DeviceMemory.text(2 * HALF_BYTES) + " of the host's memory to lock for copies: look at free memory,"
                + " at ulimit -l, and in a container at its limit");
        }
        context.check(status, "cuMemHostAlloc", "of page-locked memory");
        try {
            for (int i = 0; i < 2; i++) {
                halves[i] = MemorySegment.ofAddress(memory.address() + i * HALF_BYTES).reinterpret(HALF_BYTES);
                events[i] = new Event(context, false);
            }
        } catch (RuntimeException | Error e) {
            release();
            throw e;
        }
    }

    /** Copies all of {@code source}, which may change as soon as this returns. */
    void write(MemorySegment source, long target) {
        begin("writing to it");
        try {
            for (long done = 0; done < source.byteSize();) {
                long bytes = Math.min(HALF_BYTES, source.byteSize() - done);
                long at = reserve(bytes);
                MemorySegment.copy(source, done, halves[half], at, bytes);
                context.enter();
                try {
                    context.check(JCudaDriver.cuMemcpyHtoDAsync(DevicePointer.at(target + done), pointer(half, at),
                        bytes, context.stream()), "cuMemcpyHtoDAsync", "of " + bytes + " bytes to the card");
                } finally {
                    context.exit();
                }
                done += bytes;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Fills {@code target} and waits for it; the next piece is under way while one is copied out. */
    void read(long source, MemorySegment target) {
        begin("reading from it");
        try {
            Pending pending = null;
            for (long enqueued = 0; enqueued < target.byteSize() || pending != null;) {
                Pending next = null;
                if (enqueued < target.byteSize()) {
                    next = enqueueRead(source, enqueued, Math.min(HALF_BYTES, target.byteSize() - enqueued));
                    enqueued += next.bytes;
                }
                if (pending != null) {
                    events[pending.half].await();
                    MemorySegment.copy(halves[pending.half], pending.at, target, pending.offset, pending.bytes);
                }
                pending = next;
            }
        } finally {
            lock.unlock();
        }
    }

    private Pending enqueueRead(long source, long offset, long bytes) {
        long at = reserve(bytes);
        context.enter();
        try {
            context.check(JCudaDriver.cuMemcpyDtoHAsync(pointer(half, at), DevicePointer.at(source + offset), bytes,
                context.stream()), "cuMemcpyDtoHAsync", "of " + bytes + " bytes from the card");
            events[half].recordEntered();
        } finally {
            context.exit();
        }
        return new Pending(half, at, offset, bytes);
    }

    /** The context first: who captures a graph holds its lock, and must be refused before waiting for this one. */
    private void begin(String what) {
        requireFree(what);
        lock.lock();
        try {
            // The device may have been closed while this waited, and the page-locked memory with it.
            requireFree(what);
        } catch (RuntimeException | Error e) {
            lock.unlock();
            throw e;
        }
    }

    private void requireFree(String what) {
        context.enterToWait(what);
        context.exit();
    }

    /** Room for {@code bytes} in the current half, if need be after a change of halves. */
    private long reserve(long bytes) {
        if (used + bytes > HALF_BYTES) {
            events[half].record();
            half ^= 1;
            events[half].await();
            used = 0;
        }
        long at = used;
        used += Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
        return at;
    }

    private HostPointer pointer(int half, long at) {
        return new HostPointer(memory.address() + half * HALF_BYTES + at);
    }

    /** Keeps copies out meanwhile. */
    void exclusively(Runnable work) {
        lock.lock();
        try {
            work.run();
        } finally {
            lock.unlock();
        }
    }

    /** With the context's lock taken. */
    void release() {
        for (Event event : events) {
            if (event != null) {
                event.close();
            }
        }
        JCudaDriver.cuMemFreeHost(memory);
    }
}

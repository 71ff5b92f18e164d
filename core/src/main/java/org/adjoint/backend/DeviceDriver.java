package org.adjoint.backend;

import java.lang.foreign.MemorySegment;
import org.adjoint.plan.Plan;
import org.adjoint.plan.Target;

/**
 * An open device. Methods may be called from any thread. Work is done in the order of the calls; {@link #read} sees
 * the results of all earlier runs.
 */
public interface DeviceDriver extends AutoCloseable {
    /** One line: what is computing, with how many threads or on which card. */
    String description();

    /** What the planner has to know. */
    Target target();

    /**
     * @param bytes at least 0
     * @return memory aligned to and padded to a multiple of {@link Plan#ALIGNMENT} bytes; its contents are undefined
     * @throws OutOfDeviceMemoryException if there is not enough
     */
    Buffer allocate(long bytes);

    /** Copies all of {@code source} from the host's memory to {@code target}, from byte {@code offset} on. */
    void write(MemorySegment source, Buffer target, long offset);

    /** Copies all of {@code source} from the host's memory to the start of {@code target}. */
    default void write(MemorySegment source, Buffer target) {
        write(source, target, 0);
    }

    /** Copies the start of {@code source} to fill {@code target} in the host's memory, and waits for it. */
    void read(Buffer source, MemorySegment target);

    /** Prepares a plan for running; kernels may be shared with other executables. */
    Executable compile(Plan plan);

    /** Bytes in live buffers. */
    long liveBytes();

    /** Frees what the device holds; idempotent. */
    @Override
    void close();
}

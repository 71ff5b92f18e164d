package org.adjoint.backend;

/** A plan ready to run on one device. Runs of one executable may overlap: each leases an arena of its own. */
public interface Executable extends AutoCloseable {
    /**
     * Runs the plan.
     *
     * @param externals the buffers of the plan's external slots
     * @param scalars the plan's scalar values: bits of doubles for floating ones, else integers
     * @throws IndexOutOfBoundsException if an index tensor held an index out of range; results are undefined then, but
     *     nothing outside them was written
     * @throws OutOfDeviceMemoryException before the first kernel, if the arena does not fit
     */
    void run(Buffer[] externals, long[] scalars);

    /** Launches without work, for measuring: binding, dispatch and bookkeeping as in {@link #run}, empty kernels. */
    void dryRun(Buffer[] externals, long[] scalars);

    /** Frees what it holds; idempotent. */
    @Override
    void close();
}

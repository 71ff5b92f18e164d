package org.adjoint.cpu;

import java.lang.foreign.MemorySegment;

/** One step of a plan, prepared for its geometry; safe to run from several threads at once. */
@FunctionalInterface
public interface CpuKernel {
    /**
     * Runs the step.
     *
     * @param slots the memory of each slot of the plan in this run
     * @param scalars the plan's scalar values: floating ones as {@link Double#doubleToRawLongBits}, others as they are
     * @param parallel the workers to run on; how many there are never shows in the result
     */
    void run(MemorySegment[] slots, long[] scalars, Parallel parallel);
}

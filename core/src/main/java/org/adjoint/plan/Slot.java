package org.adjoint.plan;

/**
 * Memory that views of a plan lie in.
 *
 * @param kind where it comes from
 * @param position for {@code EXTERNAL} the index among the buffers bound at each run; for {@code ARENA} the offset in
 *     bytes, a multiple of {@link Plan#ALIGNMENT}
 * @param bytes its size
 */
public record Slot(Kind kind, long position, long bytes) {
    /** Where a slot's memory comes from. */
    public enum Kind {
        /** Bound at each run: inputs, variables, results. */
        EXTERNAL,
        /** A part of the arena that the backend leases for one run; slots whose lives do not overlap share bytes. */
        ARENA
    }
}

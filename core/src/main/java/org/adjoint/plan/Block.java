package org.adjoint.plan;

/** Memory of one value, or of several that replace each other in place, for a time. */
final class Block {
    final long bytes;
    /** Positions in the schedule of the first write and the last use. */
    final int start;
    int end;
    /** Where it lies in the arena. */
    long offset;
    int slot;

    Block(long bytes, int start) {
        this.bytes = bytes;
        this.start = start;
        this.end = start;
    }

    /** Bytes that it takes, with the padding that kernels may overrun into. */
    long padded() {
        return (bytes + Plan.ALIGNMENT - 1) / Plan.ALIGNMENT * Plan.ALIGNMENT;
    }
}

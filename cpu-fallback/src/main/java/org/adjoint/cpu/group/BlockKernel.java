package org.adjoint.cpu.group;

/** A loop over a run of points, generated from a {@link LoopProgram}. Holds no state. */
abstract class BlockKernel {
    /** A power of two. */
    private final int step;

    BlockKernel(int step) {
        this.step = step;
    }

    /** Points of one turn of the main loop. */
    final int step() {
        return step;
    }

    /**
     * Runs {@code n} points.
     *
     * @param bases the memory of each operand: inputs, then stores, then the lanes of folds
     * @param offsets where each starts: an index into an array, or bytes into a segment
     * @param scalars bits of the scalar arguments
     */
    final void run(Object[] bases, long[] offsets, long[] scalars, int n) {
        int main = n & -step;
        if (main > 0) {
            main(bases, offsets, scalars, main);
        }
        if (main < n) {
            tail(bases, offsets, scalars, main, n);
        }
    }

    /** Points 0 to {@code n}, a multiple of the step. */
    abstract void main(Object[] bases, long[] offsets, long[] scalars, int n);

    /** Points {@code from} to {@code n}, fewer than a step. */
    abstract void tail(Object[] bases, long[] offsets, long[] scalars, int from, int n);
}

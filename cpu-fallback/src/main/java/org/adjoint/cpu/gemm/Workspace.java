package org.adjoint.cpu.gemm;

import java.lang.reflect.Array;

/** Scratch of one run: shared arrays and those of each worker. Arrays grow to what was asked for and are kept. */
final class Workspace {

    private final PanelKernels kernels;
    private Worker[] workers = new Worker[0];
    private Object rows;
    private Object panels;

    Workspace(PanelKernels kernels) {
        this.kernels = kernels;
    }

    /** Makes room for so many workers; before a run, on the thread that starts it. */
    void prepare(int count) {
        if (workers.length < count) {
            Worker[] grown = new Worker[count];
            System.arraycopy(workers, 0, grown, 0, workers.length);
            for (int i = workers.length; i < count; i++) {
                grown[i] = new Worker(kernels);
            }
            workers = grown;
        }
    }

    Worker worker(int index) {
        return workers[index];
    }

    /** The left operand, packed for all workers. */
    Object rows(int size) {
        return rows = grown(kernels, rows, size);
    }

    /** The right operand, packed for all workers, or partial results. */
    Object panels(int size) {
        return panels = grown(kernels, panels, size);
    }

    private static Object grown(PanelKernels kernels, Object array, int size) {
        return array != null && Array.getLength(array) >= size ? array : kernels.array(size);
    }

    /** Scratch that one task uses at a time. */
    static final class Worker {

        final Object tile;
        final Object staging;
        final short[] halves;
        private final PanelKernels kernels;
        private Object rows;
        private Object panels;
        private Object block;

        Worker(PanelKernels kernels) {
            this.kernels = kernels;
            this.tile = kernels.array(kernels.tileSize());
            this.staging = kernels.array(kernels.stagingSize());
            this.halves = new short[kernels.maxDepth()];
        }

        Object rows(int size) {
            return rows = grown(kernels, rows, size);
        }

        Object panels(int size) {
            return panels = grown(kernels, panels, size);
        }

        /** A block of results. */
        Object block(int size) {
            return block = grown(kernels, block, size);
        }
    }
}

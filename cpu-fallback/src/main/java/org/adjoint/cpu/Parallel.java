package org.adjoint.cpu;

/**
 * Runs the fixed blocks of one kernel on the workers there are. How many that is never shows in the result: work is cut
 * into tasks by the problem's geometry alone.
 */
public interface Parallel {
    /** One task of a kernel. */
    @FunctionalInterface
    interface Body {
        /**
         * @param task in [0, tasks)
         * @param worker in [0, workers()): indexes scratch memory, nothing else
         */
        void run(int task, int worker);
    }

    int workers();

    /** Runs all tasks and returns when they are done; the first exception a task throws is thrown here. */
    void run(int tasks, Body body);
}

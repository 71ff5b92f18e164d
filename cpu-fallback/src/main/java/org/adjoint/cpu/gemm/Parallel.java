package org.adjoint.cpu.gemm;

/** How a product spreads its work: the engine's worker pool, or {@link #SEQUENTIAL}. */
public interface Parallel {

    /** Runs every task on the calling thread. */
    Parallel SEQUENTIAL = new Parallel() {
        @Override
        public int workers() {
            return 1;
        }

        @Override
        public void run(int tasks, TaskBody body) {
            for (int task = 0; task < tasks; task++) {
                body.run(task, 0);
            }
        }
    };

    /** An upper bound of the worker indices that tasks see; at least 1. */
    int workers();

    /**
     * Runs tasks 0 to {@code tasks - 1}, each once, in any order, and returns when all have ended, with their writes
     * visible to the caller and to the tasks of later calls.
     */
    void run(int tasks, TaskBody body);

    /** One task of many. */
    @FunctionalInterface
    interface TaskBody {

        /** @param worker in [0, workers); no two tasks that run at the same time see the same one */
        void run(int task, int worker);
    }
}

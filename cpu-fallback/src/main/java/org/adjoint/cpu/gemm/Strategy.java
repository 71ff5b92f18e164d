package org.adjoint.cpu.gemm;

/** A way to carry out a product, chosen by its shape; every one gives the same bits. */
sealed interface Strategy permits BlockProduct, SharedPackProduct, SplitDepthProduct, RowProduct, EmptyProduct,
        IntegerProduct {

    /** Bounds what one call of {@link Parallel#run} is given, whose task indices are ints. */
    int MAX_TASKS = 1 << 20;

    void run(Operands operands, Workspace workspace, Parallel parallel);

    static long ceilDivide(long count, long size) {
        return (count + size - 1) / size;
    }

    /** Runs the tasks in groups, so that one group is worth handing to a worker. */
    static void runGrouped(long tasks, long perGroup, Parallel parallel, LongTask body) {
        long size = Math.max(perGroup, ceilDivide(tasks, MAX_TASKS));
        int groups = (int) ceilDivide(tasks, size);
        if (groups == 1) {
            for (long task = 0; task < tasks; task++) {
                body.run(task, 0);
            }
            return;
        }
        parallel.run(groups, (group, worker) -> {
            long end = Math.min(tasks, (group + 1) * size);
            for (long task = group * size; task < end; task++) {
                body.run(task, worker);
            }
        });
    }

    /** A task of a number that an int may not hold. */
    @FunctionalInterface
    interface LongTask {

        void run(long task, int worker);
    }
}

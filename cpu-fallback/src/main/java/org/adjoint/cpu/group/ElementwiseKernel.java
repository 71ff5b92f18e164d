package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.GroupLoop.Sink;

/** A group without reductions. */
final class ElementwiseKernel implements CpuKernel {
    /** Points that are worth a task. */
    static final long TASK = 1 << 15;

    private final GroupRun run;
    private final int[] scalars;
    private final long points;
    /** Length of the rows that blocks do not cross. */
    private final long row;
    private final long blocksPerRow;
    private final long blocks;
    private final int blocksPerTask;
    private final long[] noInputShifts;
    private final long[] noOutputShifts;

    /** @param rowLength 0 if blocks may be any run of points */
    ElementwiseKernel(GroupRun run, int[] scalars, long rowLength) {
        this.run = run;
        this.scalars = scalars;
        points = Geometry.points(run.extents());
        row = rowLength == 0 ? points : rowLength;
        blocksPerRow = Math.ceilDiv(row, run.blockSize());
        blocks = points / row * blocksPerRow;
        blocksPerTask = (int) Math.max(1, Math.ceilDiv(TASK, Math.min(row, run.blockSize())));
        noInputShifts = new long[run.inputs().length];
        noOutputShifts = new long[run.outputs().length];
    }

    @Override
    public void run(MemorySegment[] slots, long[] planScalars, Parallel parallel) {
        long[] arguments = arguments(scalars, planScalars);
        int tasks = Math.toIntExact(Math.ceilDiv(blocks, blocksPerTask));
        if (tasks == 1) {
            task(slots, arguments, 0);
        } else {
            parallel.run(tasks, (task, worker) -> task(slots, arguments, task));
        }
    }

    static long[] arguments(int[] indices, long[] planScalars) {
        long[] arguments = new long[indices.length];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = planScalars[indices[i]];
        }
        return arguments;
    }

    private void task(MemorySegment[] slots, long[] arguments, int task) {
        Scratch scratch = Scratch.ofThread();
        Object[] rows = resultRows(run, scratch);
        long first = (long) task * blocksPerTask;
        long last = Math.min(blocks, first + blocksPerTask);
        for (long block = first; block < last; block++) {
            long within = block % blocksPerRow * run.blockSize();
            int n = (int) Math.min(row - within, run.blockSize());
            run.block(slots, arguments, scratch, block / blocksPerRow * row + within, n, noInputShifts, noOutputShifts,
                rows);
        }
    }

    /** A row for each result that passes through one. */
    static Object[] resultRows(GroupRun run, Scratch scratch) {
        Object[] rows = new Object[run.outputs().length];
        for (int i = 0; i < rows.length; i++) {
            if (run.code().sinks.get(i) != Sink.DIRECT) {
                var result = run.code().group.results().get(i);
                rows[i] = scratch.result(Kind.of(run.code().group.body().get(result.value()).dtype()), i);
            }
        }
        return rows;
    }
}

package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.plan.PlanStep;

/** {@code exp(x - max) / sum(exp(x - max))} along the last axis, or its logarithm; a row is read and written once. */
public final class SoftmaxKernel implements CpuKernel {
    private final RowView x;
    private final RowView y;
    private final boolean log;
    private final Arithmetic arithmetic;

    /** @param log whether the logarithm is wanted */
    public SoftmaxKernel(PlanStep.Kernel step, boolean log, int vectorBits) {
        this.x = new RowView(step.inputs().getFirst());
        this.y = new RowView(step.outputs().getFirst());
        this.log = log;
        this.arithmetic = Arithmetic.of(x.dtype(), vectorBits);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int rows = x.rowsPerTask();
        parallel.run(x.tasks(), (task, worker) -> {
            Scratch scratch = Scratch.local();
            Object row = scratch.array(arithmetic, 0, x.width());
            Object exponentials = log ? scratch.array(arithmetic, 1, x.width()) : row;
            for (long i = (long) task * rows; i < Math.min(x.count(), (task + 1L) * rows); i++) {
                arithmetic.load(x.memory(slots), x.offset(i), x.dtype(), row, 0, x.width());
                normalize(row, exponentials, x.width());
                arithmetic.store(row, 0, y.memory(slots), y.offset(i), y.dtype(), x.width());
            }
        });
    }

    private void normalize(Object row, Object exponentials, int n) {
        double max = arithmetic.max(row, 0, n);
        if (log) {
            arithmetic.shiftScale(row, 0, max, 1, row, 0, n);
            double sum = arithmetic.expSum(row, 0, 0, exponentials, 0, n);
            arithmetic.shiftScale(row, 0, arithmetic.log(sum, exponentials), 1, row, 0, n);
        } else {
            double sum = arithmetic.expSum(row, 0, max, row, 0, n);
            arithmetic.scale(row, 0, arithmetic.round(1 / sum), row, 0, n);
        }
    }
}

package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.SoftmaxGradientRows;
import org.adjoint.plan.PlanStep;

/**
 * {@code y (dy - sum(y dy))} along the last axis, the gradient of softmax, or that of its logarithm,
 * {@code dy - exp(y) sum(dy)}; a row of each is read and written once.
 */
public final class SoftmaxGradientKernel implements CpuKernel {
    private final RowView y;
    private final RowView dy;
    private final RowView dx;
    private final boolean log;
    private final Arithmetic arithmetic;
    private final SoftmaxGradientRows loops;

    /** @param log whether y is the logarithm */
    public SoftmaxGradientKernel(PlanStep.Kernel step, boolean log, int vectorBits) {
        this.y = new RowView(step.inputs().get(0));
        this.dy = new RowView(step.inputs().get(1));
        this.dx = new RowView(step.outputs().getFirst());
        this.log = log;
        this.arithmetic = Arithmetic.of(y.dtype(), vectorBits);
        this.loops = SoftmaxGradientRows.of(vectorBits, y.dtype(), log);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int rows = y.rowsPerTask();
        parallel.run(y.tasks(), (task, worker) -> {
            long first = (long) task * rows;
            long last = Math.min(y.count(), first + rows);
            if (!ofMemory(slots, first, last)) {
                ofCopies(slots, first, last);
            }
        });
    }

    private boolean ofMemory(MemorySegment[] slots, long first, long last) {
        SoftmaxGradientRows.Rows rows = loops.rows(y.memory(slots), dy.memory(slots), dx.memory(slots));
        if (rows == null) {
            return false;
        }
        double sum = rows.sum(y.offset(first), dy.offset(first), y.width());
        for (long i = first; i < last; i++) {
            long next = Math.min(i + 1, last - 1);
            sum = rows.differentiate(y.offset(i), dy.offset(i), sum, dx.offset(i), y.offset(next), dy.offset(next),
                y.width());
        }
        return true;
    }

    /** Without fast loops over memory. */
    private void ofCopies(MemorySegment[] slots, long first, long last) {
        int n = y.width();
        Scratch scratch = Scratch.local();
        Object row = scratch.array(arithmetic, 0, n);
        Object cotangent = scratch.array(arithmetic, 1, n);
        for (long i = first; i < last; i++) {
            arithmetic.load(y.memory(slots), y.offset(i), y.dtype(), row, 0, n);
            arithmetic.load(dy.memory(slots), dy.offset(i), dy.dtype(), cotangent, 0, n);
            if (log) {
                arithmetic.exp(row, 0, 0, row, 0, n);
                arithmetic.addScaled(-arithmetic.sum(cotangent, 0, n), row, 0, cotangent, 0, n);
            } else {
                double sum = arithmetic.dot(row, 0, cotangent, 0, n);
                arithmetic.multiplyShifted(row, 0, cotangent, 0, sum, cotangent, 0, n);
            }
            arithmetic.store(cotangent, 0, dx.memory(slots), dx.offset(i), dx.dtype(), n);
        }
    }
}

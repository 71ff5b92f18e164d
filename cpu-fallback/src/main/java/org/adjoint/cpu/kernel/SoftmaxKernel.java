package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.SoftmaxRows;
import org.adjoint.plan.PlanStep;

/** {@code exp(x - max) / sum(exp(x - max))} along the last axis, or its logarithm; a row is read and written once. */
public final class SoftmaxKernel implements CpuKernel {
    private final RowView x;
    private final RowView y;
    private final boolean log;
    private final Arithmetic arithmetic;
    private final SoftmaxRows loops;

    /** @param log whether the logarithm is wanted */
    public SoftmaxKernel(PlanStep.Kernel step, boolean log, int vectorBits) {
        this.x = new RowView(step.inputs().getFirst());
        this.y = new RowView(step.outputs().getFirst());
        this.log = log;
        this.arithmetic = Arithmetic.of(x.dtype(), vectorBits);
        this.loops = SoftmaxRows.of(vectorBits, x.dtype(), log);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int rows = x.rowsPerTask();
        parallel.run(x.tasks(), (task, worker) -> {
            long first = (long) task * rows;
            long last = Math.min(x.count(), first + rows);
            if (!(log ? logOfMemory(slots, first, last) : ofMemory(slots, first, last))) {
                ofCopies(slots, first, last);
            }
        });
    }

    /** A row's exponentials are computed while the one before is written and the one after is read. */
    private boolean ofMemory(MemorySegment[] slots, long first, long last) {
        int n = x.width();
        Object rows = Scratch.local().array(arithmetic, 0, Math.multiplyExact(2, n));
        SoftmaxRows.Softmax softmax = loops.softmax(x.memory(slots), y.memory(slots), rows);
        if (softmax == null) {
            return false;
        }
        int at = 0;
        double max = softmax.max(x.offset(first), n);
        double sum = softmax.exponentials(x.offset(first), max, at, x.offset(Math.min(first + 1, last - 1)), n);
        for (long i = first + 1; i < last; i++) {
            sum = softmax.turn(x.offset(i), softmax.nextMax(), n - at, x.offset(Math.min(i + 1, last - 1)),
                arithmetic.round(1 / sum), at, y.offset(i - 1), n);
            at = n - at;
        }
        softmax.scale(arithmetic.round(1 / sum), at, y.offset(last - 1), n);
        return true;
    }

    private boolean logOfMemory(MemorySegment[] slots, long first, long last) {
        SoftmaxRows.LogSoftmax softmax = loops.logSoftmax(x.memory(slots), y.memory(slots));
        if (softmax == null) {
            return false;
        }
        Object cell = Scratch.local().array(arithmetic, 0, 1);
        double max = softmax.max(x.offset(first), x.width());
        for (long i = first; i < last; i++) {
            double log = arithmetic.log(softmax.expSum(x.offset(i), max, x.width()), cell);
            long next = x.offset(Math.min(i + 1, last - 1));
            max = softmax.shift(x.offset(i), max, log, y.offset(i), next, x.width());
        }
        return true;
    }

    /** Without fast loops over memory. */
    private void ofCopies(MemorySegment[] slots, long first, long last) {
        Scratch scratch = Scratch.local();
        Object row = scratch.array(arithmetic, 0, x.width());
        Object exponentials = log ? scratch.array(arithmetic, 1, x.width()) : row;
        for (long i = first; i < last; i++) {
            arithmetic.load(x.memory(slots), x.offset(i), x.dtype(), row, 0, x.width());
            normalize(row, exponentials, x.width());
            arithmetic.store(row, 0, y.memory(slots), y.offset(i), y.dtype(), x.width());
        }
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

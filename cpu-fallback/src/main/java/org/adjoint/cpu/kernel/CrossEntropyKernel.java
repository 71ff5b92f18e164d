package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.SoftmaxRows;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * For each row of logits the loss, the largest and the sum of exponentials of the logits less that; a row is read once
 * and nothing of its size is written.
 */
public final class CrossEntropyKernel implements CpuKernel {
    private final RowView logits;
    private final View targets;
    private final RowView losses;
    private final RowView maxima;
    private final RowView sums;
    private final Arithmetic arithmetic;
    private final SoftmaxRows loops;

    public CrossEntropyKernel(PlanStep.Kernel step, int vectorBits) {
        this.logits = new RowView(step.inputs().getFirst());
        this.targets = step.inputs().get(1);
        this.losses = new RowView(step.outputs().getFirst(), 0);
        this.maxima = new RowView(step.outputs().get(1), 0);
        this.sums = new RowView(step.outputs().get(2), 0);
        this.arithmetic = Arithmetic.of(logits.dtype(), vectorBits);
        this.loops = SoftmaxRows.of(vectorBits, logits.dtype(), true);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int rows = logits.rowsPerTask();
        int classes = logits.width();
        parallel.run(logits.tasks(), (task, worker) -> {
            Scratch scratch = Scratch.local();
            long first = (long) task * rows;
            int count = (int) (Math.min(logits.count(), first + rows) - first);
            Object row = scratch.array(arithmetic, 0, classes);
            Object largest = scratch.array(arithmetic, 1, count);
            Object totals = scratch.array(arithmetic, 2, count);
            SoftmaxRows.Logits loops = this.loops.logits(logits.memory(slots));
            double next = loops == null ? 0 : loops.max(logits.offset(first), classes);
            for (int i = 0; i < count; i++) {
                long at = logits.offset(first + i);
                double max;
                if (loops == null) {
                    arithmetic.load(logits.memory(slots), at, logits.dtype(), row, 0, classes);
                    max = arithmetic.max(row, 0, classes);
                    arithmetic.set(totals, i, arithmetic.expSum(row, 0, max, row, 0, classes));
                } else {
                    max = next;
                    long after = logits.offset(first + Math.min(i + 1, count - 1));
                    arithmetic.set(totals, i, loops.expSum(at, max, after, classes));
                    next = loops.nextMax();
                }
                arithmetic.set(largest, i, max);
                arithmetic.set(maxima.memory(slots), maxima.offset(first + i), max);
                arithmetic.set(sums.memory(slots), sums.offset(first + i), arithmetic.get(totals, i));
            }
            arithmetic.unary(UnaryOp.LOG, totals, 0, totals, 0, count);
            for (int i = 0; i < count; i++) {
                int target = target(slots, first + i);
                double picked = Cells.floating(logits.dtype(), logits.memory(slots),
                    logits.offset(first + i) + (long) target * logits.dtype().bytes());
                double below = arithmetic.round(arithmetic.get(largest, i) - picked);
                arithmetic.set(losses.memory(slots), losses.offset(first + i), arithmetic.get(totals, i) + below);
            }
        });
    }

    private int target(MemorySegment[] slots, long row) {
        long at = (targets.offset() + row * targets.strides()[0]) * targets.dtype().bytes();
        long target = Cells.integer(targets.dtype(), slots[targets.slot()], at);
        if (target < 0 || target >= logits.width()) {
            throw new IndexOutOfBoundsException("crossEntropy: target " + target + " at position " + row
                + " is out of range for " + logits.width() + " classes");
        }
        return (int) target;
    }
}

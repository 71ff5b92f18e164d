package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * For each row of logits the log of the sum of exponentials, and that less the target's logit; a row is read once and
 * nothing of its size is written.
 */
public final class CrossEntropyKernel implements CpuKernel {
    private final RowView logits;
    private final View targets;
    private final RowView losses;
    private final RowView logSumExp;
    private final Arithmetic arithmetic;

    public CrossEntropyKernel(PlanStep.Kernel step, int vectorBits) {
        this.logits = new RowView(step.inputs().getFirst());
        this.targets = step.inputs().get(1);
        this.losses = new RowView(step.outputs().getFirst(), 0);
        this.logSumExp = new RowView(step.outputs().get(1), 0);
        this.arithmetic = Arithmetic.of(logits.dtype(), vectorBits);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int rows = logits.rowsPerTask();
        int classes = logits.width();
        parallel.run(logits.tasks(), (task, worker) -> {
            Scratch scratch = Scratch.local();
            Object row = scratch.array(arithmetic, 0, classes);
            for (long i = (long) task * rows; i < Math.min(logits.count(), (task + 1L) * rows); i++) {
                int target = target(slots, i);
                arithmetic.load(logits.memory(slots), logits.offset(i), logits.dtype(), row, 0, classes);
                double picked = arithmetic.get(row, target);
                double max = arithmetic.max(row, 0, classes);
                double sum = arithmetic.expSum(row, 0, max, row, 0, classes);
                double log = arithmetic.round(max + arithmetic.log(sum, row));
                arithmetic.set(losses.memory(slots), losses.offset(i), log - picked);
                arithmetic.set(logSumExp.memory(slots), logSumExp.offset(i), log);
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

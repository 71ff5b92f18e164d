package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.RmsNormRows;
import org.adjoint.graph.FusedOp;
import org.adjoint.plan.PlanStep;

/** Root mean square normalization: a row is read and written once, the reciprocal of its root mean square is kept. */
public final class RmsNormKernel implements CpuKernel {
    private final RowView x;
    private final RowView gamma;
    private final RowView y;
    private final RowView rstd;
    private final Arithmetic arithmetic;
    private final RmsNormRows rows;
    private final double scale;
    private final double epsilon;

    public RmsNormKernel(PlanStep.Kernel step, FusedOp.RmsNorm op, int vectorBits) {
        this.x = new RowView(step.inputs().get(0));
        this.gamma = new RowView(step.inputs().get(1));
        this.y = new RowView(step.outputs().get(0));
        this.rstd = new RowView(step.outputs().get(1), 0);
        this.arithmetic = Arithmetic.of(x.dtype(), vectorBits);
        this.rows = RmsNormRows.of(vectorBits, arithmetic.isDouble());
        this.scale = arithmetic.round(1.0 / x.width());
        this.epsilon = arithmetic.round(op.epsilon());
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int rowsPerTask = x.rowsPerTask();
        parallel.run(x.tasks(), (task, worker) -> {
            Scratch scratch = Scratch.local();
            Object factors = scratch.array(arithmetic, 0, x.width());
            Object row = scratch.array(arithmetic, 1, x.width());
            arithmetic.load(gamma.memory(slots), gamma.offset(0), gamma.dtype(), factors, 0, x.width());
            for (long i = (long) task * rowsPerTask; i < Math.min(x.count(), (task + 1L) * rowsPerTask); i++) {
                normalize(slots, i, factors, row);
            }
        });
    }

    private void normalize(MemorySegment[] slots, long i, Object factors, Object row) {
        int n = x.width();
        arithmetic.load(x.memory(slots), x.offset(i), x.dtype(), row, 0, n);
        double meanSquare = arithmetic.round(rows.squares(row, n) * scale);
        double root = arithmetic.round(Math.sqrt(arithmetic.round(meanSquare + epsilon)));
        double reciprocal = arithmetic.round(1 / root);
        rows.normalize(row, reciprocal, factors, n);
        arithmetic.store(row, 0, y.memory(slots), y.offset(i), y.dtype(), n);
        arithmetic.set(rstd.memory(slots), rstd.offset(i), reciprocal);
    }
}

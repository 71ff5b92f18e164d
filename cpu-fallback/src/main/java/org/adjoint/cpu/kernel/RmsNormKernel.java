package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.LayerNormRows;
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
    private final LayerNormRows loops;
    private final double scale;
    private final double epsilon;

    public RmsNormKernel(PlanStep.Kernel step, FusedOp.RmsNorm op, int vectorBits) {
        this.x = new RowView(step.inputs().get(0));
        this.gamma = new RowView(step.inputs().get(1));
        this.y = new RowView(step.outputs().get(0));
        this.rstd = new RowView(step.outputs().get(1), 0);
        this.arithmetic = Arithmetic.of(x.dtype(), vectorBits);
        this.rows = RmsNormRows.of(vectorBits, arithmetic.isDouble());
        this.loops = LayerNormRows.rms(vectorBits, x.dtype());
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
            LayerNormRows.Rms fast = loops.rms(x.memory(slots), factors, y.memory(slots));
            long first = (long) task * rowsPerTask;
            long last = Math.min(x.count(), first + rowsPerTask);
            if (fast == null) {
                for (long i = first; i < last; i++) {
                    normalizeCopy(slots, i, factors, row);
                }
            } else {
                normalize(slots, first, last, fast);
            }
        });
    }

    private void normalize(MemorySegment[] slots, long first, long last, LayerNormRows.Rms fast) {
        int n = x.width();
        double squares = fast.squares(x.offset(first), n);
        for (long i = first; i < last; i++) {
            double reciprocal = reciprocal(squares);
            long next = x.offset(Math.min(i + 1, last - 1));
            squares = fast.normalize(x.offset(i), reciprocal, y.offset(i), next, n);
            arithmetic.set(rstd.memory(slots), rstd.offset(i), reciprocal);
        }
    }

    /** Of the root of the mean square. */
    private double reciprocal(double squares) {
        double meanSquare = arithmetic.round(squares * scale);
        double root = arithmetic.round(Math.sqrt(arithmetic.round(meanSquare + epsilon)));
        return arithmetic.round(1 / root);
    }

    /** Without fast loops over memory. */
    private void normalizeCopy(MemorySegment[] slots, long i, Object factors, Object row) {
        int n = x.width();
        arithmetic.load(x.memory(slots), x.offset(i), x.dtype(), row, 0, n);
        double reciprocal = reciprocal(rows.squares(row, n));
        rows.normalize(row, reciprocal, factors, n);
        arithmetic.store(row, 0, y.memory(slots), y.offset(i), y.dtype(), n);
        arithmetic.set(rstd.memory(slots), rstd.offset(i), reciprocal);
    }
}

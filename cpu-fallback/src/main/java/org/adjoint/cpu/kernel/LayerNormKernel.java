package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.LayerNormRows;
import org.adjoint.cpu.group.NormalizationRows;
import org.adjoint.graph.FusedOp;
import org.adjoint.plan.PlanStep;

/** Layer normalization: a row is read and written once, its mean and reciprocal standard deviation are kept. */
public final class LayerNormKernel implements CpuKernel {
    /** A mean of more than 16 deviations, whose rounding the reciprocal deviation enlarges as much. */
    private static final double FAR = 0x1p-8;

    private final RowView x;
    private final RowView gamma;
    private final RowView beta;
    private final RowView y;
    private final RowView mean;
    private final RowView rstd;
    private final Arithmetic arithmetic;
    private final NormalizationRows rows;
    private final LayerNormRows loops;
    private final double scale;
    private final double epsilon;

    public LayerNormKernel(PlanStep.Kernel step, FusedOp.LayerNorm op, int vectorBits) {
        this.x = new RowView(step.inputs().get(0));
        this.gamma = new RowView(step.inputs().get(1));
        this.beta = new RowView(step.inputs().get(2));
        this.y = new RowView(step.outputs().get(0));
        this.mean = new RowView(step.outputs().get(1), 0);
        this.rstd = new RowView(step.outputs().get(2), 0);
        this.arithmetic = Arithmetic.of(x.dtype(), vectorBits);
        this.rows = NormalizationRows.of(vectorBits, arithmetic.isDouble());
        this.loops = LayerNormRows.layer(vectorBits, x.dtype());
        this.scale = arithmetic.round(1.0 / x.width());
        this.epsilon = arithmetic.round(op.epsilon());
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int rowsPerTask = x.rowsPerTask();
        parallel.run(x.tasks(), (task, worker) -> {
            Scratch scratch = Scratch.local();
            Object factors = scratch.array(arithmetic, 0, x.width());
            Object shifts = scratch.array(arithmetic, 1, x.width());
            Object row = scratch.array(arithmetic, 2, x.width());
            arithmetic.load(gamma.memory(slots), gamma.offset(0), gamma.dtype(), factors, 0, x.width());
            arithmetic.load(beta.memory(slots), beta.offset(0), beta.dtype(), shifts, 0, x.width());
            LayerNormRows.Layer fast = loops.layer(x.memory(slots), row, factors, shifts, y.memory(slots));
            long first = (long) task * rowsPerTask;
            long last = Math.min(x.count(), first + rowsPerTask);
            if (fast == null) {
                for (long i = first; i < last; i++) {
                    normalizeCopy(slots, i, factors, shifts, row);
                }
            } else {
                normalize(slots, first, last, fast, row);
            }
        });
    }

    private void normalize(MemorySegment[] slots, long first, long last, LayerNormRows.Layer fast, Object row) {
        int n = x.width();
        double sum = fast.sum(x.offset(first), n);
        for (long i = first; i < last; i++) {
            double center = arithmetic.round(sum / n);
            double squares = fast.center(x.offset(i), center, n);
            if (isFar(squares, center)) {
                double corrected = corrected(row, center, n);
                squares = rows.center(row, arithmetic.round(corrected - center), n);
                center = corrected;
            }
            double reciprocal = reciprocal(squares);
            sum = fast.normalize(reciprocal, y.offset(i), x.offset(Math.min(i + 1, last - 1)), n);
            keep(slots, i, center, reciprocal);
        }
    }

    private boolean isFar(double squares, double center) {
        return squares * scale < center * center * FAR;
    }

    /** The mean without the rounding of the first sum: of a row that is constant, exactly its elements. */
    private double corrected(Object centered, double center, int n) {
        return arithmetic.round(center + arithmetic.round(arithmetic.sum(centered, 0, n) / n));
    }

    /** Of the standard deviation. */
    private double reciprocal(double squares) {
        double variance = arithmetic.round(squares * scale);
        double deviation = arithmetic.round(Math.sqrt(arithmetic.round(variance + epsilon)));
        return arithmetic.round(1 / deviation);
    }

    private void keep(MemorySegment[] slots, long i, double center, double reciprocal) {
        arithmetic.set(mean.memory(slots), mean.offset(i), center);
        arithmetic.set(rstd.memory(slots), rstd.offset(i), reciprocal);
    }

    /** Without fast loops over memory. */
    private void normalizeCopy(MemorySegment[] slots, long i, Object factors, Object shifts, Object row) {
        int n = x.width();
        arithmetic.load(x.memory(slots), x.offset(i), x.dtype(), row, 0, n);
        double center = arithmetic.round(arithmetic.sum(row, 0, n) / n);
        double squares = rows.center(row, center, n);
        if (isFar(squares, center)) {
            double corrected = corrected(row, center, n);
            squares = rows.center(row, arithmetic.round(corrected - center), n);
            center = corrected;
        }
        double reciprocal = reciprocal(squares);
        rows.normalize(row, reciprocal, factors, shifts, n);
        arithmetic.store(row, 0, y.memory(slots), y.offset(i), y.dtype(), n);
        keep(slots, i, center, reciprocal);
    }
}

package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.NormalizationRows;
import org.adjoint.plan.PlanStep;

/**
 * The gradient of layer normalization: x and dy are read once, dx is written once. The sums over rows, dgamma and
 * dbeta, are taken over fixed blocks of rows, and the blocks' sums are added in order.
 */
public final class LayerNormGradientKernel implements CpuKernel {
    private final RowView x;
    private final RowView gamma;
    private final RowView mean;
    private final RowView rstd;
    private final RowView dy;
    private final RowView dx;
    private final RowView dgamma;
    private final RowView dbeta;
    private final Arithmetic arithmetic;
    private final NormalizationRows rows;
    private final double scale;
    private final RowBlocks blocks;

    public LayerNormGradientKernel(PlanStep.Kernel step, int vectorBits) {
        this.x = new RowView(step.inputs().get(0));
        this.gamma = new RowView(step.inputs().get(1));
        this.mean = new RowView(step.inputs().get(2), 0);
        this.rstd = new RowView(step.inputs().get(3), 0);
        this.dy = new RowView(step.inputs().get(4));
        this.dx = new RowView(step.outputs().get(0));
        this.dgamma = new RowView(step.outputs().get(1));
        this.dbeta = new RowView(step.outputs().get(2));
        this.arithmetic = Arithmetic.of(x.dtype(), vectorBits);
        this.rows = NormalizationRows.of(vectorBits, arithmetic.isDouble());
        this.scale = arithmetic.round(1.0 / x.width());
        this.blocks = new RowBlocks(x, arithmetic);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int n = x.width();
        // A row per block for dgamma, one for dbeta.
        Object[] dgammas = new Object[blocks.count()];
        Object[] dbetas = new Object[blocks.count()];
        parallel.run(blocks.count(), (block, worker) -> {
            Scratch scratch = Scratch.local();
            Object factors = scratch.array(arithmetic, 0, n);
            Object normalized = scratch.array(arithmetic, 1, n);
            Object cotangent = scratch.array(arithmetic, 2, n);
            dgammas[block] = arithmetic.array(n);
            dbetas[block] = arithmetic.array(n);
            arithmetic.load(gamma.memory(slots), gamma.offset(0), gamma.dtype(), factors, 0, n);
            for (long i = blocks.start(block); i < blocks.end(block); i++) {
                double deviation = arithmetic.get(rstd.memory(slots), rstd.offset(i));
                arithmetic.load(x.memory(slots), x.offset(i), x.dtype(), normalized, 0, n);
                arithmetic.load(dy.memory(slots), dy.offset(i), dy.dtype(), cotangent, 0, n);
                rows.accumulate(normalized, arithmetic.get(mean.memory(slots), mean.offset(i)), deviation, cotangent,
                    dgammas[block], dbetas[block], n);
                differentiate(cotangent, factors, normalized, deviation);
                arithmetic.store(cotangent, 0, dx.memory(slots), dx.offset(i), dx.dtype(), n);
            }
        });
        blocks.store(dgammas, dgamma, slots);
        blocks.store(dbetas, dbeta, slots);
    }

    /** {@code dx = rstd (g - mean(g) - normalized mean(g normalized))} with {@code g = dy gamma}, over dy itself. */
    private void differentiate(Object dy, Object factors, Object normalized, double deviation) {
        double[] sums = rows.weigh(dy, factors, normalized, x.width());
        rows.differentiate(dy, normalized, arithmetic.round(sums[0] * scale), arithmetic.round(sums[1] * scale),
            deviation, x.width());
    }
}

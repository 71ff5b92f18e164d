package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.RmsNormRows;
import org.adjoint.plan.PlanStep;

/**
 * The gradient of root mean square normalization: x and dy are read once, dx is written once. dgamma is summed over
 * fixed blocks of rows, and the blocks' sums are added in order.
 */
public final class RmsNormGradientKernel implements CpuKernel {
    private final RowView x;
    private final RowView gamma;
    private final RowView rstd;
    private final RowView dy;
    private final RowView dx;
    private final RowView dgamma;
    private final Arithmetic arithmetic;
    private final RmsNormRows rows;
    private final double scale;
    private final RowBlocks blocks;

    public RmsNormGradientKernel(PlanStep.Kernel step, int vectorBits) {
        this.x = new RowView(step.inputs().get(0));
        this.gamma = new RowView(step.inputs().get(1));
        this.rstd = new RowView(step.inputs().get(2), 0);
        this.dy = new RowView(step.inputs().get(3));
        this.dx = new RowView(step.outputs().get(0));
        this.dgamma = new RowView(step.outputs().get(1));
        this.arithmetic = Arithmetic.of(x.dtype(), vectorBits);
        this.rows = RmsNormRows.of(vectorBits, arithmetic.isDouble());
        this.scale = arithmetic.round(1.0 / x.width());
        this.blocks = new RowBlocks(x, arithmetic);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int n = x.width();
        Object[] dgammas = new Object[blocks.count()];
        parallel.run(blocks.count(), (block, worker) -> {
            Scratch scratch = Scratch.local();
            Object factors = scratch.array(arithmetic, 0, n);
            Object normalized = scratch.array(arithmetic, 1, n);
            Object cotangent = scratch.array(arithmetic, 2, n);
            dgammas[block] = arithmetic.array(n);
            arithmetic.load(gamma.memory(slots), gamma.offset(0), gamma.dtype(), factors, 0, n);
            for (long i = blocks.start(block); i < blocks.end(block); i++) {
                double reciprocal = arithmetic.get(rstd.memory(slots), rstd.offset(i));
                arithmetic.load(x.memory(slots), x.offset(i), x.dtype(), normalized, 0, n);
                arithmetic.load(dy.memory(slots), dy.offset(i), dy.dtype(), cotangent, 0, n);
                double sum = rows.accumulate(normalized, reciprocal, cotangent, factors, dgammas[block], n);
                // dx = rstd (g - normalized mean(g normalized)) with g = dy gamma
                rows.differentiate(cotangent, normalized, arithmetic.round(sum * scale), reciprocal, n);
                arithmetic.store(cotangent, 0, dx.memory(slots), dx.offset(i), dx.dtype(), n);
            }
        });
        blocks.store(dgammas, dgamma, slots);
    }
}

package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.plan.PlanStep;

/**
 * The gradient of layer normalization: x and dy are read once, dx is written once. The sums over rows, dgamma and
 * dbeta, are taken over fixed blocks of rows, and the blocks' sums are added in order.
 */
public final class LayerNormGradientKernel implements CpuKernel {
    /** Most blocks of rows, which bounds what their sums take. */
    private static final int MOST_BLOCKS = 128;

    private final RowView x;
    private final RowView gamma;
    private final RowView mean;
    private final RowView rstd;
    private final RowView dy;
    private final RowView dx;
    private final RowView dgamma;
    private final RowView dbeta;
    private final Arithmetic arithmetic;
    private final double scale;
    private final long blockRows;
    private final int blocks;

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
        this.scale = arithmetic.round(1.0 / x.width());
        this.blockRows = Math.max(x.rowsPerTask(), (x.count() + MOST_BLOCKS - 1) / MOST_BLOCKS);
        this.blocks = (int) ((x.count() + blockRows - 1) / blockRows);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        int n = x.width();
        // Per block a row of sums for dgamma, then one for dbeta.
        Object sums = Scratch.local().array(arithmetic, 0, Math.max(1, blocks) * 2 * n);
        arithmetic.fill(sums, 0, Math.max(1, blocks) * 2 * n, 0);
        parallel.run(blocks, (block, worker) -> {
            Scratch scratch = Scratch.local();
            Object factors = scratch.array(arithmetic, 1, n);
            Object normalized = scratch.array(arithmetic, 2, n);
            Object cotangent = scratch.array(arithmetic, 3, n);
            Object product = scratch.array(arithmetic, 4, n);
            arithmetic.load(gamma.memory(slots), gamma.offset(0), gamma.dtype(), factors, 0, n);
            for (long i = block * blockRows; i < Math.min(x.count(), (block + 1) * blockRows); i++) {
                double deviation = arithmetic.get(rstd.memory(slots), rstd.offset(i));
                arithmetic.load(x.memory(slots), x.offset(i), x.dtype(), normalized, 0, n);
                arithmetic.load(dy.memory(slots), dy.offset(i), dy.dtype(), cotangent, 0, n);
                arithmetic.shiftScale(normalized, 0, arithmetic.get(mean.memory(slots), mean.offset(i)), deviation,
                    normalized, 0, n);
                arithmetic.multiplyAdd(cotangent, 0, normalized, 0, sums, block * 2 * n, n);
                arithmetic.add(sums, block * 2 * n + n, cotangent, 0, sums, block * 2 * n + n, n);
                differentiate(cotangent, factors, normalized, product, deviation);
                arithmetic.store(cotangent, 0, dx.memory(slots), dx.offset(i), dx.dtype(), n);
            }
        });
        for (int block = 1; block < blocks; block++) {
            arithmetic.add(sums, 0, sums, block * 2 * n, sums, 0, 2 * n);
        }
        arithmetic.store(sums, 0, dgamma.memory(slots), dgamma.offset(0), dgamma.dtype(), n);
        arithmetic.store(sums, n, dbeta.memory(slots), dbeta.offset(0), dbeta.dtype(), n);
    }

    /** {@code dx = rstd (g - mean(g) - normalized mean(g normalized))} with {@code g = dy gamma}, over dy itself. */
    private void differentiate(Object dy, Object factors, Object normalized, Object product, double deviation) {
        int n = x.width();
        arithmetic.multiply(dy, 0, factors, 0, dy, 0, n);
        double level = arithmetic.round(arithmetic.sum(dy, 0, n) * scale);
        arithmetic.multiply(dy, 0, normalized, 0, product, 0, n);
        double slope = arithmetic.round(arithmetic.sum(product, 0, n) * scale);
        arithmetic.shiftScale(dy, 0, level, 1, dy, 0, n);
        // Scaling by -slope and adding is subtracting the product, to the bit.
        arithmetic.scale(normalized, 0, -slope, normalized, 0, n);
        arithmetic.add(dy, 0, normalized, 0, dy, 0, n);
        arithmetic.scale(dy, 0, deviation, dy, 0, n);
    }
}

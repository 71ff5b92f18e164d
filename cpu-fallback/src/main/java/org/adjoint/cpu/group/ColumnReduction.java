package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.GroupLoop.Sink;

/**
 * A group that folds columns: memory follows a kept axis, so that vectors hold neighboring results. A block of columns
 * takes in row after row; rows are added in blocks, blocks in order within a stripe, and stripes in order.
 */
final class ColumnReduction implements CpuKernel {
    private static final int ROW_BLOCK = 64;
    private static final long STRIPE = 8 * ROW_BLOCK;
    private static final long[] ZEROS = new long[8];

    private final GroupRun run;
    private final int[] scalars;
    private final long columns;
    private final long columnRow;
    private final long blocksPerRow;
    private final long columnBlocks;
    private final long[] reducedExtents;
    private final List<Strided> reduced;
    private final List<Fold> folds;
    private final Strided[] targets;

    /** @param rowLength length of the rows of kept axes that blocks must not cross, or 0 */
    ColumnReduction(GroupRun run, int[] scalars, long rowLength, long[] reducedExtents, List<Strided> reduced,
        List<Fold> folds, Strided[] targets) {
        this.run = run;
        this.scalars = scalars;
        this.reducedExtents = reducedExtents;
        this.reduced = reduced;
        this.folds = folds;
        this.targets = targets;
        columns = Geometry.points(run.extents());
        columnRow = rowLength == 0 ? columns : rowLength;
        blocksPerRow = Math.ceilDiv(columnRow, Scratch.BLOCK);
        columnBlocks = columns / columnRow * blocksPerRow;
    }

    @Override
    public void run(MemorySegment[] slots, long[] planScalars, Parallel parallel) {
        long[] arguments = ElementwiseKernel.arguments(scalars, planScalars);
        long rows = Geometry.points(reducedExtents);
        long stripes = Math.max(1, Math.ceilDiv(rows, STRIPE));
        Object[][] partial = new Object[Math.toIntExact(columnBlocks * stripes)][];
        int tasks = partial.length;
        if (tasks == 1) {
            task(slots, arguments, rows, stripes, 0, partial);
        } else {
            parallel.run(tasks, (task, worker) -> task(slots, arguments, rows, stripes, task, partial));
        }
        if (stripes > 1) {
            Scratch scratch = Scratch.ofThread();
            for (int block = 0; block < columnBlocks; block++) {
                Object[] total = partial[Math.toIntExact(block * stripes)];
                for (int stripe = 1; stripe < stripes; stripe++) {
                    fold(scratch, total, partial[Math.toIntExact(block * stripes + stripe)], size(block));
                }
                store(slots, total, block);
            }
        }
    }

    private long start(long block) {
        return block / blocksPerRow * columnRow + block % blocksPerRow * Scratch.BLOCK;
    }

    private int size(long block) {
        return (int) Math.min(Scratch.BLOCK, columnRow - block % blocksPerRow * Scratch.BLOCK);
    }

    private void task(MemorySegment[] slots, long[] arguments, long rows, long stripes, int task, Object[][] partial) {
        Scratch scratch = Scratch.ofThread();
        long block = task / stripes;
        long from = task % stripes * STRIPE;
        int n = size(block);
        Object[] accumulators = ElementwiseKernel.resultRows(run, scratch);
        Object[] total = new Object[accumulators.length];
        for (int i = 0; i < total.length; i++) {
            if (folds.get(i) != null) {
                total[i] = Scratch.newRow(folds.get(i).kind);
            }
        }
        reset(total, n);
        int inputs = run.inputs().length;
        long[] inputShifts = new long[inputs];
        long[] outputShifts = new long[run.outputs().length];
        for (long rowBlock = from; rowBlock < Math.min(rows, from + STRIPE); rowBlock += ROW_BLOCK) {
            reset(accumulators, n);
            for (long row = rowBlock; row < Math.min(rows, rowBlock + ROW_BLOCK); row++) {
                for (int i = 0; i < inputs; i++) {
                    inputShifts[i] = reduced.get(i).distance(reducedExtents, row);
                }
                for (int i = 0; i < outputShifts.length; i++) {
                    outputShifts[i] = reduced.get(inputs + i).distance(reducedExtents, row);
                }
                run.block(slots, arguments, scratch, start(block), n, inputShifts, outputShifts, accumulators);
            }
            fold(scratch, total, accumulators, n);
        }
        if (stripes == 1) {
            store(slots, total, block);
        } else {
            partial[task] = total;
        }
    }

    private void reset(Object[] rows, int n) {
        for (int i = 0; i < rows.length; i++) {
            if (folds.get(i) != null) {
                Elements.fill(folds.get(i).kind, Fold.identity(folds.get(i).op, folds.get(i).kind), rows[i], n);
            }
        }
    }

    /** Adds {@code rows} to {@code total}. */
    private void fold(Scratch scratch, Object[] total, Object[] rows, int n) {
        for (int i = 0; i < total.length; i++) {
            if (run.code().sinks.get(i) == Sink.ACCUMULATE) {
                Object[] bases = scratch.bases(3);
                bases[0] = total[i];
                bases[1] = rows[i];
                bases[2] = total[i];
                run.code().folds.get(i).get().run(bases, ZEROS, ZEROS, n);
            }
        }
    }

    private void store(MemorySegment[] slots, Object[] total, long block) {
        for (int i = 0; i < total.length; i++) {
            if (folds.get(i) != null) {
                targets[i].scatter(total[i], slots[targets[i].slot()], run.extents(), 0, start(block), size(block));
            }
        }
    }
}

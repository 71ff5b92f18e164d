package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;

/**
 * A group that folds rows: the innermost axes of the domain are the reduced ones, and memory follows them. Each row is
 * folded in chunks, chunks are added in order within a piece, and pieces in order.
 */
final class RowReduction implements CpuKernel {
    private static final int CHUNK = RowKernels.CHUNK;
    /** Points of a row that are folded by one task. */
    private static final long PIECE = 64 * CHUNK;

    private final GroupRun run;
    private final int[] scalars;
    private final long rows;
    private final long length;
    private final long rowsPerBlock;
    private final List<Fold> folds;
    private final Strided[] targets;
    private final long[] keptExtents;
    private final long[] noInputShifts;
    private final long[] noOutputShifts;

    /** @param confined whether a block must not go on into the next row */
    RowReduction(GroupRun run, int[] scalars, long rows, long length, boolean confined, List<Fold> folds,
        Strided[] targets, long[] keptExtents) {
        this.run = run;
        this.scalars = scalars;
        this.rows = rows;
        this.length = length;
        this.folds = folds;
        this.targets = targets;
        this.keptExtents = keptExtents;
        rowsPerBlock = confined || length == 0 ? 1 : Math.max(1, CHUNK / length);
        noInputShifts = new long[run.inputs().length];
        noOutputShifts = new long[run.outputs().length];
    }

    @Override
    public void run(MemorySegment[] slots, long[] planScalars, Parallel parallel) {
        long[] arguments = ElementwiseKernel.arguments(scalars, planScalars);
        long pieces = Math.max(1, Math.ceilDiv(length, PIECE));
        if (pieces == 1) {
            long rowsPerTask = Math.ceilDiv(Math.ceilDiv(ElementwiseKernel.TASK, Math.max(1, length)), rowsPerBlock)
                * rowsPerBlock;
            int tasks = Math.toIntExact(Math.ceilDiv(rows, rowsPerTask));
            if (tasks == 1) {
                rows(slots, arguments, 0, rows);
            } else {
                parallel.run(tasks, (task, worker) ->
                    rows(slots, arguments, task * rowsPerTask, Math.min(rows, (task + 1) * rowsPerTask)));
            }
            return;
        }
        int results = folds.size();
        long[] partial = new long[Math.toIntExact(rows * pieces * results)];
        parallel.run(Math.toIntExact(rows * pieces), (task, worker) -> {
            Scratch scratch = Scratch.ofThread();
            Object[] values = ElementwiseKernel.resultRows(run, scratch);
            long from = task % pieces * PIECE;
            piece(slots, arguments, scratch, values, task / pieces, from, Math.min(length, from + PIECE), partial,
                task * results);
        });
        Scratch scratch = Scratch.ofThread();
        for (long row = 0; row < rows; row++) {
            for (int i = 0; i < results; i++) {
                if (folds.get(i) != null) {
                    int at = (int) (row * pieces * results) + i;
                    long result = partial[at];
                    for (int piece = 1; piece < pieces; piece++) {
                        result = folds.get(i).combine(result, partial[at + piece * results]);
                    }
                    store(slots, scratch, i, row, result);
                }
            }
        }
    }

    private void rows(MemorySegment[] slots, long[] arguments, long first, long last) {
        Scratch scratch = Scratch.ofThread();
        Object[] values = ElementwiseKernel.resultRows(run, scratch);
        if (length > 0 && rowsPerBlock > 1) {
            for (long row = first; row < last; row += rowsPerBlock) {
                shortRows(slots, arguments, scratch, values, row, Math.min(last, row + rowsPerBlock));
            }
            return;
        }
        long[] partial = new long[folds.size()];
        for (long row = first; row < last; row++) {
            piece(slots, arguments, scratch, values, row, 0, length, partial, 0);
            for (int i = 0; i < partial.length; i++) {
                if (folds.get(i) != null) {
                    store(slots, scratch, i, row, partial[i]);
                }
            }
        }
    }

    private void shortRows(MemorySegment[] slots, long[] arguments, Scratch scratch, Object[] values, long first,
        long last) {
        run.block(slots, arguments, scratch, first * length, (int) ((last - first) * length), noInputShifts,
            noOutputShifts, values);
        for (int i = 0; i < folds.size(); i++) {
            Fold fold = folds.get(i);
            if (fold != null) {
                int count = (int) (last - first);
                Object results = scratch.result(fold.kind, folds.size() + i);
                fold.rows(scratch, values[i], (int) length, count, results);
                targets[i].scatter(results, slots[targets[i].slot()], keptExtents, 0, first, count);
            }
        }
    }

    /** Folds points {@code from} to {@code to} of a row. */
    private void piece(MemorySegment[] slots, long[] arguments, Scratch scratch, Object[] values, long row, long from,
        long to, long[] partial, int at) {
        for (int i = 0; i < folds.size(); i++) {
            if (folds.get(i) != null) {
                partial[at + i] = Fold.identity(folds.get(i).op, folds.get(i).kind);
            }
        }
        for (long chunk = from; chunk < to; chunk += CHUNK) {
            int n = (int) Math.min(CHUNK, to - chunk);
            run.block(slots, arguments, scratch, row * length + chunk, n, noInputShifts, noOutputShifts, values);
            for (int i = 0; i < folds.size(); i++) {
                Fold fold = folds.get(i);
                if (fold != null) {
                    partial[at + i] = fold.combine(partial[at + i], fold.chunk(scratch, values[i], 0, n));
                }
            }
        }
    }

    private void store(MemorySegment[] slots, Scratch scratch, int result, long row, long value) {
        Strided target = targets[result];
        Object one = scratch.lanes(folds.get(result).kind);
        Elements.fill(folds.get(result).kind, value, one, 1);
        Elements.store(one, 0, slots[target.slot()], target.dtype(), target.offset() + target.distance(keptExtents,
            row),
            1, 1);
    }
}

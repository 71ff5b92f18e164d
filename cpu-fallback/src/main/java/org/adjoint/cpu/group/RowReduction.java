package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.group.GroupLoop.Sink;

/**
 * A group that folds rows: the innermost axes of the domain are the reduced ones, and memory follows them. Each row is
 * folded in chunks, chunks are added in order within a piece, and pieces in order.
 */
final class RowReduction implements CpuKernel {
    /** Rows from this length on are folded one by one, shorter ones in blocks of several. */
    static final int ALONE = 128;
    /** Points that are folded into the same lanes. */
    private static final int CHUNK = 4096;
    /** Points of a row that are folded by one task. */
    private static final long PIECE = 16 * CHUNK;

    private final GroupRun run;
    private final int[] scalars;
    private final long rows;
    private final long length;
    private final long rowsPerBlock;
    private final int block;
    /** Null for results that are not reduced. */
    private final Fold[] folds;
    /** Whether a result goes into lanes where it is computed. */
    private final boolean[] inLanes;
    private final Strided[] targets;
    private final long[] keptExtents;
    private final long[] noInputShifts;
    private final long[] noOutputShifts;

    /** @param together whether a block holds several rows */
    RowReduction(GroupRun run, int[] scalars, long rows, long length, boolean together, List<Fold> folds,
        Strided[] targets, long[] keptExtents) {
        this.run = run;
        this.scalars = scalars;
        this.rows = rows;
        this.length = length;
        this.folds = folds.toArray(Fold[]::new);
        inLanes = new boolean[folds.size()];
        for (int i = 0; i < inLanes.length; i++) {
            inLanes[i] = run.code().sinks.get(i) == Sink.LANES;
        }
        this.targets = targets;
        this.keptExtents = keptExtents;
        rowsPerBlock = together && length > 0 ? Math.max(1, Scratch.BLOCK / length) : 1;
        block = Math.min(CHUNK, run.blockSize());
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
        int results = folds.length;
        long[] partial = new long[Math.toIntExact(rows * pieces * results)];
        parallel.run(Math.toIntExact(rows * pieces), (task, worker) -> {
            Scratch scratch = Scratch.ofThread();
            Object[] values = ElementwiseKernel.resultRows(run, scratch);
            long from = task % pieces * PIECE;
            piece(slots, arguments, scratch, values, lanes(scratch, values), task / pieces, from,
                Math.min(length, from + PIECE), partial, task * results);
        });
        Scratch scratch = Scratch.ofThread();
        for (long row = 0; row < rows; row++) {
            for (int i = 0; i < results; i++) {
                if (folds[i] != null) {
                    int at = (int) (row * pieces * results) + i;
                    long result = partial[at];
                    for (int piece = 1; piece < pieces; piece++) {
                        result = folds[i].combine(result, partial[at + piece * results]);
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
        Object[] lanes = lanes(scratch, values);
        long[] partial = new long[folds.length];
        for (long row = first; row < last; row++) {
            piece(slots, arguments, scratch, values, lanes, row, 0, length, partial, 0);
            for (int i = 0; i < partial.length; i++) {
                if (folds[i] != null) {
                    store(slots, scratch, i, row, partial[i]);
                }
            }
        }
    }

    /** Arrays for the virtual lanes of each result: where it goes into lanes as it is computed, its own. */
    private Object[] lanes(Scratch scratch, Object[] values) {
        Object[] lanes = new Object[folds.length];
        for (int i = 0; i < lanes.length; i++) {
            if (folds[i] != null) {
                lanes[i] = inLanes[i] ? values[i] : scratch.result(folds[i].kind, 2 * folds.length + i);
            }
        }
        return lanes;
    }

    private void shortRows(MemorySegment[] slots, long[] arguments, Scratch scratch, Object[] values, long first,
        long last) {
        run.block(slots, arguments, scratch, first * length, (int) ((last - first) * length), noInputShifts,
            noOutputShifts, values);
        for (int i = 0; i < folds.length; i++) {
            Fold fold = folds[i];
            if (fold != null) {
                int count = (int) (last - first);
                Object results = scratch.result(fold.kind, folds.length + i);
                Object lanes = scratch.result(fold.kind, 2 * folds.length + i);
                fold.rows(scratch, values[i], (int) length, count, lanes, results);
                targets[i].scatter(results, slots[targets[i].slot()], keptExtents, 0, first, count);
            }
        }
    }

    /** Folds points {@code from} to {@code to} of a row. */
    private void piece(MemorySegment[] slots, long[] arguments, Scratch scratch, Object[] values, Object[] lanes,
        long row, long from, long to, long[] partial, int at) {
        for (int i = 0; i < folds.length; i++) {
            if (folds[i] != null) {
                partial[at + i] = folds[i].identity();
            }
        }
        for (long chunk = from; chunk < to; chunk += CHUNK) {
            chunk(slots, arguments, scratch, values, lanes, row * length + chunk, (int) Math.min(CHUNK, to - chunk),
                partial, at);
        }
    }

    private void chunk(MemorySegment[] slots, long[] arguments, Scratch scratch, Object[] values, Object[] lanes,
        long start, int n, long[] partial, int at) {
        for (int i = 0; i < folds.length; i++) {
            if (folds[i] != null) {
                folds[i].clear(lanes[i]);
            }
        }
        for (int done = 0; done < n; done += block) {
            int some = Math.min(block, n - done);
            run.block(slots, arguments, scratch, start + done, some, noInputShifts, noOutputShifts, values);
            for (int i = 0; i < lanes.length; i++) {
                if (folds[i] != null && !inLanes[i]) {
                    folds[i].add(scratch, values[i], 0, some, lanes[i]);
                }
            }
        }
        for (int i = 0; i < lanes.length; i++) {
            if (folds[i] != null) {
                partial[at + i] = folds[i].combine(partial[at + i], folds[i].ofLanes(lanes[i]));
            }
        }
    }

    private void store(MemorySegment[] slots, Scratch scratch, int result, long row, long value) {
        Strided target = targets[result];
        Object one = scratch.result(folds[result].kind, folds.length + result);
        Elements.fill(folds[result].kind, value, one, 1);
        Elements.store(one, 0, slots[target.slot()], target.dtype(),
            target.offset() + target.distance(keptExtents, row), 1, 1);
    }
}

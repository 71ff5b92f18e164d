package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * A copy of x to which updates are added at indices, those of one destination in row-major order of the indices. No two
 * tasks share a destination.
 *
 * <p>Where rows share an index (the gradient of an embedding), positions are sorted by destination, and each
 * destination's rows are summed in one go. Else every line along the axis is one sequence. 16-bit sums are kept in
 * {@code F32} and rounded once.
 */
public final class ScatterAddKernel implements CpuKernel {
    private static final int TASK_ELEMENTS = 16384;
    /** Runs shorter than this are not worth sorting for. */
    private static final int SHORTEST_RUN = 8;
    /** With so many parts before the axis, each is a task of its own, and rows need not be sorted. */
    private static final int ENOUGH_SLABS = 16;
    /** Lines that are so much longer than what is added to them are not worth loading. */
    private static final int LONGEST_RATIO = 4;

    private final View y;
    private final View updates;
    private final Indices indices;
    /** Fills y with x, or null where y is x's memory. */
    private final CpuKernel copy;
    private final CpuKernel add;

    /** @param copy fills the output with x, or null where the output is x's memory */
    public ScatterAddKernel(PlanStep.Kernel step, Op.ScatterAdd op, CpuKernel copy, int vectorBits) {
        View index = step.inputs().get(1);
        this.updates = step.inputs().get(2);
        this.y = step.outputs().getFirst();
        this.copy = copy;
        this.indices = Indices.ofRuns(op.name(), index, op.axis(), y.shape().extent(op.axis()), y, updates);
        boolean rows = indices.run() >= SHORTEST_RUN && y.dtype().isFloating()
            && indices.positions().elements() <= Integer.MAX_VALUE;
        this.add = rows && indices.isList() && !y.dtype().isHalf() && outer(op.axis()) >= ENOUGH_SLABS
            ? new Slabs(op.axis(), vectorBits)
            : rows ? new Rows(op.axis(), vectorBits)
            : op.axis() == y.shape().rank() - 1 && indices.isList() && y.dtype().isFloating()
                && y.strides()[op.axis()] == 1 && RowView.fits(updates, 1)
                && y.shape().extent(op.axis()) <= LONGEST_RATIO * updates.shape().extent(op.axis())
            ? new ListedLines(op.axis(), vectorBits) : new Lines(index, op);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        if (copy != null) {
            copy.run(slots, scalars, parallel);
        }
        if (!updates.shape().isEmpty()) {
            add.run(slots, scalars, parallel);
        }
    }

    private long outer(int axis) {
        long outer = 1;
        for (int i = 0; i < axis; i++) {
            outer *= updates.shape().extent(i);
        }
        return outer;
    }

    /** Runs of elements for each entry of a list that all axes before the indexed one share: added one by one. */
    private final class Slabs implements CpuKernel {
        private final int axis;
        private final int run;
        private final int length;
        private final RowView targets;
        private final RowView sources;
        private final Arithmetic arithmetic;

        Slabs(int axis, int vectorBits) {
            this.axis = axis;
            this.run = Math.toIntExact(indices.run());
            this.length = Math.toIntExact(updates.shape().extent(axis));
            this.targets = new RowView(leading(y), 0);
            this.sources = new RowView(leading(updates), 0);
            this.arithmetic = Arithmetic.of(y.dtype(), vectorBits);
        }

        /** The axes before the indexed one, and those between it and the run. */
        private View leading(View view) {
            Shape shape = indices.positions().without(axis);
            long[] strides = new long[shape.rank()];
            for (int i = 0; i < strides.length; i++) {
                strides[i] = view.strides()[i < axis ? i : i + 1];
            }
            return new View(view.slot(), view.dtype(), shape, strides, view.offset());
        }

        @Override
        public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
            int[] list = new int[length];
            indices.list(slots, list);
            long targetStride = y.strides()[axis] * y.dtype().bytes();
            long sourceStride = updates.strides()[axis] * y.dtype().bytes();
            parallel.run(Math.toIntExact(targets.count()), (task, worker) -> {
                Object total = Scratch.local().array(arithmetic, 0, run);
                Object row = Scratch.local().array(arithmetic, 1, run);
                long to = targets.offset(task);
                long from = sources.offset(task);
                for (int i = 0; i < length; ) {
                    long at = to + list[i] * targetStride;
                    arithmetic.load(slots[y.slot()], at, y.dtype(), total, 0, run);
                    int target = list[i];
                    for (; i < length && list[i] == target; i++) {
                        arithmetic.load(slots[updates.slot()], from + i * sourceStride, y.dtype(), row, 0, run);
                        arithmetic.add(total, 0, row, 0, total, 0, run);
                    }
                    arithmetic.store(total, 0, slots[y.slot()], at, y.dtype(), run);
                }
            });
        }
    }

    /** An index per element of lines along the last axis, the same for all of them: through arrays. */
    private final class ListedLines implements CpuKernel {
        private final RowView targets;
        private final RowView sources;
        private final Arithmetic arithmetic;

        ListedLines(int axis, int vectorBits) {
            this.targets = new RowView(new View(y.slot(), y.dtype(),
                updates.shape().with(axis, y.shape().extent(axis)), y.strides(), y.offset()));
            this.sources = new RowView(updates);
            this.arithmetic = Arithmetic.of(y.dtype(), vectorBits);
        }

        @Override
        public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
            int[] list = new int[sources.width()];
            indices.list(slots, list);
            parallel.run(sources.tasks(), (task, worker) -> {
                Object totals = Scratch.local().array(arithmetic, 0, targets.width());
                Object line = Scratch.local().array(arithmetic, 1, list.length);
                long first = (long) task * sources.rowsPerTask();
                for (long row = first; row < Math.min(sources.count(), first + sources.rowsPerTask()); row++) {
                    arithmetic.load(slots[y.slot()], targets.offset(row), y.dtype(), totals, 0, targets.width());
                    arithmetic.load(slots[updates.slot()], sources.offset(row), y.dtype(), line, 0, list.length);
                    if (arithmetic.isDouble()) {
                        add(list, (double[]) line, (double[]) totals);
                    } else {
                        add(list, (float[]) line, (float[]) totals);
                    }
                    arithmetic.store(totals, 0, slots[y.slot()], targets.offset(row), y.dtype(), targets.width());
                }
            });
        }

        private static void add(int[] list, float[] line, float[] totals) {
            for (int i = 0; i < list.length; i++) {
                totals[list[i]] += line[i];
            }
        }

        private static void add(int[] list, double[] line, double[] totals) {
            for (int i = 0; i < list.length; i++) {
                totals[list[i]] += line[i];
            }
        }
    }

    /** Runs of elements per index: sort positions by destination, then sum each destination's rows. */
    private final class Rows implements CpuKernel {
        private final long[] targetStrides;
        private final long[] updateStrides;
        private final long axisStride;
        private final int run;
        private final Arithmetic arithmetic;

        Rows(int axis, int vectorBits) {
            this.targetStrides = indices.strides(y, true);
            this.updateStrides = indices.strides(updates, false);
            this.axisStride = y.strides()[axis] * y.dtype().bytes();
            this.run = Math.toIntExact(indices.run());
            this.arithmetic = Arithmetic.of(y.dtype(), vectorBits);
        }

        /** A position whose row is added at byte {@code target}, from byte {@code source} of the updates. */
        private record Addition(long target, long source) { }

        @Override
        public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
            Addition[] additions = new Addition[(int) indices.positions().elements()];
            Walk walk = new Walk(indices.positions(), targetStrides, updateStrides, 0);
            for (int position = 0; position < additions.length; position++, walk.next()) {
                additions[position] = new Addition(
                    y.byteOffset() + walk.offset1() + indices.at(slots, position) * axisStride,
                    updates.byteOffset() + walk.offset2());
            }
            // Stable: rows of one destination stay in order.
            Arrays.sort(additions, (a, b) -> Long.compare(a.target(), b.target()));
            int[] starts = new int[additions.length + 1];
            int targets = 0;
            for (int i = 1; i < additions.length; i++) {
                if (additions[i].target() != additions[i - 1].target()) {
                    starts[++targets] = i;
                }
            }
            starts[++targets] = additions.length;
            int columns = Math.min(run, TASK_ELEMENTS / 16);
            int columnBlocks = (run + columns - 1) / columns;
            int perTask = Math.max(1, TASK_ELEMENTS / columns);
            int rowBlocks = (targets + perTask - 1) / perTask;
            int count = targets;
            parallel.run(rowBlocks * columnBlocks, (task, worker) -> {
                int column = task % columnBlocks * columns;
                int width = Math.min(columns, run - column);
                int first = task / columnBlocks * perTask;
                for (int target = first; target < Math.min(count, first + perTask); target++) {
                    sum(slots, additions, starts[target], starts[target + 1], column, width);
                }
            });
        }

        private void sum(MemorySegment[] slots, Addition[] additions, int from, int to, int column, int width) {
            Object total = Scratch.local().array(arithmetic, 0, width);
            Object row = Scratch.local().array(arithmetic, 1, width);
            DType dtype = y.dtype();
            long shift = (long) column * dtype.bytes();
            arithmetic.load(slots[y.slot()], additions[from].target() + shift, dtype, total, 0, width);
            for (int i = from; i < to; i++) {
                arithmetic.load(slots[updates.slot()], additions[i].source() + shift, dtype, row, 0, width);
                arithmetic.add(total, 0, row, 0, total, 0, width);
            }
            arithmetic.store(total, 0, slots[y.slot()], additions[from].target() + shift, dtype, width);
        }
    }

    /** An index per element: each line along the axis in sequence. */
    private final class Lines implements CpuKernel {
        private final Indices elements;
        private final int axis;
        private final long length;
        private final long lines;
        private final long inner;
        private final RowView targets;
        private final RowView sources;
        private final long targetStride;
        private final long sourceStride;

        Lines(View index, Op.ScatterAdd op) {
            this.axis = op.axis();
            this.length = index.shape().extent(axis);
            this.elements = Indices.ofElements(op.name(), index, axis, y.shape().extent(axis));
            View window = new View(y.slot(), y.dtype(), index.shape(), y.strides(), y.offset());
            this.targets = new RowView(ArgReduceKernel.withoutAxis(window, axis), 0);
            this.sources = new RowView(ArgReduceKernel.withoutAxis(updates, axis), 0);
            this.targetStride = y.strides()[axis] * y.dtype().bytes();
            this.sourceStride = updates.strides()[axis] * updates.dtype().bytes();
            this.lines = targets.count();
            long behind = 1;
            for (int i = axis + 1; i < index.shape().rank(); i++) {
                behind *= index.shape().extent(i);
            }
            this.inner = behind;
        }

        @Override
        public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
            long perTask = Math.max(1, TASK_ELEMENTS / length);
            int tasks = Math.toIntExact((lines + perTask - 1) / perTask);
            if (copy == null) {
                // In place, a bad index must be found before anything is added.
                parallel.run(tasks, (task, worker) -> {
                    for (long line = task * perTask; line < Math.min(lines, (task + 1) * perTask); line++) {
                        check(slots, line);
                    }
                });
            }
            parallel.run(tasks, (task, worker) -> {
                for (long line = task * perTask; line < Math.min(lines, (task + 1) * perTask); line++) {
                    if (y.dtype().isHalf()) {
                        addHalves(slots, line);
                    } else {
                        add(slots, line);
                    }
                }
            });
        }

        /** Position of element 0 of the line in row-major order of the indices; the next is {@code inner} further. */
        private long first(long line) {
            return line / inner * inner * length + line % inner;
        }

        private void check(MemorySegment[] slots, long line) {
            long position = first(line);
            for (long i = 0; i < length; i++) {
                elements.at(slots, position + i * inner);
            }
        }

        private void add(MemorySegment[] slots, long line) {
            long to = targets.offset(line);
            long from = sources.offset(line);
            long position = first(line);
            for (long i = 0; i < length; i++) {
                Cells.add(y.dtype(), slots[y.slot()], to + elements.at(slots, position + i * inner) * targetStride,
                    slots[updates.slot()], from + i * sourceStride);
            }
        }

        /** Sums of a whole line in floats, for a destination may be added to more than once. */
        private void addHalves(MemorySegment[] slots, long line) {
            MemorySegment memory = slots[y.slot()];
            int extent = Math.toIntExact(y.shape().extent(axis));
            float[] totals = new float[extent];
            boolean[] touched = new boolean[extent];
            long to = targets.offset(line);
            long from = sources.offset(line);
            long position = first(line);
            for (long i = 0; i < length; i++) {
                int index = (int) elements.at(slots, position + i * inner);
                if (!touched[index]) {
                    touched[index] = true;
                    totals[index] = (float) Cells.floating(y.dtype(), memory, to + index * targetStride);
                }
                totals[index] += (float) Cells.floating(y.dtype(), slots[updates.slot()], from + i * sourceStride);
            }
            for (int index = 0; index < extent; index++) {
                if (touched[index]) {
                    Cells.setHalf(y.dtype(), memory, to + index * targetStride, totals[index]);
                }
            }
        }
    }
}

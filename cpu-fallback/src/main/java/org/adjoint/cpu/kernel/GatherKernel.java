package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.Op;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * Elements of x picked by an index tensor; whole rows where the index is the same along them, and elements of whole
 * lines where all lines share a list of indices.
 */
public final class GatherKernel implements CpuKernel {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final int TASK_ELEMENTS = 16384;
    /** Lines that are so much longer than what is picked from them are not worth loading. */
    private static final int LONGEST_RATIO = 4;

    private final View x;
    private final View y;
    private final Indices indices;
    private final long[] xStrides;
    private final long[] yStrides;
    private final long axisStride;
    /** Lines of x and y along the last axis, where one list picks elements from each; else null. */
    private final RowView from;
    private final RowView to;

    public GatherKernel(PlanStep.Kernel step, Op.Gather op) {
        this.x = step.inputs().get(0);
        this.y = step.outputs().getFirst();
        this.indices = Indices.ofRuns(op.name(), step.inputs().get(1), op.axis(), x.shape().extent(op.axis()), x, y);
        this.xStrides = indices.strides(x, true);
        this.yStrides = indices.strides(y, false);
        this.axisStride = x.strides()[op.axis()] * x.dtype().bytes();
        View lines = new View(x.slot(), x.dtype(), y.shape().with(op.axis(), x.shape().extent(op.axis())), x.strides(),
            x.offset());
        boolean picks = op.axis() == y.shape().rank() - 1 && !y.shape().isEmpty() && indices.isList()
            && RowView.fits(lines, 1) && RowView.fits(y, 1) && x.dtype().bytes() >= Integer.BYTES
            && lines.shape().extent(op.axis()) <= LONGEST_RATIO * y.shape().extent(op.axis());
        this.from = picks ? new RowView(lines) : null;
        this.to = picks ? new RowView(y) : null;
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        long run = indices.run();
        if (y.shape().isEmpty()) {
            return;
        }
        if (from != null) {
            int[] list = new int[to.width()];
            indices.list(slots, list);
            parallel.run(to.tasks(), (task, worker) -> pick(slots, list, (long) task * to.rowsPerTask()));
            return;
        }
        long count = indices.positions().elements();
        long perTask = Math.max(1, TASK_ELEMENTS / run);
        int size = x.dtype().bytes();
        MemorySegment source = slots[x.slot()];
        MemorySegment target = slots[y.slot()];
        parallel.run(Math.toIntExact((count + perTask - 1) / perTask), (task, worker) -> {
            long first = task * perTask;
            Walk walk = new Walk(indices.positions(), xStrides, yStrides, first);
            for (long position = first; position < Math.min(count, first + perTask); position++, walk.next()) {
                long from = x.byteOffset() + walk.offset1() + indices.at(slots, position) * axisStride;
                long to = y.byteOffset() + walk.offset2();
                if (run == 1) {
                    Cells.copy(size, source, from, target, to);
                } else {
                    MemorySegment.copy(source, from, target, to, run * size);
                }
            }
        });
    }

    /** Through arrays, as loops over memory segments are slow. */
    private void pick(MemorySegment[] slots, int[] list, long first) {
        MemorySegment source = from.memory(slots);
        MemorySegment target = to.memory(slots);
        Scratch scratch = Scratch.local();
        for (long row = first; row < Math.min(to.count(), first + to.rowsPerTask()); row++) {
            if (x.dtype().bytes() == Integer.BYTES) {
                int[] line = scratch.ints(0, from.width());
                int[] picked = scratch.ints(1, list.length);
                MemorySegment.copy(source, INT, from.offset(row), line, 0, from.width());
                pick(list, line, picked);
                MemorySegment.copy(picked, 0, target, INT, to.offset(row), list.length);
            } else {
                long[] line = scratch.longs(0, from.width());
                long[] picked = scratch.longs(1, list.length);
                MemorySegment.copy(source, LONG, from.offset(row), line, 0, from.width());
                pick(list, line, picked);
                MemorySegment.copy(picked, 0, target, LONG, to.offset(row), list.length);
            }
        }
    }

    private static void pick(int[] list, int[] line, int[] picked) {
        for (int i = 0; i < list.length; i++) {
            picked[i] = line[list[i]];
        }
    }

    private static void pick(int[] list, long[] line, long[] picked) {
        for (int i = 0; i < list.length; i++) {
            picked[i] = line[list[i]];
        }
    }
}

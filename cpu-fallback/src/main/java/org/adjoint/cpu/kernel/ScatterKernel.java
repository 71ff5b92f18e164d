package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * A copy of x with the elements at indices replaced by updates, in row-major order of the indices, so that the last of
 * equal ones wins. No two tasks share a destination: each takes a part of the axes before the indexed one and, where
 * rows share an index, a part of the columns.
 */
public final class ScatterKernel implements CpuKernel {
    private static final int TASK_ELEMENTS = 16384;
    private static final int LEAST_COLUMNS = 1024;

    private final View y;
    private final View updates;
    private final Indices indices;
    private final long[] targetStrides;
    private final long[] updateStrides;
    private final long axisStride;
    /** Positions that share the place along the axes before the indexed one. */
    private final long group;
    /** Fills y with x, or null where y is x's memory. */
    private final CpuKernel copy;

    /** @param copy fills the output with x, or null where the output is x's memory */
    public ScatterKernel(PlanStep.Kernel step, Op.Scatter op, CpuKernel copy) {
        this.updates = step.inputs().get(2);
        this.y = step.outputs().getFirst();
        this.copy = copy;
        this.indices = Indices.ofRuns(op.name(), step.inputs().get(1), op.axis(), y.shape().extent(op.axis()), y, updates);
        this.targetStrides = indices.strides(y, true);
        this.updateStrides = indices.strides(updates, false);
        this.axisStride = y.strides()[op.axis()] * y.dtype().bytes();
        long[] extents = indices.positions().toArray();
        this.group = Shape.of(Arrays.copyOfRange(extents, op.axis(), extents.length)).elements();
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        if (!updates.shape().isEmpty()) {
            // In place, a bad index must be found before anything is replaced.
            check(slots, parallel);
        }
        if (copy != null) {
            copy.run(slots, scalars, parallel);
        }
        if (!updates.shape().isEmpty()) {
            replace(slots, parallel);
        }
    }

    private void check(MemorySegment[] slots, Parallel parallel) {
        long count = indices.positions().elements();
        parallel.run(Math.toIntExact((count + TASK_ELEMENTS - 1) / TASK_ELEMENTS), (task, worker) -> {
            long first = (long) task * TASK_ELEMENTS;
            for (long position = first; position < Math.min(count, first + TASK_ELEMENTS); position++) {
                indices.at(slots, position);
            }
        });
    }

    private void replace(MemorySegment[] slots, Parallel parallel) {
        long count = indices.positions().elements();
        long run = indices.run();
        long columns = Math.min(run, Math.max(LEAST_COLUMNS, TASK_ELEMENTS / group));
        long columnBlocks = (run + columns - 1) / columns;
        long perTask = Math.max(1, TASK_ELEMENTS / (group * columns)) * group;
        long groupBlocks = (count + perTask - 1) / perTask;
        parallel.run(Math.toIntExact(groupBlocks * columnBlocks), (task, worker) -> {
            long column = task % columnBlocks * columns;
            long first = task / columnBlocks * perTask;
            replace(slots, first, Math.min(count, first + perTask), column, Math.min(columns, run - column));
        });
    }

    private void replace(MemorySegment[] slots, long first, long end, long column, long width) {
        int size = y.dtype().bytes();
        MemorySegment source = slots[updates.slot()];
        MemorySegment target = slots[y.slot()];
        Walk walk = new Walk(indices.positions(), targetStrides, updateStrides, first);
        for (long position = first; position < end; position++, walk.next()) {
            long to = y.byteOffset() + walk.offset1() + indices.at(slots, position) * axisStride + column * size;
            long from = updates.byteOffset() + walk.offset2() + column * size;
            if (width == 1) {
                Cells.copy(size, source, from, target, to);
            } else {
                MemorySegment.copy(source, from, target, to, width * size);
            }
        }
    }
}

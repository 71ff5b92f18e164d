package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.Op;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Elements of x picked by an index tensor; whole rows where the index is the same along them. */
public final class GatherKernel implements CpuKernel {
    private static final int TASK_ELEMENTS = 16384;

    private final View x;
    private final View y;
    private final Indices indices;
    private final long[] xStrides;
    private final long[] yStrides;
    private final long axisStride;

    public GatherKernel(PlanStep.Kernel step, Op.Gather op) {
        this.x = step.inputs().get(0);
        this.y = step.outputs().getFirst();
        this.indices = Indices.ofRuns(op.name(), step.inputs().get(1), op.axis(), x.shape().extent(op.axis()), x, y);
        this.xStrides = indices.strides(x, true);
        this.yStrides = indices.strides(y, false);
        this.axisStride = x.strides()[op.axis()] * x.dtype().bytes();
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        long run = indices.run();
        if (y.shape().isEmpty()) {
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
}

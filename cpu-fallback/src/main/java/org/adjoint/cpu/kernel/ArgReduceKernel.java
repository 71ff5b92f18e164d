package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** The index of the first largest or smallest element along an axis; the first NaN wins. */
public final class ArgReduceKernel implements CpuKernel {
    private static final int TASK_ELEMENTS = 16384;

    private final boolean largest;
    private final DType dtype;
    private final long extent;
    private final long stride;
    private final RowView lines;
    private final View y;

    public ArgReduceKernel(PlanStep.Kernel step, Op.ArgReduce op) {
        View x = step.inputs().getFirst();
        this.largest = op.largest();
        this.dtype = x.dtype();
        this.extent = x.shape().extent(op.axis());
        this.stride = x.strides()[op.axis()] * dtype.bytes();
        this.lines = new RowView(withoutAxis(x, op.axis()), 0);
        this.y = step.outputs().getFirst();
    }

    /** The first elements of all lines along {@code axis}. */
    static View withoutAxis(View x, int axis) {
        long[] strides = new long[x.strides().length - 1];
        for (int i = 0; i < strides.length; i++) {
            strides[i] = x.strides()[i < axis ? i : i + 1];
        }
        return new View(x.slot(), x.dtype(), x.shape().without(axis), strides, x.offset());
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        long count = lines.count();
        long perTask = Math.max(1, TASK_ELEMENTS / extent);
        parallel.run(Math.toIntExact((count + perTask - 1) / perTask), (task, worker) -> {
            for (long line = task * perTask; line < Math.min(count, (task + 1) * perTask); line++) {
                MemorySegment memory = lines.memory(slots);
                long first = lines.offset(line);
                long best = dtype.isFloating() ? floating(memory, first) : integer(memory, first);
                slots[y.slot()].set(ValueLayout.JAVA_LONG_UNALIGNED, y.byteOffset() + line * Long.BYTES, best);
            }
        });
    }

    private long floating(MemorySegment memory, long offset) {
        long best = 0;
        double bestValue = Cells.floating(dtype, memory, offset);
        for (long i = 1; i < extent && bestValue == bestValue; i++) {
            double value = Cells.floating(dtype, memory, offset + i * stride);
            // Written so that a NaN, which compares false, wins.
            if (largest ? !(value <= bestValue) : !(value >= bestValue)) {
                best = i;
                bestValue = value;
            }
        }
        return best;
    }

    private long integer(MemorySegment memory, long offset) {
        long best = 0;
        long bestValue = Cells.integer(dtype, memory, offset);
        for (long i = 1; i < extent; i++) {
            long value = Cells.integer(dtype, memory, offset + i * stride);
            if (largest ? value > bestValue : value < bestValue) {
                best = i;
                bestValue = value;
            }
        }
        return best;
    }
}

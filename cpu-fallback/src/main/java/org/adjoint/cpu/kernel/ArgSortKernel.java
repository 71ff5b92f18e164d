package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * The indices that sort each line along an axis. A key of 32 bits is packed with its position into one number, so that
 * sorting numbers is stable; keys of 64 bits are sorted by their lower half, then by their upper one; bytes are counted.
 */
public final class ArgSortKernel implements CpuKernel {
    private static final int TASK_ELEMENTS = 16384;
    /** How many different bytes there are. */
    private static final int BYTES = 256;

    private final DType dtype;
    private final boolean descending;
    private final int extent;
    private final long stride;
    private final RowView lines;
    private final long targetStride;
    private final RowView targets;

    public ArgSortKernel(PlanStep.Kernel step, Op.ArgSort op) {
        View x = step.inputs().getFirst();
        View y = step.outputs().getFirst();
        if (x.shape().extent(op.axis()) > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("argsort: the cpu device sorts lines of less than 2^31 elements, not axis "
                + op.axis() + " of " + x.shape());
        }
        this.dtype = x.dtype();
        this.descending = op.descending();
        this.extent = (int) x.shape().extent(op.axis());
        this.stride = x.strides()[op.axis()] * dtype.bytes();
        this.lines = new RowView(ArgReduceKernel.withoutAxis(x, op.axis()), 0);
        this.targetStride = y.strides()[op.axis()] * Long.BYTES;
        this.targets = new RowView(ArgReduceKernel.withoutAxis(y, op.axis()), 0);
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        long count = lines.count();
        if (extent == 0 || count == 0) {
            return;
        }
        if (extent > LongSort.BLOCK) {
            for (long line = 0; line < count; line++) {
                sort(slots, line, parallel);
            }
            return;
        }
        long perTask = Math.max(1, TASK_ELEMENTS / extent);
        parallel.run(Math.toIntExact((count + perTask - 1) / perTask), (task, worker) -> {
            for (long line = task * perTask; line < Math.min(count, (task + 1) * perTask); line++) {
                sort(slots, line, null);
            }
        });
    }

    /** @param parallel null within a task */
    private void sort(MemorySegment[] slots, long line, Parallel parallel) {
        MemorySegment memory = lines.memory(slots);
        MemorySegment target = targets.memory(slots);
        long to = targets.offset(line);
        if (dtype.bytes() == 1 && extent >= BYTES) {
            sortBytes(memory, lines.offset(line), target, to);
            return;
        }
        long[] sorted;
        if (SortKeys.areWide(dtype)) {
            sorted = sortWide(memory, lines.offset(line), parallel);
        } else {
            long[] packed = array(0, parallel);
            SortKeys.pack(dtype, memory, lines.offset(line), stride, descending, packed, extent);
            sorted = LongSort.sort(packed, extent, parallel);
        }
        for (int i = 0; i < extent; i++) {
            target.set(ValueLayout.JAVA_LONG_UNALIGNED, to + i * targetStride, (int) sorted[i]);
        }
    }

    /** Counts how often each byte is there, which tells where the first of them goes. */
    private void sortBytes(MemorySegment memory, long from, MemorySegment target, long to) {
        int flip = descending ? BYTES - 1 : 0;
        int[] next = new int[BYTES + 1];
        for (int i = 0; i < extent; i++) {
            next[((int) Cells.integer(dtype, memory, from + i * stride) ^ flip) + 1]++;
        }
        for (int value = 0; value < BYTES; value++) {
            next[value + 1] += next[value];
        }
        for (int i = 0; i < extent; i++) {
            int place = next[(int) Cells.integer(dtype, memory, from + i * stride) ^ flip]++;
            target.set(ValueLayout.JAVA_LONG_UNALIGNED, to + place * targetStride, i);
        }
    }

    private long[] sortWide(MemorySegment memory, long offset, Parallel parallel) {
        long[] keys = array(0, parallel);
        long[] packed = array(1, parallel);
        SortKeys.load(dtype, memory, offset, stride, descending, keys, extent);
        for (int i = 0; i < extent; i++) {
            packed[i] = SortKeys.packLow(keys[i], i);
        }
        long[] byLow = LongSort.sort(packed, extent, parallel);
        long[] again = array(2, parallel);
        for (int i = 0; i < extent; i++) {
            again[i] = SortKeys.packHigh(keys[(int) byLow[i]], i);
        }
        long[] sorted = LongSort.sort(again, extent, parallel);
        for (int i = 0; i < extent; i++) {
            keys[i] = (int) byLow[(int) sorted[i]];
        }
        return keys;
    }

    /** Long lines are rare, and their arrays too large to be kept. */
    private long[] array(int index, Parallel parallel) {
        return parallel == null ? Scratch.local().longs(index, extent) : new long[extent];
    }
}

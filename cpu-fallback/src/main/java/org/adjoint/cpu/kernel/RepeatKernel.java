package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;

/**
 * A copy that puts each element a few times in a row: an inner loop over so few would cost more than the copy, so that
 * lines go through arrays.
 */
public final class RepeatKernel implements CpuKernel {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final int MOST_TIMES = 64;
    /** Elements of the input for one task: with what they become, they stay in a first-level cache. */
    private static final int CHUNK = 2048;

    private final RowView from;
    private final RowView to;
    private final int times;
    private final int bytes;
    private final int chunks;

    /** @param x and y of one shape, for which {@link #fits} */
    public RepeatKernel(View x, View y) {
        int last = x.shape().rank() - 1;
        this.times = (int) y.shape().extent(last);
        this.from = new RowView(withoutLast(x, 1));
        this.to = new RowView(withoutLast(y, times));
        this.bytes = x.dtype().bytes();
        this.chunks = Math.ceilDiv(from.width(), CHUNK);
    }

    /** Whether elements lie side by side in x and, each a few times, in y. */
    public static boolean fits(View x, View y) {
        int last = x.shape().rank() - 1;
        long times = y.shape().extent(last);
        return last > 0 && x.dtype() == y.dtype() && x.dtype().bytes() >= Integer.BYTES && x.strides()[last] == 0
            && times > 1 && times <= MOST_TIMES && x.strides()[last - 1] == 1 && y.strides()[last] == 1
            && y.strides()[last - 1] == times && x.shape().extent(last - 1) <= Integer.MAX_VALUE / times;
    }

    /** The axis before the last, whose elements are so many in a row, in place of both. */
    private static View withoutLast(View view, int times) {
        int last = view.shape().rank() - 1;
        long[] strides = Arrays.copyOf(view.strides(), last);
        strides[last - 1] = 1;
        Shape shape = view.shape().without(last);
        return new View(view.slot(), view.dtype(), shape.with(last - 1, shape.extent(last - 1) * times), strides,
            view.offset());
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        parallel.run(Math.toIntExact(from.count() * chunks), (task, worker) -> {
            int first = task % chunks * CHUNK;
            repeat(slots, task / chunks, first, Math.min(CHUNK, from.width() - first));
        });
    }

    private void repeat(MemorySegment[] slots, long row, int first, int count) {
        MemorySegment source = from.memory(slots);
        MemorySegment target = to.memory(slots);
        long at = from.offset(row) + (long) first * bytes;
        long end = to.offset(row) + (long) first * times * bytes;
        Scratch scratch = Scratch.local();
        if (bytes == Integer.BYTES) {
            int[] line = scratch.ints(0, count);
            int[] repeated = scratch.ints(1, count * times);
            MemorySegment.copy(source, INT, at, line, 0, count);
            for (int i = 0; i < times; i++) {
                spread(line, repeated, i, times, count);
            }
            MemorySegment.copy(repeated, 0, target, INT, end, count * times);
        } else {
            long[] line = scratch.longs(0, count);
            long[] repeated = scratch.longs(1, count * times);
            MemorySegment.copy(source, LONG, at, line, 0, count);
            for (int i = 0; i < times; i++) {
                spread(line, repeated, i, times, count);
            }
            MemorySegment.copy(repeated, 0, target, LONG, end, count * times);
        }
    }

    private static void spread(int[] line, int[] target, int at, int step, int count) {
        for (int i = 0; i < count; i++) {
            target[at + i * step] = line[i];
        }
    }

    private static void spread(long[] line, long[] target, int at, int step, int count) {
        for (int i = 0; i < count; i++) {
            target[at + i * step] = line[i];
        }
    }
}

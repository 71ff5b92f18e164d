package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.DType;
import org.adjoint.graph.SearchSorted;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** A binary search for each value; see {@link SearchSorted}. */
public final class SearchSortedKernel implements CpuKernel {
    private static final int TASK_ELEMENTS = 4096;
    /** Elements that it takes no longer to convert than to search for one value in memory. */
    private static final int WORTH_CONVERTING = 16;

    private final DType dtype;
    private final boolean orEqual;
    private final View values;
    private final View y;
    private final long[] valueStrides;
    private final long[] sequenceStrides;
    private final int sequenceSlot;
    private final long sequenceOffset;
    private final long length;
    private final long stride;

    public SearchSortedKernel(PlanStep.Kernel step, SearchSorted op) {
        View sorted = step.inputs().get(0);
        this.values = step.inputs().get(1);
        this.y = step.outputs().getFirst();
        this.dtype = values.dtype();
        this.orEqual = op.orEqual();
        this.valueStrides = inBytes(values.strides());
        // Of the value's place only the leading axes choose among sequences, if there are several.
        int last = sorted.shape().rank() - 1;
        long[] strides = inBytes(sorted.strides());
        this.stride = strides[last];
        this.sequenceStrides = new long[valueStrides.length];
        System.arraycopy(strides, 0, sequenceStrides, 0, last);
        this.sequenceSlot = sorted.slot();
        this.sequenceOffset = sorted.byteOffset();
        this.length = sorted.shape().extent(last);
    }

    private long[] inBytes(long[] strides) {
        return Arrays.stream(strides).map(stride -> stride * dtype.bytes()).toArray();
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        long count = values.shape().elements();
        // One sequence that many values are searched in is converted but once.
        boolean converts = Arrays.stream(sequenceStrides).allMatch(s -> s == 0) && length <= count * WORTH_CONVERTING
            && length < Integer.MAX_VALUE;
        Sequence shared = converts ? converted(slots[sequenceSlot]) : null;
        parallel.run(Math.toIntExact((count + TASK_ELEMENTS - 1) / TASK_ELEMENTS), (task, worker) -> {
            long first = (long) task * TASK_ELEMENTS;
            Walk walk = new Walk(values.shape(), valueStrides, sequenceStrides, first);
            for (long i = first; i < Math.min(count, first + TASK_ELEMENTS); i++, walk.next()) {
                Sequence sequence = converts ? shared : inMemory(slots[sequenceSlot], sequenceOffset + walk.offset2());
                long found = sequence.search(slots[values.slot()], values.byteOffset() + walk.offset1());
                slots[y.slot()].set(ValueLayout.JAVA_LONG_UNALIGNED, y.byteOffset() + i * Long.BYTES, found);
            }
        });
    }

    /** What a value of a memory is searched in. */
    @FunctionalInterface
    private interface Sequence {
        long search(MemorySegment memory, long offset);
    }

    private Sequence converted(MemorySegment sequence) {
        int n = (int) length;
        if (dtype.isFloating()) {
            double[] reals = new double[n];
            Arrays.setAll(reals, i -> Cells.floating(dtype, sequence, sequenceOffset + i * stride));
            return (memory, offset) -> {
                double value = Cells.floating(dtype, memory, offset);
                int low = 0;
                // Conditional moves, as a branch would be guessed wrong half of the time.
                for (int left = n; left > 0;) {
                    int half = (left + 1) >>> 1;
                    low += precedes(reals[low + half - 1], value) ? half : 0;
                    left -= half;
                }
                return low;
            };
        }
        long[] integers = new long[n];
        Arrays.setAll(integers, i -> Cells.integer(dtype, sequence, sequenceOffset + i * stride));
        return (memory, offset) -> {
            long value = Cells.integer(dtype, memory, offset);
            int low = 0;
            for (int left = n; left > 0;) {
                int half = (left + 1) >>> 1;
                low += precedes(integers[low + half - 1], value) ? half : 0;
                left -= half;
            }
            return low;
        };
    }

    private Sequence inMemory(MemorySegment sequence, long start) {
        return (memory, offset) -> {
            long low = 0;
            for (long high = length; low < high;) {
                long middle = (low + high) >>> 1;
                long at = start + middle * stride;
                boolean before = dtype.isFloating()
                    ? precedes(Cells.floating(dtype, sequence, at), Cells.floating(dtype, memory, offset))
                    : precedes(Cells.integer(dtype, sequence, at), Cells.integer(dtype, memory, offset));
                low = before ? middle + 1 : low;
                high = before ? high : middle;
            }
            return low;
        };
    }

    private boolean precedes(double element, double value) {
        return value != value ? orEqual || element == element : orEqual ? element <= value : element < value;
    }

    private boolean precedes(long element, long value) {
        return orEqual ? element <= value : element < value;
    }
}

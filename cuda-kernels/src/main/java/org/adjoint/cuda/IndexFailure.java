package org.adjoint.cuda;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;
import org.adjoint.plan.View;

/** Says which index was out of range, where a kernel could only report its place. */
final class IndexFailure {
    /** The status of a run whose indices were all in range. */
    static final long NONE = -1;

    private static final int POSITION_BITS = 48;

    private IndexFailure() { }

    /** The number of the step that found it. */
    static int step(long status) {
        return (int) (status >>> POSITION_BITS);
    }

    /** Whether the memory that {@code step} read indices from may have been written since, up to step {@code last}. */
    static boolean isOverwritten(Plan plan, int step, int last) {
        PlanStep.Kernel failed = (PlanStep.Kernel) plan.steps().get(step);
        Slot indices = plan.slots().get(failed.inputs().get(failed.op().indices().input()).slot());
        return plan.steps().subList(step, last + 1).stream().flatMap(it -> it.outputs().stream())
            .map(view -> plan.slots().get(view.slot())).anyMatch(written -> overlap(written, indices));
    }

    private static boolean overlap(Slot a, Slot b) {
        return a.kind() == b.kind() && (a.kind() == Slot.Kind.EXTERNAL ? a.position() == b.position()
            : a.position() < b.position() + b.bytes() && b.position() < a.position() + a.bytes());
    }

    /**
     * @param status as the kernels wrote it
     * @param memory fills a segment from a slot, given by the view's slot and a byte offset in it; what the step read
     *     lies there; null where that is lost
     */
    static IndexOutOfBoundsException describe(long status, PlanStep.Kernel step, SlotReader memory) {
        long position = status & (1L << POSITION_BITS) - 1;
        Op.Indices indices = step.op().indices();
        View view = step.inputs().get(indices.input());
        View x = step.inputs().getFirst();
        if (indices.axis() < 0) {
            return window(step, view, (int) position, memory);
        }
        Shape positions = positions(view);
        long[] coordinates = coordinates(view.shape(), position);
        String index = memory == null ? "an index" : "index " + value(view, coordinates, memory);
        return new IndexOutOfBoundsException(step.op().name() + ": " + index + " at position "
            + Shape.of(Arrays.copyOf(coordinates, positions.rank())) + " is out of range for axis " + indices.axis()
            + " with extent " + x.shape().extent(indices.axis()));
    }

    private static IndexOutOfBoundsException window(PlanStep.Kernel step, View starts, int axis, SlotReader memory) {
        Shape whole = step.inputs().getFirst().shape();
        Shape window = step.op() instanceof Op.DynamicSlice slice ? slice.shape() : step.inputs().get(1).shape();
        String range = " of axis " + axis + " is outside 0 to " + (whole.extent(axis) - window.extent(axis));
        if (memory == null) {
            return new IndexOutOfBoundsException(step.op().name() + ": a window " + window + " does not lie in " + whole
                + ": its start" + range);
        }
        long[] corner = new long[window.rank()];
        Arrays.setAll(corner, i -> value(starts, new long[] {i}, memory));
        return new IndexOutOfBoundsException(step.op().name() + ": a window " + window + " at "
            + Arrays.toString(corner) + " does not lie in " + whole + ": start " + corner[axis] + range);
    }

    /** The axes along which the indices differ: behind them, elements share an index. */
    private static Shape positions(View view) {
        int rank = view.shape().rank();
        while (rank > 0 && view.strides()[rank - 1] == 0 && view.shape().extent(rank - 1) > 1) {
            rank--;
        }
        return Shape.of(Arrays.copyOf(view.shape().toArray(), rank));
    }

    private static long[] coordinates(Shape shape, long position) {
        long[] coordinates = new long[shape.rank()];
        for (int axis = coordinates.length - 1; axis >= 0; axis--) {
            coordinates[axis] = position % shape.extent(axis);
            position /= shape.extent(axis);
        }
        return coordinates;
    }

    private static long value(View view, long[] coordinates, SlotReader memory) {
        long element = view.offset();
        for (int axis = 0; axis < coordinates.length; axis++) {
            element += coordinates[axis] * view.strides()[axis];
        }
        if (view.dtype() == DType.I64) {
            long[] value = new long[1];
            memory.read(view.slot(), element * Long.BYTES, MemorySegment.ofArray(value));
            return value[0];
        }
        int[] value = new int[1];
        memory.read(view.slot(), element * Integer.BYTES, MemorySegment.ofArray(value));
        return value[0];
    }

    /** Reads what a slot holds. */
    @FunctionalInterface
    interface SlotReader {
        void read(int slot, long byteOffset, MemorySegment target);
    }
}

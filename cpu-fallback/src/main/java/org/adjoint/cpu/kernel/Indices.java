package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;

/**
 * The index tensor of a gather or a scatter, cut into positions, which hold one index each, and the run of elements
 * behind a position, which share it because the index view has stride 0 there: the width of an embedding.
 */
final class Indices {
    private final String op;
    private final View view;
    private final int axis;
    private final long extent;
    private final Shape positions;
    private final RowView starts;
    private final long run;

    private Indices(String op, View view, int axis, long extent, int split, long run) {
        this.op = op;
        this.view = view;
        this.axis = axis;
        this.extent = extent;
        this.run = run;
        this.positions = Shape.of(Arrays.copyOf(view.shape().toArray(), split));
        this.starts = new RowView(new View(view.slot(), view.dtype(), positions, Arrays.copyOf(view.strides(), split),
            view.offset()), 0);
    }

    /** Every element is a position of its own. */
    static Indices ofElements(String op, View view, int axis, long extent) {
        return new Indices(op, view, axis, extent, view.shape().rank(), 1);
    }

    /**
     * Positions with runs behind them.
     *
     * @param extent of the axis that is indexed
     * @param a of the indices' shape or larger; a run is contiguous in it
     * @param b likewise
     */
    static Indices ofRuns(String op, View view, int axis, long extent, View a, View b) {
        int split = view.shape().rank();
        long run = 1;
        while (split - 1 > axis && joins(view, a, b, split - 1, run)) {
            split--;
            run *= view.shape().extent(split);
        }
        return new Indices(op, view, axis, extent, split, run);
    }

    private static boolean joins(View view, View a, View b, int axis, long run) {
        return view.shape().extent(axis) == 1
            || view.strides()[axis] == 0 && a.strides()[axis] == run && b.strides()[axis] == run;
    }

    /** Whether only the position along the axis tells the index, so that a list holds them all. */
    boolean isList() {
        for (int i = 0; i < view.shape().rank(); i++) {
            if (i != axis && view.shape().extent(i) != 1 && view.strides()[i] != 0) {
                return false;
            }
        }
        return view.shape().extent(axis) <= Integer.MAX_VALUE && extent <= Integer.MAX_VALUE;
    }

    /**
     * Fills {@code list} with the indices along the axis, where {@link #isList()}.
     *
     * @throws IndexOutOfBoundsException if one is outside the axis
     */
    void list(MemorySegment[] slots, int[] list) {
        long behind = 1;
        for (int i = axis + 1; i < positions.rank(); i++) {
            behind *= positions.extent(i);
        }
        for (int i = 0; i < view.shape().extent(axis); i++) {
            list[i] = (int) at(slots, i * behind);
        }
    }

    /** Elements that share an index. */
    long run() {
        return run;
    }

    /** The axes before the run. */
    Shape positions() {
        return positions;
    }

    /** The strides of {@code side} in bytes over the axes of the positions, 0 for the indexed axis. */
    long[] strides(View side, boolean indexed) {
        long[] strides = Arrays.copyOf(side.strides(), positions.rank());
        for (int i = 0; i < strides.length; i++) {
            strides[i] *= side.dtype().bytes();
        }
        if (indexed) {
            strides[axis] = 0;
        }
        return strides;
    }

    /**
     * The index at a position, counted in row-major order.
     *
     * @throws IndexOutOfBoundsException if it is outside the axis
     */
    long at(MemorySegment[] slots, long position) {
        long index = Cells.integer(view.dtype(), starts.memory(slots), starts.offset(position));
        if (index < 0 || index >= extent) {
            long[] coordinates = new long[positions.rank()];
            long rest = position;
            for (int i = coordinates.length - 1; i >= 0; i--) {
                coordinates[i] = rest % positions.extent(i);
                rest /= positions.extent(i);
            }
            throw new IndexOutOfBoundsException(op + ": index " + index + " at position " + Shape.of(coordinates)
                + " is out of range for axis " + axis + " with extent " + extent);
        }
        return index;
    }
}

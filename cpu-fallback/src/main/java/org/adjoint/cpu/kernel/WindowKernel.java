package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;

/**
 * Copies a window whose corner is known only when the kernel runs: out of a tensor (dynamicSlice) or into one
 * (dynamicUpdateSlice). The copy itself is one prepared for a window at the tensor's start.
 */
public final class WindowKernel implements CpuKernel {
    private final String op;
    private final View whole;
    private final Shape window;
    private final View starts;
    private final CpuKernel first;
    private final CpuKernel copy;

    /**
     * @param whole the tensor that the window lies in; its strides are not negative
     * @param first what is done before the copy, or null
     * @param copy copies the window as if it began at the start of the memory that {@code whole} lies in, whose
     *     slot the other tensor does not share
     */
    public WindowKernel(String op, View whole, Shape window, View starts, CpuKernel first, CpuKernel copy) {
        this.op = op;
        this.whole = whole;
        this.window = window;
        this.starts = starts;
        this.first = first;
        this.copy = copy;
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        long[] corner = new long[window.rank()];
        long elements = whole.offset();
        for (int axis = 0; axis < corner.length; axis++) {
            corner[axis] = Cells.integer(DType.I64, slots[starts.slot()],
                starts.byteOffset() + axis * starts.strides()[0] * Long.BYTES);
            elements += corner[axis] * whole.strides()[axis];
        }
        check(corner);
        if (first != null) {
            first.run(slots, scalars, parallel);
        }
        if (!window.isEmpty()) {
            MemorySegment[] shifted = slots.clone();
            shifted[whole.slot()] = slots[whole.slot()].asSlice(elements * whole.dtype().bytes());
            copy.run(shifted, scalars, parallel);
        }
    }

    private void check(long[] corner) {
        for (int axis = 0; axis < corner.length; axis++) {
            if (corner[axis] < 0 || corner[axis] > whole.shape().extent(axis) - window.extent(axis)) {
                throw new IndexOutOfBoundsException(op + ": a window " + window + " at "
                    + Arrays.toString(corner) + " does not lie in " + whole.shape() + ": start " + corner[axis]
                    + " of axis " + axis + " is outside 0 to "
                    + (whole.shape().extent(axis) - window.extent(axis)));
            }
        }
    }
}

package org.adjoint.plan;

import java.util.Arrays;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/**
 * A strided window on a slot: element {@code (i0, i1, ...)} lies at {@code offset + i0 * strides[0] + ...}, counted
 * in elements. Strides may be 0 (broadcast) or negative (flipped).
 *
 * @param slot index into {@link Plan#slots()}
 */
public record View(int slot, DType dtype, Shape shape, long[] strides, long offset) {
    /** The row-major view that covers a slot from its start. */
    public static View contiguous(int slot, DType dtype, Shape shape) {
        return new View(slot, dtype, shape, shape.contiguousStrides(), 0);
    }

    /** Whether elements follow each other in row-major order without gaps; extents of 1 may have any stride. */
    public boolean isContiguous() {
        return isContiguous(shape, strides);
    }

    static boolean isContiguous(Shape shape, long[] strides) {
        long expected = 1;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            if (shape.extent(axis) == 0) {
                return true;
            }
            if (shape.extent(axis) != 1) {
                if (strides[axis] != expected) {
                    return false;
                }
                expected *= shape.extent(axis);
            }
        }
        return true;
    }

    /** Where element (0, 0, ...) lies, in bytes from the start of the slot. */
    public long byteOffset() {
        return offset * dtype.bytes();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof View view && slot == view.slot && dtype == view.dtype && offset == view.offset
            && shape.equals(view.shape) && Arrays.equals(strides, view.strides);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * slot + shape.hashCode()) + Arrays.hashCode(strides) + Long.hashCode(offset);
    }

    @Override
    public String toString() {
        return "%" + slot + " " + dtype.text() + shape
            + (isContiguous() ? "" : " strides " + Arrays.toString(strides)) + (offset == 0 ? "" : " at " + offset);
    }
}

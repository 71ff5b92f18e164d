package org.adjoint.reference;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;

/** A tensor's cells in row-major order. */
record Dense(DType dtype, Shape shape, long[] cells) {
    static Dense of(DType dtype, Shape shape) {
        if (shape.elements() > Integer.MAX_VALUE - 8) {
            throw new UnsupportedOperationException(
                "the reference takes tensors of less than 2^31 elements, not " + dtype.text() + shape);
        }
        return new Dense(dtype, shape, new long[(int) shape.elements()]);
    }

    static Dense load(View view, MemorySegment[] slots) {
        Dense dense = of(view.dtype(), view.shape());
        Odometer odometer = new Odometer(view.shape().toArray(), List.of(view));
        for (int i = 0; i < dense.cells.length; i++) {
            dense.cells[i] = Cells.load(slots[view.slot()], view.dtype(), odometer.positions[0]);
            odometer.advance();
        }
        return dense;
    }

    void store(View view, MemorySegment[] slots) {
        Odometer odometer = new Odometer(view.shape().toArray(), List.of(view));
        for (long cell : cells) {
            Cells.store(slots[view.slot()], view.dtype(), odometer.positions[0], cell);
            odometer.advance();
        }
    }

    int extent(int axis) {
        return (int) shape.extent(axis);
    }

    /** How many elements the axes from {@code from} up to {@code to} span. */
    int span(int from, int to) {
        return (int) Odometer.points(shape.toArray(), from, to);
    }
}

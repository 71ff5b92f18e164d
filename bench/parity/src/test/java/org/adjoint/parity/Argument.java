package org.adjoint.parity;

import java.util.stream.DoubleStream;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/**
 * An argument of an operation, made alike for both libraries: memory of {@code base}'s shape, and a view of it.
 *
 * @param kind what it holds; {@code F64} stands for the floating dtype under test
 * @param values of the memory, row-major, each exact in f32
 */
record Argument(DType kind, double[] values, Shape base, Layout layout, int axis) {
    /** How the view comes from the memory. */
    enum Layout {
        CONTIGUOUS,
        /** The memory holds the transposed tensor: {@code axis} and the last axis are swapped. */
        TRANSPOSED,
        /** Every second element along {@code axis}, from the second on. */
        STRIDED,
        /** {@code axis}, of extent 1 in memory, is repeated three times. */
        EXPANDED
    }

    boolean isFloating() {
        return kind.isFloating();
    }

    Shape shape() {
        return switch (layout) {
            case CONTIGUOUS -> base;
            case TRANSPOSED -> base.with(axis, base.extent(base.rank() - 1)).with(base.rank() - 1, base.extent(axis));
            case STRIDED -> base.with(axis, base.extent(axis) / 2);
            case EXPANDED -> base.with(axis, 3);
        };
    }

    /** The same argument with {@code offset}, rounded to f32, added to each value. */
    Argument shifted(double offset) {
        return new Argument(kind, DoubleStream.of(values).map(v -> (float) (v + offset)).toArray(), base, layout, axis);
    }

    /** This argument for Adjoint. */
    Tensor ours(Device device, DType floating) {
        Tensor memory = switch (kind) {
            case BOOL -> device.tensor(values, base).notEqual(0);
            case I64 -> device.tensor(DoubleStream.of(values).mapToLong(v -> (long) v).toArray(), base);
            default -> device.tensor(values, base).to(isFloating() ? floating : kind);
        };
        memory.realize();
        return switch (layout) {
            case CONTIGUOUS -> memory;
            case TRANSPOSED -> memory.transpose(axis, -1);
            case STRIDED -> memory.slice(axis, 1, base.extent(axis) / 2 * 2, 2);
            case EXPANDED -> memory.expand(base.with(axis, 3).toArray());
        };
    }

    @Override
    public String toString() {
        return kind.text() + shape() + (layout == Layout.CONTIGUOUS ? "" : " " + layout + " at axis " + axis);
    }
}

package org.adjoint.contract;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.Shape;

/**
 * One argument of a sample.
 *
 * @param dtype null for the dtype under test
 * @param shape of the argument as the operation sees it
 * @param domain of its values
 * @param layout how it lies in memory
 */
record Operand(DType dtype, Shape shape, Domain domain, Layout layout) {
    /** How an argument lies in memory: as a view of a tensor that is contiguous. */
    enum Layout {
        CONTIGUOUS,
        /** Axes reversed. */
        PERMUTED,
        /** Every second element of each axis, after the first. */
        SLICED,
        /** Each axis backwards. */
        FLIPPED,
        /** One element stands for all along the first axis. */
        EXPANDED
    }

    /** An argument of the dtype under test. */
    static Operand of(Domain domain, long... shape) {
        return new Operand(null, Shape.of(shape), domain, Layout.CONTIGUOUS);
    }

    /** An argument of one dtype, whatever is under test. */
    static Operand of(DType dtype, Domain domain, long... shape) {
        return new Operand(dtype, Shape.of(shape), domain, Layout.CONTIGUOUS);
    }

    /** {@code I64} indices in [0, bound). */
    static Operand indices(long bound, long... shape) {
        return of(DType.I64, Domain.whole(0, bound - 1), shape);
    }

    Operand laid(Layout layout) {
        return new Operand(dtype, shape, domain, layout);
    }

    DType dtype(DType underTest) {
        return dtype == null ? underTest : dtype;
    }

    /** The shape of the contiguous tensor that the argument is a view of. */
    private Shape baseShape() {
        long[] extents = shape.toArray();
        switch (layout) {
            case CONTIGUOUS, FLIPPED -> { }
            case PERMUTED -> {
                for (int i = 0; i < extents.length; i++) {
                    extents[i] = shape.extent(extents.length - 1 - i);
                }
            }
            case SLICED -> Arrays.setAll(extents, i -> 2 * shape.extent(i) + 1);
            case EXPANDED -> extents[0] = 1;
        }
        return Shape.of(extents);
    }

    /** Values of the underlying tensor, representable in {@code rounding}. */
    double[] draw(DType rounding, SplittableRandom random) {
        double[] values = domain.draw((int) baseShape().elements(), random);
        for (int i = 0; i < values.length; i++) {
            values[i] = rounding.isFloating() ? Halves.round(rounding, values[i]) : Math.rint(values[i]);
        }
        return values;
    }

    /** The underlying tensor on a device. */
    Tensor upload(Device device, DType actual, double[] values) {
        return device.tensor(values, baseShape()).to(actual).realize();
    }

    /** The argument, from its underlying tensor. */
    Tensor view(Tensor base) {
        int rank = shape.rank();
        return switch (layout) {
            case CONTIGUOUS -> base;
            case PERMUTED -> {
                int[] axes = new int[rank];
                Arrays.setAll(axes, i -> rank - 1 - i);
                yield base.permute(axes);
            }
            case SLICED -> {
                Tensor part = base;
                for (int axis = 0; axis < rank; axis++) {
                    part = part.slice(axis, 1, 2 * shape.extent(axis) + 1, 2);
                }
                yield part;
            }
            case FLIPPED -> {
                int[] axes = new int[rank];
                Arrays.setAll(axes, i -> i);
                yield base.flip(axes);
            }
            case EXPANDED -> base.expand(shape.toArray());
        };
    }

    @Override
    public String toString() {
        return shape + (layout == Layout.CONTIGUOUS ? "" : " " + layout.name().toLowerCase(java.util.Locale.ROOT));
    }
}

package org.adjoint;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Shape;

/** Other arrangements of the elements of a {@link Tensor}: views where that is possible. */
public sealed interface MovementMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    /** One extent may be -1: it is what is left. */
    default Tensor reshape(long... shape) {
        return self().map("reshape", x -> Ops.reshape(x, inferred(x.shape(), shape)));
    }

    private static Shape inferred(Shape source, long... shape) {
        long known = 1;
        int unknown = -1;
        for (int axis = 0; axis < shape.length; axis++) {
            if (shape[axis] != -1) {
                known *= shape[axis];
            } else if (unknown >= 0) {
                throw new IllegalArgumentException("reshape: " + Arrays.toString(shape) + " has more than one -1");
            } else {
                unknown = axis;
            }
        }
        if (unknown < 0) {
            return Shape.of(shape);
        }
        if (known == 0 || source.elements() % known != 0) {
            throw new IllegalArgumentException("reshape: " + source + " does not divide into " + Arrays.toString(shape));
        }
        long[] extents = shape.clone();
        extents[unknown] = source.elements() / known;
        return Shape.of(extents);
    }

    default Tensor permute(int... axes) {
        return self().map("permute", x -> Ops.permute(x, axes));
    }

    /** Swaps the last two axes. */
    default Tensor transpose() {
        return self().map("transpose", Ops::transpose);
    }

    default Tensor transpose(int axis1, int axis2) {
        return self().map("transpose", x -> Ops.transpose(x, axis1, axis2));
    }

    /** Broadcasts to a shape. */
    default Tensor expand(long... shape) {
        return self().map("expand", x -> Ops.broadcastTo(x, Shape.of(shape)));
    }

    /** Elements [start, end) of one axis. */
    default Tensor slice(int axis, long start, long end) {
        return self().map("slice", x -> Ops.slice(x, axis, start, end));
    }

    /** Every {@code step}-th element of [start, end) of one axis, for a positive step. */
    default Tensor slice(int axis, long start, long end, long step) {
        return self().map("slice", x -> {
            if (step < 1) {
                throw new IllegalArgumentException("slice: the step must be positive but is " + step + ": flip() reverses");
            }
            Node window = Ops.slice(x, axis, start, end);
            Shape shape = window.shape();
            int resolved = shape.axis("slice", axis);
            Long[] steps = new Long[shape.rank()];
            Arrays.fill(steps, 1L);
            steps[resolved] = step;
            long extent = (shape.extent(resolved) + step - 1) / step;
            return Ops.slice(window, Collections.nCopies(shape.rank(), 0L), List.of(steps), shape.with(resolved, extent));
        });
    }

    default Tensor flip(int... axes) {
        return self().map("flip", x -> Ops.flip(x, axes));
    }

    /** {@code low} elements of {@code value} in front of an axis and {@code high} behind it. */
    default Tensor pad(int axis, long low, long high, double value) {
        return self().map("pad", x -> {
            int resolved = x.shape().axis("pad", axis);
            long[] lows = new long[x.shape().rank()];
            lows[resolved] = low;
            Shape shape = x.shape().with(resolved, x.shape().extent(resolved) + low + high);
            return Ops.pad(x, lows, new long[lows.length], shape, Ops.constant(x.dtype(), value));
        });
    }

    /** Adds an axis of extent 1. */
    default Tensor unsqueeze(int axis) {
        return self().map("unsqueeze", x -> {
            int rank = x.shape().rank() + 1;
            int at = axis < 0 ? axis + rank : axis;
            if (at < 0 || at >= rank) {
                throw new IllegalArgumentException("unsqueeze: axis " + axis + " is out of range for " + x.shape());
            }
            long[] extents = new long[rank];
            for (int i = 0; i < rank; i++) {
                extents[i] = i == at ? 1 : x.shape().extent(i < at ? i : i - 1);
            }
            return Ops.reshape(x, Shape.of(extents));
        });
    }

    /** Drops an axis of extent 1. */
    default Tensor squeeze(int axis) {
        return self().map("squeeze", x -> {
            int resolved = x.shape().axis("squeeze", axis);
            if (x.shape().extent(resolved) != 1) {
                throw new IllegalArgumentException("squeeze: axis " + axis + " of " + x.shape() + " is not 1");
            }
            return Ops.reshape(x, x.shape().without(resolved));
        });
    }
}

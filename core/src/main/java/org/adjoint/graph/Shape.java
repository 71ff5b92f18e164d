package org.adjoint.graph;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The extents of a tensor, outermost first. Immutable. A scalar has rank 0; an extent may be 0. */
public final class Shape {
    /** The shape of a scalar. */
    public static final Shape SCALAR = new Shape(new long[0]);

    private final long[] extents;

    private Shape(long[] extents) {
        this.extents = extents;
    }

    /** @throws IllegalArgumentException if an extent is negative or the element count exceeds 2^63 - 1 */
    public static Shape of(long... extents) {
        if (extents.length == 0) {
            return SCALAR;
        }
        boolean empty = false;
        for (long extent : extents) {
            if (extent < 0) {
                throw new IllegalArgumentException(
                    "shape " + Arrays.toString(extents) + ": extents must not be negative");
            }
            empty |= extent == 0;
        }
        if (!empty) {
            long product = 1;
            for (long extent : extents) {
                if (product > Long.MAX_VALUE / extent) {
                    throw new IllegalArgumentException(
                        "shape " + Arrays.toString(extents) + " has more than 2^63 elements");
                }
                product *= extent;
            }
        }
        return new Shape(extents.clone());
    }

    public int rank() {
        return extents.length;
    }

    /** The extent of {@code axis}, which must be in [0, rank). */
    public long extent(int axis) {
        return extents[axis];
    }

    public long[] toArray() {
        return extents.clone();
    }

    /** Number of elements; 1 for a scalar. */
    public long elements() {
        long product = 1;
        for (long extent : extents) {
            product *= extent;
        }
        return product;
    }

    public boolean isEmpty() {
        return elements() == 0;
    }

    /** Strides, in elements, of the contiguous row-major layout. */
    public long[] contiguousStrides() {
        long[] strides = new long[extents.length];
        long stride = 1;
        for (int axis = extents.length - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= Math.max(1, extents[axis]);
        }
        return strides;
    }

    /**
     * {@code axis} counted from the front: -1 is the last axis.
     *
     * @throws IllegalArgumentException if it is outside [-rank, rank), in the words of operation {@code op}
     */
    public int axis(String op, int axis) {
        int resolved = axis < 0 ? axis + rank() : axis;
        if (resolved < 0 || resolved >= rank()) {
            throw new IllegalArgumentException(op + ": axis " + axis + " is out of range for shape " + this
                + (rank() == 0 ? ", which has no axes" : ": use " + -rank() + " to " + (rank() - 1)));
        }
        return resolved;
    }

    /** This shape with {@code extent} in place of the extent of {@code axis}. */
    public Shape with(int axis, long extent) {
        long[] result = extents.clone();
        result[axis] = extent;
        return of(result);
    }

    /** This shape with two axes in place of one. */
    Shape split(int axis, long outer, long inner) {
        long[] result = new long[extents.length + 1];
        System.arraycopy(extents, 0, result, 0, axis);
        result[axis] = outer;
        result[axis + 1] = inner;
        System.arraycopy(extents, axis + 1, result, axis + 2, extents.length - axis - 1);
        return of(result);
    }

    /** This shape with another axis in front. */
    public Shape withLeading(long extent) {
        long[] result = new long[extents.length + 1];
        result[0] = extent;
        System.arraycopy(extents, 0, result, 1, extents.length);
        return of(result);
    }

    /** This shape with an axis of extent 1 behind the last. */
    public Shape withTrailingOne() {
        long[] result = Arrays.copyOf(extents, extents.length + 1);
        result[extents.length] = 1;
        return of(result);
    }

    /** This shape without {@code axes}, which are in [0, rank) and distinct. */
    public Shape without(int... axes) {
        boolean[] dropped = new boolean[rank()];
        for (int axis : axes) {
            dropped[axis] = true;
        }
        long[] result = new long[rank() - axes.length];
        int next = 0;
        for (int axis = 0; axis < rank(); axis++) {
            if (!dropped[axis]) {
                result[next++] = extents[axis];
            }
        }
        return of(result);
    }

    /**
     * The shape that both broadcast to: aligned at the last axis, equal extents or one of them 1.
     *
     * @throws IllegalArgumentException if there is none, in the words of operation {@code op}
     */
    public static Shape broadcast(String op, Shape a, Shape b) {
        if (a.equals(b)) {
            return a;
        }
        int rank = Math.max(a.rank(), b.rank());
        long[] result = new long[rank];
        for (int back = 1; back <= rank; back++) {
            long x = back <= a.rank() ? a.extents[a.rank() - back] : 1;
            long y = back <= b.rank() ? b.extents[b.rank() - back] : 1;
            if (x != y && x != 1 && y != 1) {
                throw new IllegalArgumentException(op + ": shapes " + a + " and " + b + " do not broadcast: axis "
                    + -back + " has " + x + " and " + y + "; they must be equal or one of them 1");
            }
            result[rank - back] = x == 1 ? y : x;
        }
        return of(result);
    }

    /** Whether this shape broadcasts to {@code target}. */
    public boolean broadcastsTo(Shape target) {
        if (rank() > target.rank()) {
            return false;
        }
        for (int back = 1; back <= rank(); back++) {
            long extent = extents[rank() - back];
            if (extent != 1 && extent != target.extents[target.rank() - back]) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape shape && Arrays.equals(extents, shape.extents);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(extents);
    }

    /** {@code (2, 3)}, {@code (4)}, {@code ()}. */
    @Override
    public String toString() {
        return Arrays.stream(extents).mapToObj(Long::toString).collect(Collectors.joining(", ", "(", ")"));
    }
}

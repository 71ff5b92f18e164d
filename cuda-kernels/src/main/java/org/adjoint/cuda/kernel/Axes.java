package org.adjoint.cuda.kernel;

import java.util.Arrays;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.graph.Shape;

/**
 * The structure {@code Axes} of {@code axes.cuh}: a row-major domain and the strides of two tensors over it. Axes that
 * follow each other without gaps in both tensors are merged, so that a kernel has fewer divisions to do.
 */
public final class Axes {
    private static final int MOST = 16;
    private static final int WIDEST = 16;

    private final long[] extents;
    private final long[] a;
    private final long[] b;

    private Axes(long[] extents, long[] a, long[] b) {
        this.extents = extents;
        this.a = a;
        this.b = b;
    }

    /**
     * Strides are in elements.
     *
     * @param op who asks, for the error
     * @throws IllegalArgumentException if too many axes are left after merging
     */
    public static Axes of(String op, long[] extents, long[] a, long[] b) {
        long[] merged = new long[extents.length];
        long[] mergedA = new long[extents.length];
        long[] mergedB = new long[extents.length];
        // Filled from the back, innermost first.
        int start = extents.length;
        for (int axis = extents.length - 1; axis >= 0; axis--) {
            if (extents[axis] == 1) {
                continue;
            }
            if (start < extents.length && a[axis] == mergedA[start] * merged[start]
                && b[axis] == mergedB[start] * merged[start]) {
                merged[start] *= extents[axis];
                continue;
            }
            start--;
            merged[start] = extents[axis];
            mergedA[start] = a[axis];
            mergedB[start] = b[axis];
        }
        if (extents.length - start > MOST) {
            throw new IllegalArgumentException(op + ": the cuda device takes tensors of up to " + MOST
                + " axes that can't be merged, not of shape " + Shape.of(extents) + ": reshape them");
        }
        return new Axes(Arrays.copyOfRange(merged, start, extents.length),
            Arrays.copyOfRange(mergedA, start, extents.length), Arrays.copyOfRange(mergedB, start, extents.length));
    }

    /** A domain with one tensor over it. */
    static Axes of(String op, long[] extents, long[] a) {
        return of(op, extents, a, new long[extents.length]);
    }

    /** The stride of the first tensor along the innermost axis; 0 where there is none. */
    long innermostA() {
        return a.length == 0 ? 0 : a[a.length - 1];
    }

    /** As a parameter of a kernel. */
    public Argument argument() {
        long[] values = new long[1 + 4 * MOST];
        values[0] = extents.length;
        System.arraycopy(extents, 0, values, 1, extents.length);
        System.arraycopy(a, 0, values, 1 + MOST, a.length);
        System.arraycopy(b, 0, values, 1 + 2 * MOST, b.length);
        double points = Arrays.stream(extents).asDoubleStream().reduce(1, (x, y) -> x * y);
        boolean narrow = points > 0 && points <= Integer.MAX_VALUE;
        for (int axis = 0; axis < extents.length && narrow; axis++) {
            values[1 + 3 * MOST + axis] = Divisor.of(extents[axis]);
        }
        return new Argument.Int64s(values);
    }

    /** Two rows of numbers, one per axis of a tensor, behind their count: {@code Window} of {@code window.cu}. */
    static Argument pairs(String op, long[] first, long[] second) {
        if (first.length > MOST) {
            throw new IllegalArgumentException(op + ": the cuda device takes tensors of up to " + MOST
                + " axes, not of " + first.length + ": reshape them");
        }
        long[] values = new long[1 + 2 * MOST];
        values[0] = first.length;
        System.arraycopy(first, 0, values, 1, first.length);
        System.arraycopy(second, 0, values, 1 + MOST, second.length);
        return new Argument.Int64s(values);
    }

    /** How many bytes can be moved at once where all of these distances, in bytes, are multiples of that: up to 16. */
    static int unit(long... distances) {
        long bits = WIDEST;
        for (long distance : distances) {
            bits |= distance;
        }
        return (int) Long.lowestOneBit(bits);
    }
}

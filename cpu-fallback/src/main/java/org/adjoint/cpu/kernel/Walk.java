package org.adjoint.cpu.kernel;

import org.adjoint.graph.Shape;

/** Visits positions of a shape in row-major order and keeps the offset of each of two views up to date. */
final class Walk {
    private final long[] extents;
    private final long[] strides1;
    private final long[] strides2;
    private final long[] at;
    private long offset1;
    private long offset2;

    /** @param position where to start, counted in row-major order */
    Walk(Shape shape, long[] strides1, long[] strides2, long position) {
        this.extents = shape.toArray();
        this.strides1 = strides1;
        this.strides2 = strides2;
        this.at = new long[extents.length];
        long rest = position;
        for (int i = extents.length - 1; i >= 0; i--) {
            at[i] = rest % extents[i];
            rest /= extents[i];
            offset1 += at[i] * strides1[i];
            offset2 += at[i] * strides2[i];
        }
    }

    long offset1() {
        return offset1;
    }

    long offset2() {
        return offset2;
    }

    void next() {
        for (int i = extents.length - 1; i >= 0; i--) {
            offset1 += strides1[i];
            offset2 += strides2[i];
            if (++at[i] < extents[i]) {
                return;
            }
            offset1 -= strides1[i] * extents[i];
            offset2 -= strides2[i] * extents[i];
            at[i] = 0;
        }
    }
}

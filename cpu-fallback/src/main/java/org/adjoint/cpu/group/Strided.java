package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.adjoint.graph.DType;

/**
 * An operand over the points of a loop domain.
 *
 * @param strides elements from one point to the next, per axis of the domain
 * @param offset of the first point, in elements
 */
record Strided(int slot, DType dtype, long[] strides, long offset) {
    /** Whether points follow each other without gaps in the domain's row-major order. */
    boolean isDense(long[] extents) {
        long expected = 1;
        for (int axis = extents.length - 1; axis >= 0; axis--) {
            if (strides[axis] != expected) {
                return false;
            }
            expected *= extents[axis];
        }
        return true;
    }

    /** Whether all points have one element. */
    boolean isUniform() {
        return Arrays.stream(strides).allMatch(stride -> stride == 0);
    }

    /** Stride of the innermost axis; 1 in a domain of one point. */
    long innerStride() {
        return strides.length == 0 ? 1 : strides[strides.length - 1];
    }

    /** Where point {@code linear} of the domain lies, in elements from the first. */
    long distance(long[] extents, long linear) {
        long distance = 0;
        for (int axis = extents.length - 1; axis >= 0; axis--) {
            distance += linear % extents[axis] * strides[axis];
            linear /= extents[axis];
        }
        return distance;
    }

    /** How far the line after {@code line} is from it; lines run along the innermost axis. */
    private long nextLine(long[] extents, long line) {
        long step = 0;
        for (int axis = extents.length - 2; axis >= 0; axis--) {
            step += strides[axis];
            if ((line + 1) % extents[axis] != 0) {
                return step;
            }
            step -= extents[axis] * strides[axis];
            line /= extents[axis];
        }
        return step;
    }

    /** Loads points {@code start} to {@code start + n} into a row; {@code shift} elements are added to the offset. */
    void gather(MemorySegment memory, long[] extents, long shift, long start, int n, Object row) {
        walk(memory, extents, shift, start, n, row, true);
    }

    /** Stores a row to points {@code start} to {@code start + n}. */
    void scatter(Object row, MemorySegment memory, long[] extents, long shift, long start, int n) {
        walk(memory, extents, shift, start, n, row, false);
    }

    private void walk(MemorySegment memory, long[] extents, long shift, long start, int n, Object row, boolean load) {
        int inner = extents.length - 1;
        long extent = inner < 0 ? 1 : extents[inner];
        long stride = innerStride();
        long at = offset + shift + distance(extents, start);
        long column = start % extent;
        long line = start / extent;
        int done = 0;
        while (done < n) {
            int run = (int) Math.min(extent - column, n - done);
            if (load) {
                Elements.load(memory, dtype, at, stride, row, done, run);
            } else {
                Elements.store(row, done, memory, dtype, at, stride, run);
            }
            done += run;
            if (done < n) {
                at -= column * stride;
                column = 0;
                at += nextLine(extents, line++);
            }
        }
    }
}

package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import org.adjoint.graph.DType;

/**
 * Integers that are ordered as the elements of a dtype are to be sorted: NaN is greater than all numbers, -0 is equal to
 * 0, and descending order is the order of the complements.
 */
final class SortKeys {
    private SortKeys() { }

    /** Whether keys take 64 bits, not 32. */
    static boolean areWide(DType dtype) {
        return dtype == DType.I64 || dtype == DType.F64;
    }

    /** Elements with 32-bit keys, each as its key above its position: no two are equal. */
    static void pack(DType dtype, MemorySegment memory, long offset, long stride, boolean descending, long[] packed, int n) {
        int flip = descending ? -1 : 0;
        if (dtype.isFloating()) {
            for (int i = 0; i < n; i++) {
                float value = (float) Cells.floating(dtype, memory, offset + i * stride);
                packed[i] = (long) (key(value) ^ flip) << 32 | i;
            }
        } else {
            for (int i = 0; i < n; i++) {
                packed[i] = (Cells.integer(dtype, memory, offset + i * stride) ^ flip) << 32 | i;
            }
        }
    }

    /** 64-bit keys. */
    static void load(DType dtype, MemorySegment memory, long offset, long stride, boolean descending, long[] keys, int n) {
        long flip = descending ? -1 : 0;
        if (dtype.isFloating()) {
            for (int i = 0; i < n; i++) {
                keys[i] = key(Cells.floating(dtype, memory, offset + i * stride)) ^ flip;
            }
        } else {
            for (int i = 0; i < n; i++) {
                keys[i] = Cells.integer(dtype, memory, offset + i * stride) ^ flip;
            }
        }
    }

    /** Adding +0 makes -0 a 0; the bits of a negative number grow with its magnitude; every NaN becomes the same. */
    private static int key(float value) {
        int bits = Float.floatToIntBits(value + 0f);
        return bits ^ bits >> 31 & Integer.MAX_VALUE;
    }

    private static long key(double value) {
        long bits = Double.doubleToLongBits(value + 0.0);
        return bits ^ bits >> 63 & Long.MAX_VALUE;
    }

    /** The lower half of a 64-bit key, above a position. */
    static long packLow(long key, int position) {
        return (key ^ 0x80000000L) << 32 | position;
    }

    /** The upper half of a 64-bit key, above a position. */
    static long packHigh(long key, int position) {
        return key & 0xffffffff00000000L | position;
    }
}

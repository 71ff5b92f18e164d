package org.adjoint.cpu.gemm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Conversions between F32 and the 16-bit types, rounding to nearest even. */
final class HalfPrecision {

    private HalfPrecision() {
    }

    static float fromBfloat16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    static short toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        // A NaN keeps its upper payload and becomes quiet; rounding could carry it into infinity.
        return (short) (value != value ? (bits >>> 16) | 0x40 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    /** Widens one row of F16; the loop over arrays is one that C2 vectorizes, with the hardware's conversion. */
    static void widen(MemorySegment source, long offset, int count, float[] target, int targetOffset,
            short[] halves) {
        MemorySegment.copy(source, ValueLayout.JAVA_SHORT_UNALIGNED, offset, halves, 0, count);
        for (int i = 0; i < count; i++) {
            target[targetOffset + i] = Float.float16ToFloat(halves[i]);
        }
    }

    /** Narrows one row to F16. */
    static void narrow(float[] source, int sourceOffset, int count, MemorySegment target, long offset,
            short[] halves) {
        for (int i = 0; i < count; i++) {
            halves[i] = Float.floatToFloat16(source[sourceOffset + i]);
        }
        MemorySegment.copy(halves, 0, target, ValueLayout.JAVA_SHORT_UNALIGNED, offset, count);
    }
}

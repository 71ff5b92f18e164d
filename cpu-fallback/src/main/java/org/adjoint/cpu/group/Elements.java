package org.adjoint.cpu.group;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;

/** Moves elements between memory and scratch rows of their compute type, converting as they go. */
final class Elements {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private Elements() { }

    /** Fills {@code count} elements of {@code row} with those at {@code from}, {@code from + stride} ... of memory. */
    static void load(MemorySegment memory, DType dtype, long from, long stride, Object row, int at, int count) {
        switch (dtype) {
            case F32 -> {
                float[] values = (float[]) row;
                if (stride == 1) {
                    MemorySegment.copy(memory, FLOAT, 4 * from, values, at, count);
                } else if (stride == 0) {
                    Arrays.fill(values, at, at + count, memory.get(FLOAT, 4 * from));
                } else {
                    for (int i = 0; i < count; i++) {
                        values[at + i] = memory.get(FLOAT, 4 * (from + i * stride));
                    }
                }
            }
            case F64 -> {
                double[] values = (double[]) row;
                if (stride == 1) {
                    MemorySegment.copy(memory, DOUBLE, 8 * from, values, at, count);
                } else if (stride == 0) {
                    Arrays.fill(values, at, at + count, memory.get(DOUBLE, 8 * from));
                } else {
                    for (int i = 0; i < count; i++) {
                        values[at + i] = memory.get(DOUBLE, 8 * (from + i * stride));
                    }
                }
            }
            case I32 -> {
                int[] values = (int[]) row;
                if (stride == 1) {
                    MemorySegment.copy(memory, INT, 4 * from, values, at, count);
                } else if (stride == 0) {
                    Arrays.fill(values, at, at + count, memory.get(INT, 4 * from));
                } else {
                    for (int i = 0; i < count; i++) {
                        values[at + i] = memory.get(INT, 4 * (from + i * stride));
                    }
                }
            }
            case I64 -> {
                long[] values = (long[]) row;
                if (stride == 1) {
                    MemorySegment.copy(memory, LONG, 8 * from, values, at, count);
                } else if (stride == 0) {
                    Arrays.fill(values, at, at + count, memory.get(LONG, 8 * from));
                } else {
                    for (int i = 0; i < count; i++) {
                        values[at + i] = memory.get(LONG, 8 * (from + i * stride));
                    }
                }
            }
            case BOOL, U8 -> {
                int[] values = (int[]) row;
                for (int i = 0; i < count; i++) {
                    values[at + i] = memory.get(JAVA_BYTE, from + i * stride) & 0xff;
                }
            }
            case F16 -> {
                float[] values = (float[]) row;
                for (int i = 0; i < count; i++) {
                    values[at + i] = Float.float16ToFloat(memory.get(SHORT, 2 * (from + i * stride)));
                }
            }
            case BF16 -> {
                float[] values = (float[]) row;
                for (int i = 0; i < count; i++) {
                    values[at + i] = Halves.bf16ToFloat(memory.get(SHORT, 2 * (from + i * stride)));
                }
            }
        }
    }

    /** Writes {@code count} elements of {@code row}, rounded to {@code dtype}. */
    static void store(Object row, int at, MemorySegment memory, DType dtype, long to, long stride, int count) {
        switch (dtype) {
            case F32 -> {
                float[] values = (float[]) row;
                if (stride == 1) {
                    MemorySegment.copy(values, at, memory, FLOAT, 4 * to, count);
                } else {
                    for (int i = 0; i < count; i++) {
                        memory.set(FLOAT, 4 * (to + i * stride), values[at + i]);
                    }
                }
            }
            case F64 -> {
                double[] values = (double[]) row;
                if (stride == 1) {
                    MemorySegment.copy(values, at, memory, DOUBLE, 8 * to, count);
                } else {
                    for (int i = 0; i < count; i++) {
                        memory.set(DOUBLE, 8 * (to + i * stride), values[at + i]);
                    }
                }
            }
            case I32 -> {
                int[] values = (int[]) row;
                if (stride == 1) {
                    MemorySegment.copy(values, at, memory, INT, 4 * to, count);
                } else {
                    for (int i = 0; i < count; i++) {
                        memory.set(INT, 4 * (to + i * stride), values[at + i]);
                    }
                }
            }
            case I64 -> {
                long[] values = (long[]) row;
                if (stride == 1) {
                    MemorySegment.copy(values, at, memory, LONG, 8 * to, count);
                } else {
                    for (int i = 0; i < count; i++) {
                        memory.set(LONG, 8 * (to + i * stride), values[at + i]);
                    }
                }
            }
            case BOOL, U8 -> {
                int[] values = (int[]) row;
                for (int i = 0; i < count; i++) {
                    memory.set(JAVA_BYTE, to + i * stride, (byte) values[at + i]);
                }
            }
            case F16 -> {
                float[] values = (float[]) row;
                for (int i = 0; i < count; i++) {
                    memory.set(SHORT, 2 * (to + i * stride), Float.floatToFloat16(values[at + i]));
                }
            }
            case BF16 -> {
                float[] values = (float[]) row;
                for (int i = 0; i < count; i++) {
                    memory.set(SHORT, 2 * (to + i * stride), Halves.bf16(values[at + i]));
                }
            }
        }
    }

    /** One element as a scalar argument: floating ones as the bits of a double. */
    static long scalar(MemorySegment memory, DType dtype, long at) {
        return switch (dtype) {
            case F32 -> Double.doubleToRawLongBits(memory.get(FLOAT, 4 * at));
            case F64 -> memory.get(LONG, 8 * at);
            case I32 -> memory.get(INT, 4 * at);
            case I64 -> memory.get(LONG, 8 * at);
            case BOOL, U8 -> memory.get(JAVA_BYTE, at) & 0xff;
            case F16 -> Double.doubleToRawLongBits(Float.float16ToFloat(memory.get(SHORT, 2 * at)));
            case BF16 -> Double.doubleToRawLongBits(Halves.bf16ToFloat(memory.get(SHORT, 2 * at)));
        };
    }

    /** Fills a row with a scalar argument. */
    static void fill(Kind kind, long scalar, Object row, int count) {
        switch (kind.stored()) {
            case F32 -> Arrays.fill((float[]) row, 0, count, (float) Double.longBitsToDouble(scalar));
            case F64 -> Arrays.fill((double[]) row, 0, count, Double.longBitsToDouble(scalar));
            case I32, MASK -> Arrays.fill((int[]) row, 0, count, (int) scalar);
            case I64 -> Arrays.fill((long[]) row, 0, count, scalar);
        }
    }
}

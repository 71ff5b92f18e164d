package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;

/** Single elements in native memory, for loops that jump. */
final class Cells {
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

    private Cells() { }

    /** An element of a floating type. */
    static double floating(DType dtype, MemorySegment memory, long byteOffset) {
        return switch (dtype) {
            case F16 -> Float.float16ToFloat(memory.get(SHORT, byteOffset));
            case BF16 -> Halves.bf16ToFloat(memory.get(SHORT, byteOffset));
            case F32 -> memory.get(FLOAT, byteOffset);
            case F64 -> memory.get(DOUBLE, byteOffset);
            case BOOL, U8, I32, I64 -> throw new AssertionError(dtype);
        };
    }

    /** An element of an integer type or {@code BOOL}. */
    static long integer(DType dtype, MemorySegment memory, long byteOffset) {
        return switch (dtype) {
            case BOOL, U8 -> memory.get(BYTE, byteOffset) & 0xff;
            case I32 -> memory.get(INT, byteOffset);
            case I64 -> memory.get(LONG, byteOffset);
            case F16, BF16, F32, F64 -> throw new AssertionError(dtype);
        };
    }

    /** {@code memory[i] = memory[i] + value}, in a type that computes in itself. */
    static void add(DType dtype, MemorySegment memory, long byteOffset, MemorySegment updates, long updateOffset) {
        switch (dtype) {
            case U8 -> memory.set(BYTE, byteOffset,
                (byte) (memory.get(BYTE, byteOffset) + updates.get(BYTE, updateOffset)));
            case I32 -> memory.set(INT, byteOffset, memory.get(INT, byteOffset) + updates.get(INT, updateOffset));
            case I64 -> memory.set(LONG, byteOffset, memory.get(LONG, byteOffset) + updates.get(LONG, updateOffset));
            case F32 -> memory.set(FLOAT, byteOffset, memory.get(FLOAT, byteOffset) + updates.get(FLOAT, updateOffset));
            case F64 -> memory.set(DOUBLE, byteOffset,
                memory.get(DOUBLE, byteOffset) + updates.get(DOUBLE, updateOffset));
            case BOOL, F16, BF16 -> throw new AssertionError(dtype);
        }
    }

    /** Rounds to {@code F16} or {@code BF16}. */
    static void setHalf(DType dtype, MemorySegment memory, long byteOffset, float value) {
        memory.set(SHORT, byteOffset, dtype == DType.F16 ? Float.floatToFloat16(value) : Halves.bf16(value));
    }

    /** Copies one element of {@code bytes} 1, 2, 4 or 8. */
    static void copy(int bytes, MemorySegment source, long sourceOffset, MemorySegment target, long targetOffset) {
        switch (bytes) {
            case 1 -> target.set(BYTE, targetOffset, source.get(BYTE, sourceOffset));
            case 2 -> target.set(SHORT, targetOffset, source.get(SHORT, sourceOffset));
            case 4 -> target.set(INT, targetOffset, source.get(INT, sourceOffset));
            default -> target.set(LONG, targetOffset, source.get(LONG, sourceOffset));
        }
    }
}

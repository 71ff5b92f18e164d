package org.adjoint.reference;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;

/** Elements in memory, and the cells that stand for them. */
final class Cells {
    private Cells() { }

    static double real(long cell) {
        return Double.longBitsToDouble(cell);
    }

    static long cell(double real) {
        return Double.doubleToRawLongBits(real);
    }

    /** Element {@code index} of memory that holds {@code dtype}. */
    static long load(MemorySegment memory, DType dtype, long index) {
        return switch (dtype) {
            case BOOL -> memory.get(ValueLayout.JAVA_BYTE, index) != 0 ? 1 : 0;
            case U8 -> Byte.toUnsignedLong(memory.get(ValueLayout.JAVA_BYTE, index));
            case I32 -> memory.getAtIndex(ValueLayout.JAVA_INT, index);
            case I64 -> memory.getAtIndex(ValueLayout.JAVA_LONG, index);
            case F16 -> cell(Float.float16ToFloat(memory.getAtIndex(ValueLayout.JAVA_SHORT, index)));
            case BF16 -> cell(Halves.bf16ToFloat(memory.getAtIndex(ValueLayout.JAVA_SHORT, index)));
            case F32 -> cell(memory.getAtIndex(ValueLayout.JAVA_FLOAT, index));
            case F64 -> cell(memory.getAtIndex(ValueLayout.JAVA_DOUBLE, index));
        };
    }

    /** Writes element {@code index}: floating values are rounded to nearest even, integers wrap. */
    static void store(MemorySegment memory, DType dtype, long index, long cell) {
        switch (dtype) {
            case BOOL, U8 -> memory.set(ValueLayout.JAVA_BYTE, index, (byte) cell);
            case I32 -> memory.setAtIndex(ValueLayout.JAVA_INT, index, (int) cell);
            case I64 -> memory.setAtIndex(ValueLayout.JAVA_LONG, index, cell);
            case F16 -> memory.setAtIndex(ValueLayout.JAVA_SHORT, index, Halves.f16(real(cell)));
            case BF16 -> memory.setAtIndex(ValueLayout.JAVA_SHORT, index, Halves.bf16(real(cell)));
            case F32 -> memory.setAtIndex(ValueLayout.JAVA_FLOAT, index, (float) real(cell));
            case F64 -> memory.setAtIndex(ValueLayout.JAVA_DOUBLE, index, real(cell));
        }
    }

    /** {@code value} modulo the width of an integer type. */
    static long wrap(DType dtype, long value) {
        return switch (dtype) {
            case BOOL -> value & 1;
            case U8 -> value & 0xff;
            case I32 -> (int) value;
            case I64 -> value;
            case F16, BF16, F32, F64 -> throw new IllegalArgumentException(dtype + " is no integer type");
        };
    }

    /** As {@link org.adjoint.plan.Instruction.Cast} says. */
    static long cast(DType source, DType target, long cell) {
        if (source.isFloating()) {
            double x = real(cell);
            return switch (target) {
                case BOOL -> x != 0 ? 1 : 0;
                case U8 -> Math.clamp((long) x, 0, 255);
                case I32 -> (int) x;
                case I64 -> (long) x;
                case F16, BF16, F32, F64 -> cell(Halves.round(target, x));
            };
        }
        return switch (target) {
            case BOOL -> cell != 0 ? 1 : 0;
            case U8, I32, I64 -> wrap(target, cell);
            case F16, BF16, F32 -> cell(Halves.round(target, doubleThatRoundsAlike(cell)));
            case F64 -> cell((double) cell);
        };
    }

    /**
     * A double that rounds to narrower types as the integer itself does: where the integer has too many bits, the low
     * ten, which decide ties alone, become one bit that says whether any was set.
     */
    private static double doubleThatRoundsAlike(long integer) {
        boolean exact = integer == (long) (double) integer && integer != Long.MAX_VALUE;
        return exact ? integer : (integer & ~0x3ff) | ((integer & 0x3ff) == 0 ? 0 : 0x400);
    }
}

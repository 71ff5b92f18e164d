package org.adjoint.cpu.group;

import org.adjoint.graph.DType;

/** What a lane holds while it is computed with. {@code U8} is an {@code I32} from 0 to 255, {@code BOOL} a mask. */
enum Kind {
    F32, F64, I32, I64, MASK;

    static Kind of(DType computeType) {
        return switch (computeType) {
            case F32, F16, BF16 -> F32;
            case F64 -> F64;
            case I32, U8 -> I32;
            case I64 -> I64;
            case BOOL -> MASK;
        };
    }

    boolean isFloating() {
        return this == F32 || this == F64;
    }

    boolean isWide() {
        return this == F64 || this == I64;
    }

    /** The integer of the same size. */
    Kind bits() {
        return isWide() ? I64 : I32;
    }

    /** What scratch rows of values of this kind hold: masks are written out as 0 and 1. */
    Kind stored() {
        return this == MASK ? I32 : this;
    }

    /** Virtual lanes of the sums of {@link RowKernels}. */
    int virtualLanes() {
        return isWide() ? RowKernels.DOUBLE_LANES : RowKernels.FLOAT_LANES;
    }
}

package org.adjoint.cpu.gemm;

/** What a matrix stores. F16 and BF16 are widened to F32 for arithmetic; integers wrap. */
public enum ElementType {
    F32(4), F64(8), F16(2), BF16(2), I32(4), I64(8);

    private final int bytes;

    ElementType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes per element. */
    public int bytes() {
        return bytes;
    }

    /** The type in which products of this type are summed. */
    public ElementType arithmetic() {
        return switch (this) {
            case F32, F16, BF16 -> F32;
            case F64 -> F64;
            case I32 -> I32;
            case I64 -> I64;
        };
    }
}

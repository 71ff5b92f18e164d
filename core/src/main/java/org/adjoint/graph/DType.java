package org.adjoint.graph;

import java.util.Locale;

/**
 * Element types. {@code F16} and {@code BF16} are storage types: kernels widen them to {@code F32}, compute there and
 * round once, to nearest even, when they store.
 */
public enum DType {
    /** One byte per element, 0 or 1. */
    BOOL(Kind.BOOLEAN, 1, 0),
    /** Unsigned 8-bit integer. */
    U8(Kind.INTEGER, 1, 1),
    /** Signed 32-bit integer, wrapping. */
    I32(Kind.INTEGER, 4, 2),
    /** Signed 64-bit integer, wrapping. */
    I64(Kind.INTEGER, 8, 3),
    /** IEEE 754 binary16: 5 exponent bits, 10 fraction bits. */
    F16(Kind.FLOATING, 2, 4),
    /** bfloat16: the upper half of an {@code F32}. */
    BF16(Kind.FLOATING, 2, 4),
    /** IEEE 754 binary32. */
    F32(Kind.FLOATING, 4, 5),
    /** IEEE 754 binary64. */
    F64(Kind.FLOATING, 8, 6);

    private enum Kind { BOOLEAN, INTEGER, FLOATING }

    private final Kind kind;
    private final int bytes;
    private final int rank;

    DType(Kind kind, int bytes, int rank) {
        this.kind = kind;
        this.bytes = bytes;
        this.rank = rank;
    }

    /** Size of one element in bytes. */
    public int bytes() {
        return bytes;
    }

    public boolean isFloating() {
        return kind == Kind.FLOATING;
    }

    public boolean isInteger() {
        return kind == Kind.INTEGER;
    }

    public boolean isBoolean() {
        return this == BOOL;
    }

    /** Whether elements are stored in 16 bits and computed in {@code F32}. */
    public boolean isHalf() {
        return this == F16 || this == BF16;
    }

    /** The type that kernels compute in: {@code F32} for 16-bit types, else this type. */
    public DType computeType() {
        return isHalf() ? F32 : this;
    }

    /**
     * The type both operands of a binary operation are cast to. JAX's lattice: boolean, then integers by width, then
     * floating types by width; {@code F16} with {@code BF16} gives {@code F32}. An integer never widens a floating
     * type, so nothing becomes {@code F64} unless an operand is.
     */
    public static DType promote(DType a, DType b) {
        if (a.rank == b.rank) {
            return a == b ? a : F32;
        }
        return a.rank > b.rank ? a : b;
    }

    /** Distance from 1 to the next larger representable number. */
    public double epsilon() {
        return switch (this) {
            case F16 -> 0x1p-10;
            case BF16 -> 0x1p-7;
            case F32 -> 0x1p-23;
            case F64 -> 0x1p-52;
            case BOOL, U8, I32, I64 -> throw new IllegalArgumentException(this + " has no epsilon: it is not floating");
        };
    }

    /** {@code "f32"}, {@code "bool"} and so on, as the command line and messages write it. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The type whose {@link #text()} is {@code text}, in any case. */
    public static DType parse(String text) {
        for (DType type : values()) {
            if (type.text().equalsIgnoreCase(text)) {
                return type;
            }
        }
        throw new IllegalArgumentException(
            "unknown dtype '" + text + "': one of bool, u8, i32, i64, f16, bf16, f32, f64");
    }
}

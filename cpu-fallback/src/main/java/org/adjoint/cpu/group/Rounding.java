package org.adjoint.cpu.group;

import org.adjoint.cpu.group.Machine.Value;

/** Rounding to integers, and conversion between 16-bit formats and {@code F32}, all exact or to nearest even. */
final class Rounding {
    private Rounding() { }

    /** To the nearest integer, ties to even; zeros keep their sign. */
    static Value round(Machine m, Value x) {
        Value magnitude = m.abs(x);
        Value nearest = nearest(m, magnitude);
        return m.select(hasFraction(m, magnitude), m.copySign(nearest, x), x);
    }

    static Value trunc(Machine m, Value x) {
        Value magnitude = m.abs(x);
        Value nearest = nearest(m, magnitude);
        Value below = m.select(m.less(magnitude, nearest), m.sub(nearest, m.number(x.kind(), 1)), nearest);
        return m.select(hasFraction(m, magnitude), m.copySign(below, x), x);
    }

    static Value floor(Machine m, Value x) {
        Value rounded = round(m, x);
        Value below = m.sub(rounded, m.number(x.kind(), 1));
        return m.select(m.less(x, rounded), below, rounded);
    }

    /** Negative fractions go to -0. */
    static Value ceil(Machine m, Value x) {
        Value rounded = round(m, x);
        Value above = m.copySign(m.add(rounded, m.number(x.kind(), 1)), x);
        return m.select(m.less(rounded, x), above, rounded);
    }

    /** Adding 2^23 (2^52) leaves no bits for a fraction. */
    private static Value nearest(Machine m, Value magnitude) {
        Value large = m.number(magnitude.kind(), magnitude.kind() == Kind.F32 ? 0x1p23 : 0x1p52);
        return m.sub(m.add(magnitude, large), large);
    }

    private static Value hasFraction(Machine m, Value magnitude) {
        return m.less(magnitude, m.number(magnitude.kind(), magnitude.kind() == Kind.F32 ? 0x1p23 : 0x1p52));
    }

    /** binary16, as the lower half of an integer, to {@code F32}. */
    static Value fromF16(Machine m, Value half) {
        Value magnitude = m.shiftLeft(m.and(half, m.integer(Kind.I32, 0x7fff)), 13);
        // Rebiases the exponent, and makes subnormals normal.
        Value scaled = m.toBits(m.mul(m.fromBits(magnitude), m.f32(0x1p112f)));
        Value special = m.less(m.integer(Kind.I32, 0x0f7fffff), magnitude);
        Value bits = m.select(special, m.or(magnitude, m.integer(Kind.I32, 0x7f800000)), scaled);
        Value sign = m.shiftLeft(m.and(half, m.integer(Kind.I32, 0x8000)), 16);
        return m.fromBits(m.or(bits, sign));
    }

    /** {@code F32} to binary16, in the lower half of an integer. */
    static Value toF16(Machine m, Value x) {
        Value bits = m.toBits(x);
        Value magnitude = m.and(bits, m.integer(Kind.I32, 0x7fffffff));
        // Normal: half of the last kept bit's weight less one, plus that bit, carries as rounding to even does.
        Value lastBit = m.and(m.shiftRightLogical(magnitude, 13), m.integer(Kind.I32, 1));
        Value rebias = m.integer(Kind.I32, (15 - 127 << 23) + 0xfff);
        Value normal = m.shiftRightLogical(m.add(m.add(magnitude, rebias), lastBit), 13);
        // Subnormal: adding 1/2 puts a float's last bit where that of a subnormal half is.
        Value half = m.f32(0.5f);
        Value subnormal = m.sub(m.toBits(m.add(m.fromBits(magnitude), half)), m.toBits(half));
        Value finite = m.select(m.less(magnitude, m.integer(Kind.I32, 0x38800000)), subnormal, normal);
        Value nan = m.less(m.integer(Kind.I32, 0x7f800000), magnitude);
        Value special = m.select(nan, m.integer(Kind.I32, 0x7e00), m.integer(Kind.I32, 0x7c00));
        Value large = m.less(m.integer(Kind.I32, 0x477fffff), magnitude);
        Value sign = m.and(m.shiftRightLogical(bits, 16), m.integer(Kind.I32, 0x8000));
        return m.or(sign, m.select(large, special, finite));
    }

    /** bfloat16, as the lower half of an integer, to {@code F32}. */
    static Value fromBf16(Machine m, Value half) {
        return m.fromBits(m.shiftLeft(half, 16));
    }

    static Value toBf16(Machine m, Value x) {
        Value bits = m.toBits(x);
        Value lastBit = m.and(m.shiftRightLogical(bits, 16), m.integer(Kind.I32, 1));
        Value rounded = m.shiftRightLogical(m.add(m.add(bits, m.integer(Kind.I32, 0x7fff)), lastBit), 16);
        Value nan = m.or(m.shiftRightLogical(bits, 16), m.integer(Kind.I32, 0x40));
        return m.select(m.isNaN(x), nan, rounded);
    }

    /**
     * An {@code F32} that rounds to a 16-bit format as the {@code F64} itself would: where it is inexact, its last bit
     * is odd, so that rounding twice is rounding once.
     */
    static Value toOddF32(Machine m, Value x) {
        Value nearest = m.convert(x, Kind.F32);
        Value back = m.convert(nearest, Kind.F64);
        Value bits = m.toBits(nearest);
        Value one = m.integer(Kind.I32, 1);
        Value towards = m.select(m.less(m.abs(back), m.abs(x)), m.add(bits, one), m.sub(bits, one));
        Value isEven = m.equal(m.and(bits, one), m.integer(Kind.I32, 0));
        Value finite = m.less(m.abs(nearest), m.f32(Float.POSITIVE_INFINITY));
        Value inexact = m.and(m.and(m.notEqual(back, x), finite), isEven);
        return m.select(inexact, m.fromBits(towards), nearest);
    }
}

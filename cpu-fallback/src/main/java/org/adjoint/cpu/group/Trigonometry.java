package org.adjoint.cpu.group;

import org.adjoint.cpu.group.Machine.Value;

/**
 * Sine and cosine. {@code x = n pi/2 + r}, pi/2 in three parts, each product with n exact where r is small; beyond
 * {@link LargeAngles}' limits the angles are reduced elsewhere. The {@code F64} polynomials are those of fdlibm's
 * {@code k_sin.c} and {@code k_cos.c}.
 */
final class Trigonometry {
    private static final double[] FLOAT_SIN = {-0x1.555556p-3, 0x1.11110ep-7, -0x1.a0176p-13, 0x1.80ap-19};
    private static final double[] FLOAT_COS = {-0.5, 0x1.55555p-5, -0x1.6c0efap-10, 0x1.9a8p-16};
    private static final double[] DOUBLE_SIN = {
        -0x1.5555555555549p-3, 0x1.111111110f8a6p-7, -0x1.a01a019c161d5p-13, 0x1.71de357b1fe7dp-19,
        -0x1.ae5e68a2b9cebp-26, 0x1.5d93a5acfd57cp-33,
    };
    private static final double[] DOUBLE_COS = {
        -0.5, 0x1.555555555554cp-5, -0x1.6c16c16c15177p-10, 0x1.a01a019cb159p-16, -0x1.27e4f809c52adp-22,
        0x1.1ee9ebdb4b1c4p-29, -0x1.8fae9be8838d4p-37,
    };

    private Trigonometry() { }

    static Value sin(Machine m, Value x) {
        return m.largeSin(x, reducedSin(m, x, 0));
    }

    static Value cos(Machine m, Value x) {
        return m.largeCos(x, reducedSin(m, x, 1));
    }

    /** The sine of {@code x + quarters pi/2}. */
    private static Value reducedSin(Machine m, Value x, int quarters) {
        Kind kind = x.kind();
        boolean single = kind == Kind.F32;
        Value magic = m.number(kind, single ? Exponentials.FLOAT_MAGIC : Exponentials.DOUBLE_MAGIC);
        Value shifted = m.fma(x, m.number(kind, 2 / Math.PI), magic);
        Value n = m.sub(shifted, magic);
        double[] parts = single ? new double[] {-0x1.921fbp0, -0x1.5110b4p-22, -0x1.846988p-48}
            : new double[] {-0x1.921fb54442d18p0, -0x1.1a62633145c06p-54, -0x1.c1cd129024e09p-107};
        Value r = x;
        for (double part : parts) {
            r = m.fma(n, m.number(kind, part), r);
        }
        Kind bitKind = kind.bits();
        Value quadrant = m.add(m.toBits(shifted), m.integer(bitKind, quarters));
        Value square = m.mul(r, r);
        // Adding 0 makes the product of zeros positive, so that the sine of -0 is -0.
        Value sine = m.fma(m.fma(r, square, m.number(kind, 0)), m.polynomial(square, single ? FLOAT_SIN : DOUBLE_SIN),
            r);
        Value cosine = m.fma(square, m.polynomial(square, single ? FLOAT_COS : DOUBLE_COS), m.number(kind, 1));
        Value isOdd = m.notEqual(m.and(quadrant, m.integer(bitKind, 1)), m.integer(bitKind, 0));
        Value result = m.select(isOdd, cosine, sine);
        Value sign = m.shiftLeft(m.and(quadrant, m.integer(bitKind, 2)), single ? 30 : 62);
        return m.fromBits(m.xor(m.toBits(result), sign));
    }
}

package org.adjoint.cpu.group;

import org.adjoint.cpu.group.Machine.Value;

/**
 * The exponential and what is made of it, for {@code F32} and {@code F64}.
 *
 * <p>{@code x = n ln 2 + r}, {@code |r| <= ln 2 / 2}; {@code e^r = 1 + r + r^2 P(r)} with P fitted to the least error
 * relative to {@code e^r - 1} (2^-26 for {@code F32}, 2^-61 for {@code F64}).
 */
final class Exponentials {
    /** Adding it rounds to an integer, which the last bits of the sum then hold. */
    static final double FLOAT_MAGIC = 0x1.8p23;
    static final double DOUBLE_MAGIC = 0x1.8p52;

    private static final double[] FLOAT_EXP = {
        0x1.fffffep-2, 0x1.5554aep-3, 0x1.555724p-5, 0x1.1228e6p-7, 0x1.6b635p-10,
    };
    private static final double[] DOUBLE_EXP = {
        0x1p-1, 0x1.5555555555559p-3, 0x1.555555555554cp-5, 0x1.111111110f64cp-7, 0x1.6c16c16c1b32bp-10,
        0x1.a01a01b009b4cp-13, 0x1.a01a018b45b9ep-16, 0x1.71ddf7fa09b4cp-19, 0x1.27e5197158ea2p-22,
        0x1.af5f5a5769087p-26, 0x1.1f106e3622eeap-29,
    };

    private Exponentials() { }

    /** {@code x = n ln 2 + r}: r, and a number whose last bits are n. */
    record Reduced(Value remainder, Value shifted) { }

    static Reduced reduce(Machine m, Value x) {
        boolean single = x.kind() == Kind.F32;
        Value magic = m.number(x.kind(), single ? FLOAT_MAGIC : DOUBLE_MAGIC);
        Value shifted = m.fma(x, m.number(x.kind(), single ? 0x1.715476p0 : 0x1.71547652b82fep0), magic);
        Value n = m.sub(shifted, magic);
        Value high = m.fma(n, m.number(x.kind(), single ? -0x1.62e400p-1 : -0x1.62e42fefa3800p-1), x);
        Value low = m.fma(n, m.number(x.kind(), single ? -0x1.7f7d1cp-20 : -0x1.ef35793c76730p-45), high);
        return new Reduced(low, shifted);
    }

    /** {@code e^r - 1}. */
    private static Value expm1OfRemainder(Machine m, Value r) {
        Value p = m.polynomial(r, r.kind() == Kind.F32 ? FLOAT_EXP : DOUBLE_EXP);
        return m.fma(m.mul(r, r), p, r);
    }

    /** The bits of n, where they are added to those of an exponent. */
    private static Value exponent(Machine m, Value shifted) {
        return m.shiftLeft(m.toBits(shifted), shifted.kind() == Kind.F32 ? 23 : 52);
    }

    static Value exp(Machine m, Value x) {
        return exp(m, x, null);
    }

    /** {@code e^(x + low)}, where low is far smaller than x or absent. */
    static Value exp(Machine m, Value x, Value low) {
        boolean single = x.kind() == Kind.F32;
        Kind kind = x.kind();
        Reduced reduced = reduce(m, x);
        Value r = low == null ? reduced.remainder : m.add(reduced.remainder, low);
        Value p = m.add(m.number(kind, 1), expm1OfRemainder(m, r));
        Value bits = m.add(m.toBits(p), exponent(m, reduced.shifted));
        // Results below the normal range are computed 2^64 times larger and rounded when they are scaled back.
        Value tiny = m.less(x, m.number(kind, single ? -87 : -708));
        Value up = m.integer(kind.bits(), 64L << (single ? 23 : 52));
        Value scaled = m.mul(m.fromBits(m.add(bits, up)), m.number(kind, 0x1p-64));
        Value result = m.select(tiny, scaled, m.fromBits(bits));
        // Neither too large nor NaN, whose bits were added to.
        Value bounded = m.lessOrEqual(x, m.number(kind, single ? 0x1.62e42ep6 : 0x1.62e42fefa39efp9));
        Value underflow = m.less(x, m.number(kind, single ? -0x1.9fe368p6 : -0x1.74910d52d3052p9));
        Value upper = m.select(bounded, result, m.add(x, m.number(kind, Double.POSITIVE_INFINITY)));
        return m.select(underflow, m.number(kind, 0), upper);
    }

    /** {@code e^x - 1} for {@code x <= ln(2) 2^6} (2^9): {@code 2^n (e^r - 1) + (2^n - 1)}. */
    private static Value expm1InRange(Machine m, Value x) {
        Reduced reduced = reduce(m, x);
        Value one = m.number(x.kind(), 1);
        Value power = m.fromBits(m.add(m.toBits(one), exponent(m, reduced.shifted)));
        return m.fma(expm1OfRemainder(m, reduced.remainder), power, m.sub(power, one));
    }

    static Value expm1(Machine m, Value x) {
        boolean single = x.kind() == Kind.F32;
        Kind kind = x.kind();
        Reduced reduced = reduce(m, x);
        // Half of the power, as the whole one may overflow where the result does not.
        Value half = m.number(kind, 0.5);
        Value power = m.fromBits(m.add(m.toBits(half), exponent(m, reduced.shifted)));
        Value halfResult = m.fma(expm1OfRemainder(m, reduced.remainder), power, m.sub(power, half));
        Value result = m.add(halfResult, halfResult);
        Value overflow = m.less(m.number(kind, single ? 0x1.62e42ep6 : 0x1.62e42fefa39efp9), x);
        Value lowest = m.less(x, m.number(kind, single ? -18 : -38));
        Value small = m.less(m.abs(x), m.number(kind, single ? 0x1p-25 : 0x1p-54));
        Value upper = m.select(overflow, m.number(kind, Double.POSITIVE_INFINITY), result);
        return m.select(small, x, m.select(lowest, m.number(kind, -1), upper));
    }

    /** {@code t / (t + 2)} with {@code t = e^(2 |x|) - 1}, with x's sign. */
    static Value tanh(Machine m, Value x) {
        Kind kind = x.kind();
        Value magnitude = m.abs(x);
        Value limit = m.number(kind, kind == Kind.F32 ? 10 : 22);
        Value bounded = m.select(m.less(limit, magnitude), limit, magnitude);
        Value t = expm1InRange(m, m.add(bounded, bounded));
        Value two = m.number(kind, 2);
        Value denominator = m.add(t, two);
        Value ratio = m.div(t, denominator);
        // What rounding took from the denominator, times the derivative -ratio / denominator = -ratio (1 - ratio) / 2,
        // where 1 - ratio has bits enough.
        Value rounded = m.sub(t, m.sub(denominator, two));
        Value low = m.select(m.less(magnitude, m.number(kind, 1)), rounded, m.number(kind, 0));
        Value half = m.number(kind, 0.5);
        ratio = m.fma(m.mul(ratio, low), m.fma(ratio, half, m.neg(half)), ratio);
        // The polynomial would round subnormal squares away; below this the result is x.
        Value small = m.less(magnitude, m.number(kind, kind == Kind.F32 ? 0x1p-13 : 0x1p-28));
        return m.select(small, x, m.copySign(ratio, x));
    }

    /** {@code 1 / (1 + e^-x)}, as {@code e^x / (1 + e^x)} for negative x, which keeps small results. */
    static Value sigmoid(Machine m, Value x) {
        Value one = m.number(x.kind(), 1);
        Value e = exp(m, m.neg(m.abs(x)));
        Value numerator = m.select(m.less(x, m.number(x.kind(), 0)), e, one);
        return m.div(numerator, m.add(one, e));
    }
}

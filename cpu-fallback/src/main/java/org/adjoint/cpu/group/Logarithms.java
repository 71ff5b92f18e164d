package org.adjoint.cpu.group;

import org.adjoint.cpu.group.Machine.Value;

/**
 * Logarithms and powers. {@code x = 2^k (1 + f)} with 1 + f in [2/3, 4/3]; the series of {@code log(1 + f)} is a fitted
 * polynomial for {@code F32}, and that of fdlibm's {@code e_log.c} in {@code s = f / (2 + f)} for {@code F64}.
 */
final class Logarithms {
    private static final double[] EVEN = {-0x1.fffe02p-3, -0x1.55b36cp-3, -0x1.f198b2p-4, -0x1.0aep-3};
    private static final double[] ODD = {0x1.99d8b2p-3, 0x1.1e5740p-3, 0x1.208p-3};
    /** Lg1 to Lg7. */
    private static final double[] SERIES = {
        0x1.5555555555593p-1, 0x1.999999997fa04p-2, 0x1.2492494229359p-2, 0x1.c71c51d8e78afp-3,
        0x1.7466496cb03dep-3, 0x1.39a09d078c69fp-3, 0x1.2f112df3e5244p-3,
    };
    private static final double LN2_HIGH = 0x1.62e42feep-1;
    private static final double LN2_LOW = 0x1.a39ef35793c76p-33;

    private Logarithms() { }

    static Value log(Machine m, Value x) {
        boolean single = x.kind() == Kind.F32;
        Kind kind = x.kind();
        Value subnormal = m.less(x, m.number(kind, single ? Float.MIN_NORMAL : Double.MIN_NORMAL));
        Value normal = m.select(subnormal, m.mul(x, m.number(kind, single ? 0x1p23 : 0x1p52)), x);
        Value zero = m.number(kind, 0);
        Value shift = m.select(subnormal, m.number(kind, single ? -23 : -52), zero);
        Value exponentBits = exponentBits(m, normal);
        Value f = m.sub(m.fromBits(m.sub(m.toBits(normal), exponentBits)), m.number(kind, 1));
        Value k = m.add(exponent(m, exponentBits), shift);
        Value result = sum(m, f, k);
        Value infinity = m.number(kind, Double.POSITIVE_INFINITY);
        Value finite = m.select(m.equal(x, infinity), infinity, result);
        Value negative = m.select(m.less(x, zero), m.number(kind, Double.NaN), finite);
        Value known = m.select(m.equal(x, zero), m.number(kind, Double.NEGATIVE_INFINITY), negative);
        return m.select(m.isNaN(x), x, known);
    }

    static Value log1p(Machine m, Value x) {
        boolean single = x.kind() == Kind.F32;
        Kind kind = x.kind();
        Value one = m.number(kind, 1);
        Value u = m.add(x, one);
        Value exponentBits = exponentBits(m, u);
        // f = x 2^-k + (2^-k - 1), with 4 2^-k in place of 2^-k, which may be subnormal.
        Value scaled = m.fromBits(m.sub(m.toBits(x), exponentBits));
        Value power = m.fromBits(m.sub(m.toBits(m.number(kind, 4)), exponentBits));
        Value f = m.add(scaled, m.fma(m.number(kind, 0.25), power, m.number(kind, -1)));
        Value result = sum(m, f, exponent(m, exponentBits));
        Value infinity = m.number(kind, Double.POSITIVE_INFINITY);
        Value finite = m.select(m.equal(x, infinity), infinity, result);
        Value minusOne = m.number(kind, -1);
        Value negative = m.select(m.less(x, minusOne), m.number(kind, Double.NaN), finite);
        Value known = m.select(m.equal(x, minusOne), m.number(kind, Double.NEGATIVE_INFINITY), negative);
        Value small = m.less(m.abs(x), m.number(kind, single ? 0x1p-25 : 0x1p-54));
        return m.select(m.or(small, m.isNaN(x)), x, known);
    }

    /** The bits of 2^k, less those of 1. */
    private static Value exponentBits(Machine m, Value x) {
        return x.kind() == Kind.F32
            ? m.and(m.sub(m.toBits(x), m.integer(Kind.I32, 0x3f2aaaab)), m.integer(Kind.I32, 0xff800000))
            : m.and(m.sub(m.toBits(x), m.integer(Kind.I64, 0x3fe6a09e667f3bcdL)), m.integer(Kind.I64, -1L << 52));
    }

    /** k as a number. AVX2 does not convert 64-bit integers: adding one to the bits of 1.5 * 2^52 does. */
    private static Value exponent(Machine m, Value exponentBits) {
        if (exponentBits.kind() == Kind.I32) {
            return m.mul(m.convert(exponentBits, Kind.F32), m.f32(0x1p-23f));
        }
        Value magic = m.f64(Exponentials.DOUBLE_MAGIC);
        return m.sub(m.fromBits(m.add(m.shiftRight(exponentBits, 52), m.toBits(magic))), magic);
    }

    /** {@code log(1 + f) + k ln 2}. */
    private static Value sum(Machine m, Value f, Value k) {
        if (f.kind() == Kind.F32) {
            Value square = m.mul(f, f);
            Value series = m.fma(m.polynomial(square, ODD), f, m.polynomial(square, EVEN));
            series = m.fma(series, f, m.f32(0x1.5554fap-2f));
            series = m.fma(series, f, m.f32(-0.5f));
            series = m.fma(series, square, f);
            return m.fma(k, m.f32(0x1.62e430p-1f), series);
        }
        Value halfSquare = m.mul(m.mul(m.f64(0.5), f), f);
        Value s = m.div(f, m.add(m.f64(2), f));
        Value square = m.mul(s, s);
        Value series = m.mul(square, m.polynomial(square, SERIES));
        Value correction = m.fma(s, m.add(halfSquare, series), m.mul(k, m.f64(LN2_LOW)));
        return m.fma(k, m.f64(LN2_HIGH), m.sub(f, m.sub(halfSquare, correction)));
    }

    /**
     * {@code x^y}, with the special cases of IEEE 754: 1 for y = 0 or x = 1 whatever the other, {@code (+-1)^(+-inf) =
     * 1}. {@code F32} is computed in {@code F64}, {@code F64} with a logarithm of twice that precision.
     */
    static Value pow(Machine m, Value x, Value y) {
        boolean single = x.kind() == Kind.F32;
        Kind kind = x.kind();
        Value magnitude = m.abs(x);
        Value finite = single ? powerOfFloat(m, magnitude, y) : power(m, magnitude, y);
        Value zero = m.number(kind, 0);
        Value one = m.number(kind, 1);
        Value infinity = m.number(kind, Double.POSITIVE_INFINITY);

        Value yMagnitude = m.abs(y);
        Value grows = m.xor(m.less(magnitude, one), m.less(zero, y));
        Value limit = m.select(m.equal(magnitude, one), one, m.select(grows, infinity, zero));
        Value atEnd = m.or(m.or(m.equal(magnitude, zero), m.equal(magnitude, infinity)), m.equal(yMagnitude, infinity));
        Value result = m.select(atEnd, limit, finite);

        Value isInteger = m.equal(Rounding.trunc(m, y), y);
        Value halfOfY = m.mul(y, m.number(kind, 0.5));
        Value isOdd = m.and(isInteger, m.notEqual(Rounding.trunc(m, halfOfY), halfOfY));
        Value signed = m.select(isOdd, m.copySign(result, x), result);
        Value negativeBase = m.and(m.less(x, zero), m.less(magnitude, infinity));
        Value invalid = m.and(negativeBase, m.not(isInteger));
        Value valid = m.select(invalid, m.number(kind, Double.NaN), signed);
        Value anyNaN = m.or(m.isNaN(x), m.isNaN(y));
        Value number = m.select(anyNaN, m.add(x, y), valid);
        return m.select(m.or(m.equal(y, zero), m.equal(x, one)), one, number);
    }

    private static Value powerOfFloat(Machine m, Value x, Value y) {
        Value logarithm = log(m, m.convert(x, Kind.F64));
        Value product = m.mul(m.convert(y, Kind.F64), logarithm);
        return m.convert(Exponentials.exp(m, product), Kind.F32);
    }

    /** {@code x^y} for positive finite x: the logarithm as the sum of two numbers. */
    private static Value power(Machine m, Value x, Value y) {
        Value subnormal = m.less(x, m.f64(Double.MIN_NORMAL));
        Value normal = m.select(subnormal, m.mul(x, m.f64(0x1p52)), x);
        Value exponentBits = exponentBits(m, normal);
        Value f = m.sub(m.fromBits(m.sub(m.toBits(normal), exponentBits)), m.f64(1));
        Value k = m.add(exponent(m, exponentBits), m.select(subnormal, m.f64(-52), m.f64(0)));

        // s = f / (2 + f)
        Value denominator = m.add(m.f64(2), f);
        Value denominatorLow = m.sub(f, m.sub(denominator, m.f64(2)));
        Value s = m.div(f, denominator);
        Value rest = m.fma(m.neg(s), denominatorLow, m.fma(m.neg(s), denominator, f));
        Value sLow = m.div(rest, denominator);
        // z = s^2
        Value z = m.mul(s, s);
        Value zLow = m.fma(m.add(s, s), sLow, m.fma(s, s, m.neg(z)));
        // u = 2/3 + 2/5 z + 2/7 z^2 + ...
        Value higher = m.mul(z, m.polynomial(z, 2 / 5.0, 2 / 7.0, 2 / 9.0, 2 / 11.0, 2 / 13.0, 2 / 15.0, 2 / 17.0,
            2 / 19.0, 2 / 21.0, 2 / 23.0));
        Value twoThirds = m.f64(0x1.5555555555555p-1);
        Value u = m.add(twoThirds, higher);
        Value uLow = m.add(m.sub(higher, m.sub(u, twoThirds)), m.f64(0x1.5555555555555p-55));
        // v = 2 + z u
        Value zu = m.mul(z, u);
        Value zuLow = m.fma(zLow, u, m.fma(z, uLow, m.fma(z, u, m.neg(zu))));
        Value v = m.add(m.f64(2), zu);
        Value vLow = m.add(m.sub(zu, m.sub(v, m.f64(2))), zuLow);
        // log(1 + f) = s v
        Value product = m.mul(s, v);
        Value productLow = m.fma(sLow, v, m.fma(s, vLow, m.fma(s, v, m.neg(product))));
        // + k ln 2
        Value large = m.mul(k, m.f64(0x1.62e42fefa3800p-1));
        Value sum = m.add(large, product);
        Value part = m.sub(sum, large);
        Value error = m.add(m.sub(large, m.sub(sum, part)), m.sub(product, part));
        Value low = m.add(error, m.fma(k, m.f64(0x1.ef35793c76730p-45), productLow));
        Value high = m.add(sum, low);
        Value highLow = m.sub(low, m.sub(high, sum));

        Value t = m.mul(y, high);
        Value tLow = m.fma(y, highLow, m.fma(y, high, m.neg(t)));
        Value bounded = m.less(m.abs(t), m.f64(1000));
        return Exponentials.exp(m, t, m.select(bounded, tLow, m.f64(0)));
    }
}

package org.adjoint.cpu.group;

import org.adjoint.cpu.group.Machine.Value;

/**
 * The arctangent: {@code a + atan((|x| - b) / (1 + b |x|))} with a = atan b one of 0, pi/4 and pi/2, so that the
 * argument is in [-tan(pi/8), tan(pi/8)]; there {@code t + t^3 P(t^2)}, with P fitted to the least relative error (2^-30
 * for {@code F32}, 2^-63 for {@code F64}).
 */
final class Arctangent {
    private static final double[] FLOAT_SERIES = {
        -0x1.55554ap-2, 0x1.9991e2p-3, -0x1.23b9a2p-3, 0x1.b22456p-4, -0x1.f2e59ep-5,
    };
    private static final double[] DOUBLE_SERIES = {
        -0x1.5555555555554p-2, 0x1.9999999999584p-3, -0x1.249249246f58cp-3, 0x1.c71c71b458c22p-4,
        -0x1.745d14504511fp-4, 0x1.3b1364efdd65fp-4, -0x1.110beb7243d16p-4, 0x1.e167bb1015560p-5,
        -0x1.ab3bf1d4497f7p-5, 0x1.6fe4e95d63899p-5, -0x1.0fd54758cb1d5p-5, 0x1.e84c969fca06cp-7,
    };

    private Arctangent() { }

    static Value atan(Machine m, Value x) {
        Kind kind = x.kind();
        boolean single = kind == Kind.F32;
        Value size = m.abs(x);
        Value one = m.number(kind, 1);
        Value zero = m.number(kind, 0);
        // tan(pi/8) and tan(3 pi/8), about
        Value middle = m.less(m.number(kind, 0x1.a8279ap-2), size);
        Value large = m.less(m.number(kind, 0x1.3504f4p1), size);
        Value numerator = m.select(large, m.number(kind, -1), m.select(middle, m.sub(size, one), size));
        Value denominator = m.select(large, size, m.select(middle, m.add(size, one), one));
        Value t = m.div(numerator, denominator);
        Value square = m.mul(t, t);
        Value cubic = m.mul(m.polynomial(square, single ? FLOAT_SERIES : DOUBLE_SERIES), square);
        // pi/4 and what its rounding leaves, twice that for pi/2
        Value quarter = m.number(kind, single ? 0x1.921fb6p-1 : 0x1.921fb54442d18p-1);
        Value rest = m.number(kind, single ? -0x1.777a5cp-26 : 0x1.1a62633145c07p-55);
        Value high = m.select(large, m.add(quarter, quarter), m.select(middle, quarter, zero));
        Value low = m.select(large, m.add(rest, rest), m.select(middle, rest, zero));
        Value near = m.add(high, m.add(t, m.fma(cubic, t, low)));
        return m.copySign(near, x);
    }
}

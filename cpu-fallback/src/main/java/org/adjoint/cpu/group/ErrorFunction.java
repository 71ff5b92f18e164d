package org.adjoint.cpu.group;

import org.adjoint.cpu.group.Machine.Value;

/**
 * The error function: {@code x + x P(x^2)} near 0, {@code 1 - exp(-Q(|x|))} beyond, with P and Q fitted so that erf has
 * the least relative error (2^-56 for {@code F64}).
 */
final class ErrorFunction {
    private static final double FLOAT_SPLIT = 0.921875;
    private static final double[] FLOAT_SMALL = {
        0x1.06eba8p-3, -0x1.8127p-2, 0x1.ce1c44p-4, -0x1.b691b2p-6, 0x1.471a58p-8, -0x1.38ep-11,
    };
    /** {@code (Q - x) / x}. */
    private static final double[] FLOAT_LARGE = {
        0x1.079d0cp-3, 0x1.450aap-1, 0x1.b55cb8p-4, -0x1.8d6342p-6, 0x1.fd1438p-9, -0x1.91cfb2p-12, 0x1.22p-16,
    };
    private static final double[] DOUBLE_SMALL = {
        0x1.06eba8214db69p-3, -0x1.812746b0379fdp-2, 0x1.ce2f21a043610p-4, -0x1.b82ce312ab114p-6,
        0x1.565bcd126eb03p-8, -0x1.c02db49267ac7p-11, 0x1.f9a334289efeap-14, -0x1.f4d31e13b86f4p-17,
        0x1.b9ed791a90f17p-20, -0x1.5f8e89288ca2ap-23, 0x1.fc0fdaf91b897p-27, -0x1.453261200b184p-30,
        0x1.2600810671331p-34,
    };
    /** Of {@code |x| - 1}, up to 6, where erf rounds to 1. */
    private static final double[] DOUBLE_LARGE = {
        0x1.d97fbf27aa2a1p+0, 0x1.51c9b0006c240p+1, 0x1.afabc11a28dc5p-1, 0x1.5477f09cbb62bp-5,
        -0x1.48c9d40d8022ep-7, 0x1.033f6993c3dc6p-9, -0x1.f1b4b0acf2235p-13, -0x1.b8c06844ce6eap-16,
        0x1.c760b7ffb4f65p-16, -0x1.4178830e57ab2p-17, 0x1.0f9595c80dd85p-19, -0x1.cf099286f3562p-24,
        -0x1.087c8ad18b64ep-23, 0x1.1c28de332a943p-24, -0x1.6444914a9c95dp-26, 0x1.3e26be26bc97bp-28,
        -0x1.9bbbc8ca5fbe9p-31, 0x1.7154a6dc396ffp-34, -0x1.9b58fcaeeaca8p-38, 0x1.abe721454e24ap-43,
    };

    private ErrorFunction() { }

    static Value erf(Machine m, Value x) {
        return x.kind() == Kind.F32 ? erfOfFloat(m, x) : erfOfDouble(m, x);
    }

    private static Value erfOfFloat(Machine m, Value x) {
        Value magnitude = m.abs(x);
        Value limit = m.f32(4);
        Value bounded = m.select(m.less(limit, magnitude), limit, magnitude);
        Value q = m.fma(m.polynomial(bounded, FLOAT_LARGE), bounded, bounded);
        Value large = m.copySign(m.sub(m.f32(1), Exponentials.exp(m, m.neg(q))), x);
        Value small = m.fma(m.polynomial(m.mul(x, x), FLOAT_SMALL), x, x);
        Value isLarge = m.less(m.number(Kind.F32, FLOAT_SPLIT), magnitude);
        return m.select(isLarge, large, small);
    }

    private static Value erfOfDouble(Machine m, Value x) {
        Value magnitude = m.abs(x);
        Value limit = m.f64(6);
        Value bounded = m.select(m.less(limit, magnitude), limit, magnitude);
        Value one = m.f64(1);
        Value q = m.polynomial(m.sub(bounded, one), DOUBLE_LARGE);
        Value large = m.copySign(m.sub(one, Exponentials.exp(m, m.neg(q))), x);
        Value small = m.fma(m.polynomial(m.mul(x, x), DOUBLE_SMALL), x, x);
        return m.select(m.less(one, magnitude), large, small);
    }
}

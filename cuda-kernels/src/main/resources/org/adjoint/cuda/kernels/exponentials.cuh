// The exponential and what is made of it: x = n ln 2 + r, |r| <= ln 2 / 2; e^r = 1 + r + r^2 P(r), with P fitted to the
// least error relative to e^r - 1 (2^-26 for f32, 2^-61 for f64). Under 1 ulp.
#pragma once
#include "floating.cuh"

namespace op {

// Adding it rounds to an integer, which the last bits of the sum then hold.
template <typename C> __device__ constexpr C rounder() { return number<C>(0x1.8p23, 0x1.8p52); }

// x = n ln 2 + remainder; the last bits of shifted are n + ADDED, which is even.
template <typename C> struct Reduced {
    C remainder;
    C shifted;
};

template <int ADDED = 0, typename C> __device__ inline Reduced<C> reduce(C x) {
    C adder = rounder<C>() + ADDED;
    C shifted = fused(x, number<C>(0x1.715476p0, 0x1.71547652b82fep0), adder);
    C n = shifted - adder;
    C high = fused(n, number<C>(-0x1.62e400p-1, -0x1.62e42fefa3800p-1), x);
    return {fused(n, number<C>(-0x1.7f7d1cp-20, -0x1.ef35793c76730p-45), high), shifted};
}

__device__ inline f32 exponential_series(f32 r) {
    return polynomial(r, 0x1.fffffep-2, 0x1.5554aep-3, 0x1.555724p-5, 0x1.1228e6p-7, 0x1.6b635p-10);
}
__device__ inline f64 exponential_series(f64 r) {
    return polynomial(r, 0x1p-1, 0x1.5555555555559p-3, 0x1.555555555554cp-5, 0x1.111111110f64cp-7,
        0x1.6c16c16c1b32bp-10, 0x1.a01a01b009b4cp-13, 0x1.a01a018b45b9ep-16, 0x1.71ddf7fa09b4cp-19,
        0x1.27e5197158ea2p-22, 0x1.af5f5a5769087p-26, 0x1.1f106e3622eeap-29);
}

// e^r - 1
template <typename C> __device__ inline C expm1_of_remainder(C r) { return fused(r * r, exponential_series(r), r); }

// The bits of n, where they are added to those of an exponent.
template <typename C> __device__ inline typename Bits<C>::type exponent_of(C shifted) {
    return bits_of(shifted) << fraction_bits<C>();
}

// The exponent's bits of 1.
template <typename C> __device__ constexpr int bias() { return is_single<C>() ? 127 : 1023; }

// What is below rounds to 0 as this does.
template <typename C> __device__ constexpr C least_exponent() { return number<C>(-104, -746); }

// e^(x + low), where low is far smaller than x.
template <typename C> __device__ inline C exponential(C x, C low) {
    // What is above rounds to infinity as this does.
    Reduced<C> reduced = reduce<2 * bias<C>()>(lowered(raised(x, least_exponent<C>()), number<C>(89, 710)));
    // NaN of NaN, whatever it is multiplied by.
    C p = 1 + expm1_of_remainder(reduced.remainder + low);
    // 2^n may be too large or too small for a number: it is multiplied by in two halves, of which the first is exact.
    auto half = bits_of(reduced.shifted) >> 1 << fraction_bits<C>();
    return p * of_bits(half) * of_bits(exponent_of(reduced.shifted) - half);
}

template <typename C> __device__ inline C exp(C x) { return exponential(x, (C) -0.0); }

// The same for x <= 43 (f64: 660), with less work: 2^65 times as large, then rounded when it is scaled back.
template <typename C> __device__ inline C bounded_exp(C x) {
    Reduced<C> reduced = reduce<bias<C>() + 64 + 1>(raised(x, least_exponent<C>()));
    C p = 1 + expm1_of_remainder(reduced.remainder);
    return p * of_bits(exponent_of(reduced.shifted)) * (C) 0x1p-65;
}

// e^x where it is a normal number: between -87 and 88 (f64: -708 and 709).
template <typename C> __device__ inline C exp_in_range(C x) {
    Reduced<C> reduced = reduce(x);
    C p = 1 + expm1_of_remainder(reduced.remainder);
    return of_bits(bits_of(p) + exponent_of(reduced.shifted));
}

// The same as exp for |x| <= 87; otherwise anything, and what happens is no longer usual.
__device__ inline f32 exp_if_usual(f32 x, bool& usual) {
    usual &= absolute(x) <= 87;
    return exp_in_range(x);
}

// e^x - 1 for x <= ln(2) 2^6 (f64: 2^9): 2^n (e^r - 1) + (2^n - 1).
template <typename C> __device__ inline C expm1_in_range(C x) {
    Reduced<C> reduced = reduce(x);
    C power = of_bits(bits_of((C) 1) + exponent_of(reduced.shifted));
    return fused(expm1_of_remainder(reduced.remainder), power, power - 1);
}

template <typename C> __device__ inline C expm1(C x) {
    Reduced<C> reduced = reduce(x);
    // Half of the power, as the whole one may overflow where the result does not.
    C power = of_bits(bits_of((C) 0.5) + exponent_of(reduced.shifted));
    C half = fused(expm1_of_remainder(reduced.remainder), power, power - (C) 0.5);
    C result = number<C>(0x1.62e42ep6, 0x1.62e42fefa39efp9) < x ? infinity<C>() : half + half;
    C above = x < number<C>(-18, -38) ? -1 : result;
    return magnitude(x) < number<C>(0x1p-25, 0x1p-54) ? x : above;
}

// t / (t + 2), as division rounds it; denominator: t + 2
__device__ inline f64 tanh_ratio(f64 t, f64 denominator) { return t / denominator; }
__device__ inline f32 tanh_ratio(f32 t, f32 denominator) {
    // What division does, but for the checks of its range, around which compilers branch. Any reciprocal that is off by
    // up to two units in the last place gives the quotient's bits, tried for each t from 2^-13 to e^20.
    f32 reciprocal = approximate_reciprocal(denominator);
    reciprocal = fused(reciprocal, fused(-denominator, reciprocal, 1), reciprocal);
    f32 ratio = t * reciprocal;
    return fused(fused(-denominator, ratio, t), reciprocal, ratio);
}

// t / (t + 2) with t = e^(2 |x|) - 1, with x's sign.
template <typename C> __device__ inline C tanh(C x) {
    C size = absolute(x);
    C bounded = at_most(size, number<C>(10, 22));
    C t = expm1_in_range(bounded + bounded);
    C denominator = t + 2;
    C ratio = tanh_ratio(t, denominator);
    // What rounding took from the denominator, times the derivative -ratio / denominator = -ratio (1 - ratio) / 2,
    // where 1 - ratio has bits enough.
    C low = t - (denominator - 2);
    C corrected = fused(ratio * low, fused(ratio, (C) 0.5, (C) -0.5), ratio);
    C result = size < 1 ? corrected : ratio;
    // The polynomial would round subnormal squares away; below this, and where x is NaN, the result is x.
    return size >= number<C>(0x1p-13, 0x1p-28) ? with_sign(result, x) : x;
}

// 1 / (1 + e^-x), as e^x / (1 + e^x) for negative x, which keeps small results.
template <typename C> __device__ inline C sigmoid(C x) {
    C e = bounded_exp(-magnitude(x));
    return (x < 0 ? e : 1) / (1 + e);
}

// The error function: x + x P(x^2) near 0, 1 - exp(-Q(|x|)) beyond, with P and Q fitted so that erf has the least
// relative error (2^-56 for f64).

__device__ inline f32 erf(f32 x) {
    f32 size = absolute(x);
    f32 bounded = at_most(size, 4);
    f32 q = fused(polynomial(bounded, 0x1.079d0cp-3, 0x1.450aap-1, 0x1.b55cb8p-4, -0x1.8d6342p-6, 0x1.fd1438p-9,
        -0x1.91cfb2p-12, 0x1.22p-16), bounded, bounded);
    f32 large = with_sign(1 - exp_in_range(-q), x);
    f32 small = fused(polynomial(x * x, 0x1.06eba8p-3, -0x1.8127p-2, 0x1.ce1c44p-4, -0x1.b691b2p-6, 0x1.471a58p-8,
        -0x1.38ep-11), x, x);
    return 0.921875f < size ? large : small;
}

__device__ inline f64 erf(f64 x) {
    f64 size = absolute(x);
    // erf rounds to 1 from 6 on.
    f64 bounded = at_most(size, 6);
    f64 q = polynomial(bounded - 1, 0x1.d97fbf27aa2a1p+0, 0x1.51c9b0006c240p+1, 0x1.afabc11a28dc5p-1,
        0x1.5477f09cbb62bp-5, -0x1.48c9d40d8022ep-7, 0x1.033f6993c3dc6p-9, -0x1.f1b4b0acf2235p-13,
        -0x1.b8c06844ce6eap-16, 0x1.c760b7ffb4f65p-16, -0x1.4178830e57ab2p-17, 0x1.0f9595c80dd85p-19,
        -0x1.cf099286f3562p-24, -0x1.087c8ad18b64ep-23, 0x1.1c28de332a943p-24, -0x1.6444914a9c95dp-26,
        0x1.3e26be26bc97bp-28, -0x1.9bbbc8ca5fbe9p-31, 0x1.7154a6dc396ffp-34, -0x1.9b58fcaeeaca8p-38,
        0x1.abe721454e24ap-43);
    f64 large = with_sign(1 - exp_in_range(-q), x);
    f64 small = fused(polynomial(x * x, 0x1.06eba8214db69p-3, -0x1.812746b0379fdp-2, 0x1.ce2f21a043610p-4,
        -0x1.b82ce312ab114p-6, 0x1.565bcd126eb03p-8, -0x1.c02db49267ac7p-11, 0x1.f9a334289efeap-14,
        -0x1.f4d31e13b86f4p-17, 0x1.b9ed791a90f17p-20, -0x1.5f8e89288ca2ap-23, 0x1.fc0fdaf91b897p-27,
        -0x1.453261200b184p-30, 0x1.2600810671331p-34), x, x);
    return 1 < size ? large : small;
}

}  // namespace op

// 2^x with a relative error of 2^-22; 1 for 0, and what is below the normal numbers is 0. The emulator errs by as much as
// a card may, up for some x and down for others, so that tests find bounds too narrow for it.
__device__ inline f32 fast_exp2(f32 x) {
#ifdef ADJOINT_EMULATED
    f64 error = x == 0 ? 0 : bits_of(x) * 0x9e3779b1u >> 31 ? 0x1p-22 : -0x1p-22;
    f32 y = (f32) (op::exp(x * 0x1.62e42fefa39efp-1) * (1 + error));
    return y < 0x1p-126f ? 0 : y;
#else
    f32 y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#endif
}

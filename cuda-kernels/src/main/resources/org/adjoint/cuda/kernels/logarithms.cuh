// Logarithms and powers: x = 2^k (1 + f) with 1 + f in [2/3, 4/3]; the series of log(1 + f) is a fitted polynomial for
// f32, and that of fdlibm's e_log.c in s = f / (2 + f) for f64.
#pragma once
#include "exponentials.cuh"

namespace op {

// The bits of 2^k, less those of 1.
__device__ inline u32 power_bits(f32 x) { return (bits_of(x) - 0x3f2aaaabu) & 0xff800000u; }
__device__ inline u64 power_bits(f64 x) { return (bits_of(x) - 0x3fe6a09e667f3bcdull) & 0xfff0000000000000ull; }

// k as a number.
__device__ inline f32 exponent_number(u32 power) { return (f32) (i32) power * 0x1p-23f; }
__device__ inline f64 exponent_number(u64 power) {
    return f64_of((u64) ((i64) power >> 52) + bits_of(rounder<f64>())) - rounder<f64>();
}

// log(1 + f) + k ln 2
__device__ inline f32 logarithm(f32 f, f32 k) {
    f32 square = f * f;
    f32 even = polynomial(square, -0x1.fffe02p-3, -0x1.55b36cp-3, -0x1.f198b2p-4, -0x1.0aep-3);
    f32 series = fused(polynomial(square, 0x1.99d8b2p-3, 0x1.1e5740p-3, 0x1.208p-3), f, even);
    series = fused(series, f, 0x1.5554fap-2f);
    series = fused(series, f, -0.5f);
    series = fused(series, square, f);
    return fused(k, 0x1.62e430p-1f, series);
}

__device__ inline f64 logarithm(f64 f, f64 k) {
    f64 half_square = 0.5 * f * f;
    f64 s = f / (2 + f);
    f64 square = s * s;
    f64 series = square * polynomial(square, 0x1.5555555555593p-1, 0x1.999999997fa04p-2, 0x1.2492494229359p-2,
        0x1.c71c51d8e78afp-3, 0x1.7466496cb03dep-3, 0x1.39a09d078c69fp-3, 0x1.2f112df3e5244p-3);
    f64 correction = fused(s, half_square + series, k * 0x1.a39ef35793c76p-33);
    return fused(k, 0x1.62e42feep-1, f - (half_square - correction));
}

template <typename C> __device__ inline C log(C x) {
    bool subnormal = x < number<C>(0x1p-126, 0x1p-1022);
    C normal = subnormal ? x * number<C>(0x1p23, 0x1p52) : x;
    C shift = subnormal ? number<C>(-23, -52) : 0;
    auto power = power_bits(normal);
    C result = logarithm(of_bits(bits_of(normal) - power) - 1, exponent_number(power) + shift);
    C finite = x == infinity<C>() ? x : result;
    C negative = x < 0 ? not_a_number<C>() : finite;
    C known = x == 0 ? -infinity<C>() : negative;
    return x != x ? x : known;
}

template <typename C> __device__ inline C log1p(C x) {
    auto power = power_bits(x + 1);
    // f = x 2^-k + (2^-k - 1), with 4 2^-k in place of 2^-k, which may be subnormal.
    C scaled = of_bits(bits_of(x) - power);
    C inverse = of_bits(bits_of((C) 4) - power);
    C f = scaled + fused((C) 0.25, inverse, (C) -1);
    C result = logarithm(f, exponent_number(power));
    C finite = x == infinity<C>() ? x : result;
    C negative = x < -1 ? not_a_number<C>() : finite;
    C known = x == -1 ? -infinity<C>() : negative;
    return magnitude(x) < number<C>(0x1p-25, 0x1p-54) || x != x ? x : known;
}

// x^y for positive finite x: f32 in f64, f64 with the logarithm as the sum of two numbers.

__device__ inline f32 power(f32 x, f32 y) { return (f32) exp((f64) y * log((f64) x)); }

__device__ inline f64 power(f64 x, f64 y) {
    bool subnormal = x < 0x1p-1022;
    f64 normal = subnormal ? x * 0x1p52 : x;
    u64 power = power_bits(normal);
    f64 f = f64_of(bits_of(normal) - power) - 1;
    f64 k = exponent_number(power) + (subnormal ? -52 : 0);

    // s = f / (2 + f)
    f64 denominator = 2 + f;
    f64 denominator_low = f - (denominator - 2);
    f64 s = f / denominator;
    f64 rest = fused(-s, denominator_low, fused(-s, denominator, f));
    f64 s_low = rest / denominator;
    // z = s^2
    f64 z = s * s;
    f64 z_low = fused(s + s, s_low, fused(s, s, -z));
    // u = 2/3 + 2/5 z + 2/7 z^2 + ...
    f64 higher = z * polynomial(z, 2 / 5.0, 2 / 7.0, 2 / 9.0, 2 / 11.0, 2 / 13.0, 2 / 15.0, 2 / 17.0, 2 / 19.0,
        2 / 21.0, 2 / 23.0);
    f64 two_thirds = 0x1.5555555555555p-1;
    f64 u = two_thirds + higher;
    f64 u_low = (higher - (u - two_thirds)) + 0x1.5555555555555p-55;
    // v = 2 + z u
    f64 zu = z * u;
    f64 zu_low = fused(z_low, u, fused(z, u_low, fused(z, u, -zu)));
    f64 v = 2 + zu;
    f64 v_low = (zu - (v - 2)) + zu_low;
    // log(1 + f) = s v
    f64 product = s * v;
    f64 product_low = fused(s_low, v, fused(s, v_low, fused(s, v, -product)));
    // + k ln 2
    f64 large = k * 0x1.62e42fefa3800p-1;
    f64 sum = large + product;
    f64 part = sum - large;
    f64 error = (large - (sum - part)) + (product - part);
    f64 low = error + fused(k, 0x1.ef35793c76730p-45, product_low);
    f64 high = sum + low;
    f64 high_low = low - (high - sum);

    f64 t = y * high;
    f64 t_low = fused(y, high_low, fused(y, high, -t));
    return exponential(t, magnitude(t) < 1000 ? t_low : 0);
}

// x^y, with the special cases of IEEE 754: 1 for y = 0 or x = 1 whatever the other, (+-1)^(+-inf) = 1.
template <typename C> __device__ inline C pow(C x, C y) {
    C size = magnitude(x);
    bool grows = (size < 1) != (0 < y);
    C limit = size == 1 ? 1 : grows ? infinity<C>() : 0;
    bool at_end = size == 0 || size == infinity<C>() || magnitude(y) == infinity<C>();
    C result = at_end ? limit : power(size, y);

    bool is_integer = trunc(y) == y;
    C half = y * (C) 0.5;
    bool is_odd = is_integer && trunc(half) != half;
    C with_sign = is_odd ? copy_sign(result, x) : result;
    bool invalid = x < 0 && size < infinity<C>() && !is_integer;
    C valid = invalid ? not_a_number<C>() : with_sign;
    C defined = x != x || y != y ? x + y : valid;
    return y == 0 || x == 1 ? 1 : defined;
}

}  // namespace op

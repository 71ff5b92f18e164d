// What the functions of f32 and f64 share: bits, fused operations, polynomials, and exact operations made of integers.
#pragma once
#include "common.cuh"

namespace op {

template <typename C> struct Bits;
template <> struct Bits<f32> { typedef u32 type; };
template <> struct Bits<f64> { typedef u64 type; };

__device__ inline f32 of_bits(u32 bits) { return f32_of(bits); }
__device__ inline f64 of_bits(u64 bits) { return f64_of(bits); }

// single for f32, wide for f64
template <typename C> __device__ constexpr bool is_single() { return sizeof(C) == 4; }
template <typename C> __device__ constexpr C number(f64 single, f64 wide) {
    return (C) (is_single<C>() ? single : wide);
}

template <typename C> __device__ constexpr int fraction_bits() { return is_single<C>() ? 23 : 52; }
template <typename C> __device__ constexpr typename Bits<C>::type sign_bit() {
    return (typename Bits<C>::type) 1 << (sizeof(C) * 8 - 1);
}
template <typename C> __device__ constexpr typename Bits<C>::type infinity_bits() {
    return (typename Bits<C>::type) (is_single<C>() ? 0xff : 0x7ff) << fraction_bits<C>();
}
template <typename C> __device__ inline C infinity() { return of_bits(infinity_bits<C>()); }
template <typename C> __device__ inline C not_a_number() {
    return of_bits(infinity_bits<C>() | (typename Bits<C>::type) 1 << (fraction_bits<C>() - 1));
}

template <typename C> __device__ inline C magnitude(C x) { return of_bits(bits_of(x) & ~sign_bit<C>()); }

// |x| with the sign of sign
template <typename C> __device__ inline C copy_sign(C x, C sign) {
    return of_bits((bits_of(x) & ~sign_bit<C>()) | (bits_of(sign) & sign_bit<C>()));
}

// |x| where a NaN may become another: instructions take the absolute value of an operand.
__device__ inline f32 absolute(f32 x) { return fabsf(x); }
__device__ inline f64 absolute(f64 x) { return ::fabs(x); }

// x, which has none, with the sign of sign
template <typename C> __device__ inline C with_sign(C x, C sign) {
    return of_bits(bits_of(x) | (bits_of(sign) & sign_bit<C>()));
}

// a * b + c, rounded once
__device__ inline f32 fused(f32 a, f32 b, f32 c) { return __fmaf_rn(a, b, c); }
__device__ inline f64 fused(f64 a, f64 b, f64 c) { return __fma_rn(a, b, c); }

// c0 + x (c1 + x (c2 + ...)), each step fused
template <typename C> __device__ inline C polynomial(C x, f64 c0) { return (C) c0; }
template <typename C, typename... Rest> __device__ inline C polynomial(C x, f64 c0, Rest... rest) {
    return fused(polynomial(x, rest...), x, (C) c0);
}

// The lesser one; limit where x is NaN or not, as is cheapest.
__device__ inline f32 at_most(f32 x, f32 limit) { return fminf(x, limit); }
__device__ inline f64 at_most(f64 x, f64 limit) { return limit < x ? limit : x; }

// 1 / x, off by a unit in the last place or two; for normal x and results.
__device__ inline f32 approximate_reciprocal(f32 x) {
#ifdef ADJOINT_EMULATED
    // Off by -1, 0 or 1.
    return f32_of(bits_of(1 / x) + (bits_of(x) >> 2) % 3 - 1);
#else
    f32 y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#endif
}

// One result each under IEEE 754, ties to even; zeros keep their sign.
__device__ inline f32 floor(f32 x) { return ::floorf(x); }
__device__ inline f64 floor(f64 x) { return ::floor(x); }
__device__ inline f32 ceil(f32 x) { return ::ceilf(x); }
__device__ inline f64 ceil(f64 x) { return ::ceil(x); }
__device__ inline f32 round(f32 x) { return ::rintf(x); }
__device__ inline f64 round(f64 x) { return ::rint(x); }
__device__ inline f32 trunc(f32 x) { return ::truncf(x); }
__device__ inline f64 trunc(f64 x) { return ::trunc(x); }

// NaN if either is, with any payload; -0 is less than +0.
__device__ inline f32 minimum(f32 a, f32 b) {
#if defined(ADJOINT_EMULATED) || __CUDA_ARCH__ < 800
    return a != a ? a : b != b ? b : a == b ? f32_of(bits_of(a) | bits_of(b)) : a < b ? a : b;
#else
    f32 y;
    asm("min.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
    return y;
#endif
}
__device__ inline f64 minimum(f64 a, f64 b) {
    return a != a ? a : b != b ? b : a == b ? f64_of(bits_of(a) | bits_of(b)) : a < b ? a : b;
}

// The limit, which is not 0, where x is beyond it; NaN of NaN.
__device__ inline f32 raised(f32 x, f32 limit) { return maximum(x, limit); }
__device__ inline f32 lowered(f32 x, f32 limit) { return minimum(x, limit); }
__device__ inline f64 raised(f64 x, f64 limit) { return x < limit ? limit : x; }
__device__ inline f64 lowered(f64 x, f64 limit) { return limit < x ? limit : x; }

// An f32 that rounds to a 16-bit format as x itself would: where it is inexact, its last bit is odd, so that rounding
// twice is rounding once.
__device__ inline f32 to_odd(f64 x) {
    f32 nearest = (f32) x;
    f64 back = nearest;
    u32 bits = bits_of(nearest);
    u32 towards = magnitude(back) < magnitude(x) ? bits + 1 : bits - 1;
    bool inexact = back != x && magnitude(nearest) < infinity<f32>() && (bits & 1) == 0;
    return inexact ? f32_of(towards) : nearest;
}

// a - trunc(a / b) b, which is exact: the remainder of the significands, as many bits at a time as 64 leave room for.
template <typename C> __device__ inline C floating_remainder(C a, C b) {
    const int fraction = fraction_bits<C>();
    const u64 implicit = (u64) 1 << fraction;
    u64 x = bits_of(magnitude(a));
    u64 y = bits_of(magnitude(b));
    if (x >= infinity_bits<C>() || y > infinity_bits<C>() || y == 0) {
        return not_a_number<C>();
    }
    if (x < y) {
        return a;
    }
    int exponent = y >> fraction > 1 ? (int) (y >> fraction) : 1;
    int shift = (x >> fraction > 1 ? (int) (x >> fraction) : 1) - exponent;
    u64 divisor = y >> fraction > 0 ? (y & (implicit - 1)) | implicit : y;
    u64 rest = (x >> fraction > 0 ? (x & (implicit - 1)) | implicit : x) % divisor;
    while (shift > 0 && rest > 0) {
        int step = shift < 63 - fraction ? shift : 63 - fraction;
        rest = (rest << step) % divisor;
        shift -= step;
    }
    while (rest > 0 && rest < implicit && exponent > 1) {
        rest <<= 1;
        exponent--;
    }
    // The implicit bit counts up the exponent.
    u64 bits = rest == 0 ? 0 : ((u64) (exponent - 1) << fraction) + rest;
    return copy_sign(of_bits((typename Bits<C>::type) bits), a);
}

}  // namespace op

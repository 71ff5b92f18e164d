// Sine and cosine: x = n pi/2 + r, pi/2 in three parts, each product with n exact where r is small. The f64 polynomials
// are those of fdlibm's k_sin.c and k_cos.c. Beyond 2^17 (f64: 2^20) large_angles.cuh reduces.
#pragma once
#include "exponentials.cuh"
#include "large_angles.cuh"

namespace op {

// (sin r - r) / r^3 of r^2
__device__ inline f32 sine_series(f32 square) {
    return polynomial(square, -0x1.555556p-3, 0x1.11110ep-7, -0x1.a0176p-13, 0x1.80ap-19);
}
__device__ inline f64 sine_series(f64 square) {
    return polynomial(square, -0x1.5555555555549p-3, 0x1.111111110f8a6p-7, -0x1.a01a019c161d5p-13,
        0x1.71de357b1fe7dp-19, -0x1.ae5e68a2b9cebp-26, 0x1.5d93a5acfd57cp-33);
}

// (cos r - 1) / r^2 of r^2
__device__ inline f32 cosine_series(f32 square) {
    return polynomial(square, -0.5, 0x1.55555p-5, -0x1.6c0efap-10, 0x1.9a8p-16);
}
__device__ inline f64 cosine_series(f64 square) {
    return polynomial(square, -0.5, 0x1.555555555554cp-5, -0x1.6c16c16c15177p-10, 0x1.a01a019cb159p-16,
        -0x1.27e4f809c52adp-22, 0x1.1ee9ebdb4b1c4p-29, -0x1.8fae9be8838d4p-37);
}

// The sine of x + quarters pi/2.
template <typename C> __device__ inline C sine(C x, u32 quarters) {
    const f64 two_over_pi = 2 / 0x1.921fb54442d18p1;
    C shifted = fused(x, (C) two_over_pi, rounder<C>());
    C n = shifted - rounder<C>();
    C r = fused(n, number<C>(-0x1.921fbp0, -0x1.921fb54442d18p0), x);
    r = fused(n, number<C>(-0x1.5110b4p-22, -0x1.1a62633145c06p-54), r);
    r = fused(n, number<C>(-0x1.846988p-48, -0x1.c1cd129024e09p-107), r);
    auto quadrant = bits_of(shifted) + quarters;
    C square = r * r;
    // Adding 0 makes the product of zeros positive, so that the sine of -0 is -0.
    C sine = fused(fused(r, square, (C) 0), sine_series(square), r);
    C cosine = fused(square, cosine_series(square), (C) 1);
    C result = (quadrant & 1) != 0 ? cosine : sine;
    return of_bits(bits_of(result) ^ (quadrant & 2) << (sizeof(C) * 8 - 2));
}

template <typename C> __device__ inline C sin(C x) {
    return magnitude(x) <= number<C>(0x1p17, 0x1p20) ? sine(x, 0) : (C) large_sine(x, 0);
}
template <typename C> __device__ inline C cos(C x) {
    return magnitude(x) <= number<C>(0x1p17, 0x1p20) ? sine(x, 1) : (C) large_sine(x, 1);
}

// The arctangent: a + atan((|x| - b) / (1 + b |x|)) with a = atan b one of 0, pi/4 and pi/2, so that the argument is in
// [-tan(pi/8), tan(pi/8)]; there t + t^3 P(t^2), with P fitted to the least relative error (2^-30, f64: 2^-63).

__device__ inline f32 arctangent_series(f32 square) {
    return polynomial(square, -0x1.55554ap-2, 0x1.9991e2p-3, -0x1.23b9a2p-3, 0x1.b22456p-4, -0x1.f2e59ep-5);
}
__device__ inline f64 arctangent_series(f64 square) {
    return polynomial(square, -0x1.5555555555554p-2, 0x1.9999999999584p-3, -0x1.249249246f58cp-3, 0x1.c71c71b458c22p-4,
        -0x1.745d14504511fp-4, 0x1.3b1364efdd65fp-4, -0x1.110beb7243d16p-4, 0x1.e167bb1015560p-5,
        -0x1.ab3bf1d4497f7p-5, 0x1.6fe4e95d63899p-5, -0x1.0fd54758cb1d5p-5, 0x1.e84c969fca06cp-7);
}

template <typename C> __device__ inline C atan(C x) {
    C size = magnitude(x);
    // tan(pi/8) and tan(3 pi/8), about
    bool middle = (C) 0x1.a8279ap-2 < size;
    bool large = (C) 0x1.3504f4p1 < size;
    C numerator = large ? -1 : middle ? size - 1 : size;
    C denominator = large ? size : middle ? size + 1 : 1;
    C t = numerator / denominator;
    C square = t * t;
    C cubic = arctangent_series(square) * square;
    // pi/4 and what its rounding leaves, twice that for pi/2
    C quarter = number<C>(0x1.921fb6p-1, 0x1.921fb54442d18p-1);
    C rest = number<C>(-0x1.777a5cp-26, 0x1.1a62633145c07p-55);
    C high = large ? quarter + quarter : middle ? quarter : 0;
    C low = large ? rest + rest : middle ? rest : 0;
    return copy_sign(high + (t + fused(cubic, t, low)), x);
}

}  // namespace op

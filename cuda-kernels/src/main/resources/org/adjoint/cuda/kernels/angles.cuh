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

}  // namespace op

// Sines of angles beyond 2^17, with the bits of Java's StrictMath, which are fdlibm's: the angle less n pi/2 as the sum
// of two f64 (e_rem_pio2.c), past 2^19 pi/2 by Payne and Hanek's method (k_rem_pio2.c: of the product with 2/pi only the
// digits that matter are computed, in base 2^24, here with integers), then k_sin.c or k_cos.c.
#pragma once
#include "floating.cuh"

namespace op {

// n pi/2 + high + low, n modulo 4
struct ReducedAngle {
    u32 n;
    f64 high;
    f64 low;
};

__device__ inline int biased_exponent(f64 x) { return (int) (bits_of(x) >> 52 & 0x7ff); }
__device__ inline f64 power_of_two(int exponent) { return f64_of((u64) (exponent + 1023) << 52); }

// x up to 2^19 pi/2. pi/2 is a sum of parts of 33 bits, as many as cancellation asks for.
__device__ inline ReducedAngle reduce_with_parts(f64 x) {
    int n = (int) (x * 0x1.45f306dc9c883p-1 + 0.5);
    f64 number = n;
    f64 rest = x - number * 0x1.921fb544p0;
    f64 correction = number * 0x1.0b4611a626331p-34;
    f64 high = rest - correction;
    int exponent = biased_exponent(x);
    if (exponent - biased_exponent(high) > 16) {
        f64 before = rest;
        f64 second = number * 0x1.0b4611a6p-34;
        rest = before - second;
        correction = number * 0x1.3198a2e037073p-69 - ((before - rest) - second);
        high = rest - correction;
        if (exponent - biased_exponent(high) > 49) {
            before = rest;
            f64 third = number * 0x1.3198a2ep-69;
            rest = before - third;
            correction = number * 0x1.b839a252049c1p-104 - ((before - rest) - third);
            high = rest - correction;
        }
    }
    return {(u32) n & 3, high, (rest - high) - correction};
}

// Digit of 2/pi in base 2^24; those before the point are 0.
__device__ inline u64 two_over_pi_digit(int index) {
    static const u32 digits[66] = {
        0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd, 0xc0db62, 0x95993c, 0x439041, 0xfe5163, 0xabdebb, 0xc561b7,
        0x246e3a, 0x424dd2, 0xe00649, 0x2eea09, 0xd1921c, 0xfe1deb, 0x1cb129, 0xa73ee8, 0x8235f5, 0x2ebb44, 0x84e99c,
        0x7026b4, 0x5f7e41, 0x3991d6, 0x398353, 0x39f49c, 0x845f8b, 0xbdf928, 0x3b1ff8, 0x97ffde, 0x05980f, 0xef2f11,
        0x8b5a0a, 0x6d1f6d, 0x367ecf, 0x27cb09, 0xb74f46, 0x3f669e, 0x5fea2d, 0x7527ba, 0xc7ebe5, 0xf17b3d, 0x0739f7,
        0x8a5292, 0xea6bfb, 0x5fb11f, 0x8d5d08, 0x560330, 0x46fc7b, 0x6babf0, 0xcfbc20, 0x9af436, 0x1da9e3, 0x91615e,
        0xe61b08, 0x659985, 0x5f14a0, 0x68408d, 0xffd880, 0x4d7327, 0x310606, 0x1556ca, 0x73a8c9, 0x60e27b, 0xc08c6b,
    };
    return index < 0 ? 0 : digits[index];
}

// pi/2 in parts of 24 bits
__device__ inline f64 half_pi_part(int index) {
    static const f64 parts[5] = {
        0x1.921fb4p0, 0x1.4442dp-24, 0x1.846988p-48, 0x1.8cc516p-72, 0x1.01b838p-96,
    };
    return parts[index];
}

// Digits in base 2^24 of the fraction of x 2/pi, or of 1 less that fraction where it is above 1/2.
struct Fraction {
    enum { LEAST_TERMS = 4, MOST_TERMS = 12 };

    // digits[0] has the weight 2^exponent and up to 28 bits; digits[1] follows, down to digits[terms].
    u32 digits[MOST_TERMS + 1];
    int terms;
    int exponent;
    u32 n;
    bool above_half;

    __device__ inline void of_product(f64 x) {
        int scale = biased_exponent(x) - 1046;
        u64 significand = (bits_of(x) & 0xfffffffffffffull) | 0x10000000000000ull;
        u64 high = significand >> 29;
        u64 middle = significand >> 5 & 0xffffff;
        u64 low = (significand & 31) << 19;
        int first = (scale - 3) / 24;
        exponent = scale - 24 * (first + 1);
        u64 carry = 0;
        for (int i = terms; i >= 0; i--) {
            u64 digit = high * two_over_pi_digit(first + i) + middle * two_over_pi_digit(first + i - 1)
                + low * two_over_pi_digit(first + i - 2) + carry;
            carry = digit >> 24;
            if (i > 0) {
                digits[i] = (u32) digit & 0xffffff;
            } else {
                drop_multiples_of_pi(digit);
            }
        }
    }

    // whole: what is left of digit 0, with the integer part of the product
    __device__ inline void drop_multiples_of_pi(u64 whole) {
        if (exponent < 0) {
            n = (u32) (whole >> -exponent);
            digits[0] = (u32) whole & ((1u << -exponent) - 1);
            above_half = digits[0] >> (-exponent - 1) != 0;
        } else {
            int bits = 24 - exponent;
            n = ((u32) whole << exponent) + (digits[1] >> bits);
            digits[0] = 0;
            digits[1] &= (1u << bits) - 1;
            above_half = digits[1] >> (bits - 1) != 0;
        }
    }

    __device__ inline void subtract_from_one() {
        u32 borrow = 0;
        for (int i = terms; i > 0; i--) {
            u32 base = i == 1 && exponent > 0 ? 1u << (24 - exponent) : 1u << 24;
            u32 digit = borrow == 0 && digits[i] == 0 ? 0 : base - borrow - digits[i];
            borrow |= digits[i] != 0;
            digits[i] = digit;
        }
        if (exponent < 0) {
            digits[0] = (1u << -exponent) - digits[0] - borrow;
        }
        n++;
    }

    __device__ inline int leading() const {
        int i = 0;
        while (i < terms && digits[i] == 0) {
            i++;
        }
        return i;
    }
};

// x beyond 2^19 pi/2
__device__ inline ReducedAngle reduce_with_digits(f64 x) {
    Fraction fraction;
    fraction.terms = Fraction::LEAST_TERMS;
    int zeros;
    for (;;) {
        fraction.of_product(x);
        if (fraction.above_half) {
            fraction.subtract_from_one();
        }
        zeros = fraction.leading();
        if (zeros + Fraction::LEAST_TERMS <= fraction.terms) {
            break;
        }
        fraction.terms = zeros + Fraction::LEAST_TERMS;
    }

    f64 weighted[Fraction::MOST_TERMS + 2];
    int count = 0;
    f64 weight = power_of_two(fraction.exponent - 24 * zeros);
    u32 first = fraction.digits[zeros];
    if (first >> 24 != 0) {
        weighted[count++] = weight * 0x1p24 * (f64) (first >> 24);
        first &= 0xffffff;
    }
    weighted[count++] = weight * (f64) first;
    for (int i = zeros + 1; i <= fraction.terms; i++) {
        weight *= 0x1p-24;
        weighted[count++] = weight * (f64) fraction.digits[i];
    }

    // The product with pi/2, digit by digit, added from its small end.
    f64 product[Fraction::MOST_TERMS + 2];
    for (int i = 0; i < count; i++) {
        f64 sum = 0;
        for (int k = 0; k <= 4 && k <= i; k++) {
            sum += half_pi_part(k) * weighted[i - k];
        }
        product[i] = sum;
    }
    f64 high = 0;
    for (int i = count - 1; i >= 0; i--) {
        high += product[i];
    }
    f64 low = product[0] - high;
    for (int i = 1; i < count; i++) {
        low += product[i];
    }
    return {fraction.n & 3, fraction.above_half ? -high : high, fraction.above_half ? -low : low};
}

// sin(x + low) and cos(x + low) for |x| <= pi/4

__device__ inline f64 sine_of_remainder(f64 x, f64 low) {
    f64 square = x * x;
    f64 cube = square * x;
    f64 series = 0x1.111111110f8a6p-7 + square * (-0x1.a01a019c161d5p-13 + square * (0x1.71de357b1fe7dp-19
        + square * (-0x1.ae5e68a2b9cebp-26 + square * 0x1.5d93a5acfd57cp-33)));
    f64 result = x - ((square * (0.5 * low - cube * series) - low) - cube * -0x1.5555555555549p-3);
    return magnitude(x) < 0x1p-27 ? x : result;
}

__device__ inline f64 cosine_of_remainder(f64 x, f64 low) {
    f64 square = x * x;
    f64 series = square * (0x1.555555555554cp-5 + square * (-0x1.6c16c16c15177p-10 + square * (0x1.a01a019cb159p-16
        + square * (-0x1.27e4f809c52adp-22 + square * (0x1.1ee9ebdb4b1c4p-29 + square * -0x1.8fae9be8838d4p-37)))));
    f64 correction = square * series - x * low;
    u32 upper = (u32) (bits_of(x) >> 32) & 0x7fffffff;
    f64 near_one = 1 - (0.5 * square - correction);
    // About |x| / 4, so that 1 less it is exact.
    f64 quarter = upper > 0x3fe90000 ? 0.28125 : f64_of((u64) (upper - 0x00200000) << 32);
    f64 farther = (1 - quarter) - ((0.5 * square - quarter) - correction);
    f64 result = upper < 0x3fd33333 ? near_one : farther;
    return magnitude(x) < 0x1p-27 ? 1 : result;
}

// The sine of x + quarters pi/2; NaN where x is not finite.
__device__ __noinline__ f64 large_sine(f64 x, u32 quarters) {
    f64 size = magnitude(x);
    if (!(size < infinity<f64>())) {
        return x - x;
    }
    ReducedAngle angle = bits_of(size) >> 32 <= 0x413921fb ? reduce_with_parts(size) : reduce_with_digits(size);
    bool negative = bits_of(x) >> 63 != 0;
    f64 high = negative ? -angle.high : angle.high;
    f64 low = negative ? -angle.low : angle.low;
    u32 quadrant = (negative ? 0 - angle.n : angle.n) + quarters;
    f64 result = (quadrant & 1) != 0 ? cosine_of_remainder(high, low) : sine_of_remainder(high, low);
    return (quadrant & 2) != 0 ? -result : result;
}

}  // namespace op

// The elementwise ops, one function each: op::add, op::exp, op::to_f16 and so on. Values have compute types: bool for
// BOOL, u8, i32, i64, f32 (for 16-bit types too), f64. Each does the CPU backend's operations in the same order, so that
// results have the same bits; what fuses a multiplication with an addition says so. Integers wrap.
#pragma once
#include "common.cuh"
#include "floating.cuh"
#include "exponentials.cuh"
#include "logarithms.cuh"
#include "angles.cuh"

namespace op {

// Loads and stores

template <typename C, typename T> struct Stored {
    __device__ static inline C load(T x) { return widen(x); }
};
template <> struct Stored<bool, b8> {
    __device__ static inline bool load(b8 x) { return x != 0; }
};

// C: the compute type, which tells BOOL from U8
template <typename C, typename T> __device__ inline C load(T x) { return Stored<C, T>::load(x); }

template <typename T> __device__ __forceinline__ T store(typename Compute<T>::type x) { return narrow<T>(x); }
template <typename T> __device__ inline T store(bool x) { return (T) x; }

// Unary

__device__ inline u8 neg(u8 x) { return (u8) -x; }
__device__ inline i32 neg(i32 x) { return (i32) (0u - (u32) x); }
__device__ inline i64 neg(i64 x) { return (i64) (0ull - (u64) x); }
__device__ inline f32 neg(f32 x) { return -x; }
__device__ inline f64 neg(f64 x) { return -x; }

__device__ inline u8 abs(u8 x) { return x; }
__device__ inline i32 abs(i32 x) { return x < 0 ? neg(x) : x; }
__device__ inline i64 abs(i64 x) { return x < 0 ? neg(x) : x; }
__device__ inline f32 abs(f32 x) { return magnitude(x); }
__device__ inline f64 abs(f64 x) { return magnitude(x); }

template <typename C> __device__ inline C sign(C x) { return 0 < x ? (C) 1 : x < 0 ? (C) -1 : x; }
__device__ inline u8 sign(u8 x) { return 0 < x; }

__device__ inline f32 sqrt(f32 x) { return __fsqrt_rn(x); }
__device__ inline f64 sqrt(f64 x) { return __dsqrt_rn(x); }

template <typename C> __device__ inline C reciprocal(C x) { return 1 / x; }

__device__ inline bool not_(bool x) { return !x; }
__device__ inline u8 not_(u8 x) { return (u8) ~x; }
__device__ inline i32 not_(i32 x) { return ~x; }
__device__ inline i64 not_(i64 x) { return ~x; }

template <typename C> __device__ inline bool is_nan(C x) { return x != x; }

// Binary

template <typename C> __device__ inline C add(C a, C b) { return a + b; }
__device__ inline i32 add(i32 a, i32 b) { return (i32) ((u32) a + (u32) b); }
__device__ inline i64 add(i64 a, i64 b) { return (i64) ((u64) a + (u64) b); }

template <typename C> __device__ inline C sub(C a, C b) { return a - b; }
__device__ inline i32 sub(i32 a, i32 b) { return (i32) ((u32) a - (u32) b); }
__device__ inline i64 sub(i64 a, i64 b) { return (i64) ((u64) a - (u64) b); }

template <typename C> __device__ inline C mul(C a, C b) { return a * b; }
__device__ inline i32 mul(i32 a, i32 b) { return (i32) ((u32) a * (u32) b); }
__device__ inline i64 mul(i64 a, i64 b) { return (i64) ((u64) a * (u64) b); }

// Integers divide towards zero; a divisor of 0 gives 0. The least integer by -1 wraps.
template <typename C> __device__ inline C div(C a, C b) { return a / b; }
__device__ inline u8 div(u8 a, u8 b) { return b == 0 ? 0 : a / b; }
__device__ inline i32 div(i32 a, i32 b) { return b == 0 ? 0 : b == -1 ? neg(a) : a / b; }
__device__ inline i64 div(i64 a, i64 b) { return b == 0 ? 0 : b == -1 ? neg(a) : a / b; }

// The sign is the dividend's.
template <typename C> __device__ inline C remainder(C a, C b) { return floating_remainder(a, b); }
__device__ inline u8 remainder(u8 a, u8 b) { return b == 0 ? 0 : a % b; }
__device__ inline i32 remainder(i32 a, i32 b) { return b == 0 || b == -1 ? 0 : a % b; }
__device__ inline i64 remainder(i64 a, i64 b) { return b == 0 || b == -1 ? 0 : a % b; }

template <typename C> __device__ inline C max(C a, C b) { return a < b ? b : a; }
__device__ inline f32 max(f32 a, f32 b) { return maximum(a, b); }
__device__ inline f64 max(f64 a, f64 b) { return maximum(a, b); }

template <typename C> __device__ inline C min(C a, C b) { return b < a ? b : a; }
__device__ inline f32 min(f32 a, f32 b) { return minimum(a, b); }
__device__ inline f64 min(f64 a, f64 b) { return minimum(a, b); }

template <typename C> __device__ inline C and_(C a, C b) { return a & b; }
template <typename C> __device__ inline C or_(C a, C b) { return a | b; }
template <typename C> __device__ inline C xor_(C a, C b) { return a ^ b; }

// Counts are taken modulo the width.
__device__ inline u8 shift_left(u8 a, u8 count) { return (u8) (a << (count & 7)); }
__device__ inline i32 shift_left(i32 a, i32 count) { return (i32) ((u32) a << (count & 31)); }
__device__ inline i64 shift_left(i64 a, i64 count) { return (i64) ((u64) a << (count & 63)); }
__device__ inline u8 shift_right_logical(u8 a, u8 count) { return (u8) (a >> (count & 7)); }
__device__ inline i32 shift_right_logical(i32 a, i32 count) { return (i32) ((u32) a >> (count & 31)); }
__device__ inline i64 shift_right_logical(i64 a, i64 count) { return (i64) ((u64) a >> (count & 63)); }

template <typename C> __device__ inline bool equal(C a, C b) { return a == b; }
template <typename C> __device__ inline bool not_equal(C a, C b) { return a != b; }
template <typename C> __device__ inline bool less_than(C a, C b) { return a < b; }
template <typename C> __device__ inline bool less_or_equal(C a, C b) { return a <= b; }
template <typename C> __device__ inline bool greater_than(C a, C b) { return a > b; }
template <typename C> __device__ inline bool greater_or_equal(C a, C b) { return a >= b; }

template <typename C> __device__ inline C where(bool condition, C a, C b) { return condition ? a : b; }

// Casts: floating to integer truncates, saturates, and turns NaN into 0; integer to narrower integer wraps; to a 16-bit
// type rounds once, to nearest even, and the value goes on as f32.

template <typename C> __device__ inline bool to_bool(C x) { return x != 0; }

template <typename C> __device__ inline i32 to_i32(C x) { return (i32) x; }
__device__ inline i32 to_i32(f32 x) {
    return x != x ? 0 : x >= 0x1p31f ? 0x7fffffff : x < -0x1p31f ? -0x7fffffff - 1 : (i32) x;
}
__device__ inline i32 to_i32(f64 x) {
    return x != x ? 0 : x >= 0x1p31 ? 0x7fffffff : x < -0x1p31 ? -0x7fffffff - 1 : (i32) x;
}

template <typename C> __device__ inline i64 to_i64(C x) { return (i64) x; }
__device__ inline i64 to_i64(f32 x) {
    return x != x ? 0 : x >= 0x1p63f ? 0x7fffffffffffffff : x < -0x1p63f ? -0x7fffffffffffffff - 1 : (i64) x;
}
__device__ inline i64 to_i64(f64 x) {
    return x != x ? 0 : x >= 0x1p63 ? 0x7fffffffffffffff : x < -0x1p63 ? -0x7fffffffffffffff - 1 : (i64) x;
}

template <typename C> __device__ inline u8 to_u8(C x) { return (u8) x; }
__device__ inline u8 to_u8(f32 x) { return (u8) max(min(to_i32(x), 255), 0); }
__device__ inline u8 to_u8(f64 x) { return (u8) max(min(to_i32(x), 255), 0); }

template <typename C> __device__ inline f32 to_f32(C x) { return (f32) x; }
template <typename C> __device__ inline f64 to_f64(C x) { return (f64) x; }

// An f32 that rounds to a 16-bit type as x would.
template <typename C> __device__ inline f32 roundable(C x) { return (f32) x; }
__device__ inline f32 roundable(f64 x) { return to_odd(x); }
__device__ inline f32 roundable(i32 x) { return to_odd((f64) x); }
__device__ inline f32 roundable(i64 x) { return to_odd((f64) x); }

template <typename C> __device__ inline f32 to_f16(C x) { return rounded<f16>(roundable(x)); }
template <typename C> __device__ inline f32 to_bf16(C x) { return rounded<bf16>(roundable(x)); }

}  // namespace op

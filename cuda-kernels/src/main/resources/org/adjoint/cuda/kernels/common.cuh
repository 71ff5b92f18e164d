// Types, conversions, folds and the run's status: what every kernel shares. Nothing of the CUDA toolkit is included, for a
// machine that has NVRTC often lacks its headers.
#pragma once

typedef unsigned char u8;
typedef unsigned char b8;  // BOOL: 0 or 1
typedef int i32;
typedef long long i64;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;

// binary16 and bfloat16 as stored; kernels compute in f32.
struct f16 { unsigned short bits; };
struct bf16 { unsigned short bits; };

// A kernel's symbol is its name and its dtype: SYMBOL(softmax_forward, T) with -DT=bf16 is softmax_forward_bf16.
#define SYMBOL_(name, dtype) name##_##dtype
#define SYMBOL(name, dtype) SYMBOL_(name, dtype)
#define KERNEL extern "C" __global__ void

// The type that kernels compute in.
template <typename T> struct Compute { typedef T type; };
template <> struct Compute<f16> { typedef f32 type; };
template <> struct Compute<bf16> { typedef f32 type; };

// 0 while all indices are in range is ~0: the smallest (step, position) of a bad one wins, whatever the order of threads.
struct Status { u64 first_bad; };

// position: row-major number of the index among its tensor's elements
__device__ inline void bad_index(Status* status, i32 step, i64 position) {
    atomicMin(&status->first_bad, (u64) step << 48 | (u64) position);
}

// Bits

__device__ inline u32 bits_of(f32 x) { return __float_as_uint(x); }
__device__ inline u64 bits_of(f64 x) { return (u64) __double_as_longlong(x); }
__device__ inline f32 f32_of(u32 bits) { return __uint_as_float(bits); }
__device__ inline f64 f64_of(u64 bits) { return __longlong_as_double((i64) bits); }

// Loads widen to the compute type; stores round to nearest even. One instruction on the card, bit operations in the
// emulator (and for bf16 before sm_80), with the same result but for the payload of a NaN. What narrows is always
// inlined: the emulator does not see a structure that a call returns written to memory.

__device__ inline f32 widen(f16 x) {
#ifdef ADJOINT_EMULATED
    u32 magnitude = (u32) (x.bits & 0x7fff) << 13;
    u32 scaled = bits_of(f32_of(magnitude) * 0x1p112f);
    u32 bits = magnitude > 0x0f7fffffu ? magnitude | 0x7f800000u : scaled;
    return f32_of(bits | (u32) (x.bits & 0x8000) << 16);
#else
    f32 y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
#endif
}

__device__ inline f32 widen(bf16 x) { return f32_of((u32) x.bits << 16); }
__device__ inline f32 widen(f32 x) { return x; }
__device__ inline f64 widen(f64 x) { return x; }
__device__ inline i32 widen(i32 x) { return x; }
__device__ inline i64 widen(i64 x) { return x; }
__device__ inline u8 widen(u8 x) { return x; }

template <typename T> struct Narrow {
    __device__ static inline T from(T x) { return x; }
};

template <> struct Narrow<f16> {
    __device__ static __forceinline__ f16 from(f32 x) {
        f16 y;
#ifdef ADJOINT_EMULATED
        u32 bits = bits_of(x);
        u32 magnitude = bits & 0x7fffffffu;
        u32 normal = (magnitude + (u32) ((15 - 127) * 0x800000 + 0xfff) + (magnitude >> 13 & 1)) >> 13;
        u32 subnormal = bits_of(f32_of(magnitude) + 0.5f) - bits_of(0.5f);
        u32 finite = magnitude < 0x38800000u ? subnormal : normal;
        u32 special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
        y.bits = (unsigned short) ((bits >> 16 & 0x8000u) | (magnitude > 0x477fffffu ? special : finite));
#else
        asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
#endif
        return y;
    }
};

template <> struct Narrow<bf16> {
    __device__ static __forceinline__ bf16 from(f32 x) {
        bf16 y;
#if defined(ADJOINT_EMULATED) || __CUDA_ARCH__ < 800
        u32 bits = bits_of(x);
        u32 rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
        y.bits = (unsigned short) (x != x ? bits >> 16 | 0x40u : rounded);
#else
        asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
#endif
        return y;
    }
};

template <typename T> __device__ __forceinline__ T narrow(typename Compute<T>::type x) { return Narrow<T>::from(x); }

// What narrow and widen make of x. Not T: a file compiled for f32 defines that as the type of x and the result.
template <typename Stored> __device__ inline f32 rounded(f32 x) { return widen(narrow<Stored>(x)); }
#if !defined(ADJOINT_EMULATED) && __CUDA_ARCH__ >= 800
// The upper one of a pair: the instruction for one alone is four times as slow.
template <> __device__ inline f32 rounded<bf16>(f32 x) {
    u32 pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(x), "f"(0.0f));
    return f32_of(pair);
}
#endif

// Asks for the 128 bytes around an address to be fetched to the L2 cache.
template <typename T> __device__ inline void prefetch(const T* address) {
#ifndef ADJOINT_EMULATED
    asm volatile("prefetch.global.L2 [%0];" : : "l"(address));
#endif
}

// Folds in a fixed order: the same bits whatever the card.

// NaN if either is, with any payload; -0 is less than +0.
__device__ inline f32 maximum(f32 a, f32 b) {
#if defined(ADJOINT_EMULATED) || __CUDA_ARCH__ < 800
    return a != a ? a : b != b ? b : a == b ? f32_of(bits_of(a) & bits_of(b)) : a < b ? b : a;
#else
    f32 y;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
    return y;
#endif
}
__device__ inline f64 maximum(f64 a, f64 b) {
    return a != a ? a : b != b ? b : a == b ? f64_of(bits_of(a) & bits_of(b)) : a < b ? b : a;
}

struct Sum {
    template <typename C> __device__ static inline C fold(C a, C b) { return a + b; }
};

// Every lane of a whole warp gets the fold of all 32.
template <typename Fold, typename C> __device__ inline C warp_fold(C x) {
#pragma unroll
    for (int lanes = 16; lanes > 0; lanes >>= 1) {
        x = Fold::fold(x, __shfl_xor_sync(0xffffffffu, x, lanes));
    }
    return x;
}

// Every thread of a one-dimensional block of whole warps gets the fold of all. partial: shared memory for 32 values, which
// may be used again at once.
template <typename Fold, typename C> __device__ inline C block_fold(C x, C* partial, C identity) {
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    int warps = blockDim.x >> 5;
    x = warp_fold<Fold>(x);
    if (lane == 0) {
        partial[warp] = x;
    }
    __syncthreads();
    x = warp_fold<Fold>(lane < warps ? partial[lane] : identity);
    __syncthreads();
    return x;
}

// Products of 16-bit matrices on tensor cores, a warp at a time, and what feeds them from shared memory. Each function
// is a PTX instruction of sm_80 and later; in the emulator lanes do the same by shuffles and plain copies.
#pragma once
#include "common.cuh"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#error "sm_80 is the least architecture for these instructions"
#endif

struct alignas(16) Chunk { u32 at[4]; };

#ifndef ADJOINT_EMULATED
// The address of shared memory in its own space.
__device__ inline u32 shared_address(const void* at) { return (u32) __cvta_generic_to_shared(at); }
#endif

// A thread's asynchronous copies, of 16 bytes or 4, from global to shared memory, or of zeros. After arrive() they have
// happened for this thread, and behind a barrier for its block. The emulator puts them off until then.
struct Copies {
#ifdef ADJOINT_EMULATED
    struct { void* to; const void* from; int bytes; } pending[64];
    int count = 0;
#endif

    __device__ inline void begin(Chunk* to, const void* from, bool inside) {
#ifdef ADJOINT_EMULATED
        pending[count++] = {to, inside ? from : nullptr, 16};
#else
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
            :: "r"(shared_address(to)), "l"(from), "r"(inside ? 16 : 0) : "memory");
#endif
    }

    __device__ inline void begin(f32* to, const f32* from, bool inside) {
#ifdef ADJOINT_EMULATED
        pending[count++] = {to, inside ? from : nullptr, 4};
#else
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
            :: "r"(shared_address(to)), "l"(from), "r"(inside ? 4 : 0) : "memory");
#endif
    }

    __device__ inline void arrive() {
#ifdef ADJOINT_EMULATED
        for (int i = 0; i < count; i++) {
            if (pending[i].bytes == 16) {
                *(Chunk*) pending[i].to = pending[i].from ? *(const Chunk*) pending[i].from : Chunk{{0, 0, 0, 0}};
            } else {
                *(f32*) pending[i].to = pending[i].from ? *(const f32*) pending[i].from : 0.0f;
            }
        }
        count = 0;
#else
        asm volatile("cp.async.wait_all;" ::: "memory");
#endif
    }
};

// Four 8 x 8 matrices of 16-bit elements. Lane 8 m + r says where row r of matrix m lies; lane 4 r + c receives, of
// each matrix, elements (r, 2 c) and (r, 2 c + 1), the first in the lower half.
__device__ inline void load_matrices(u32 (&to)[4], const Chunk* row) {
#ifdef ADJOINT_EMULATED
    int lane = threadIdx.x & 31;
    for (int m = 0; m < 4; m++) {
        u64 from = __shfl_sync(0xffffffffu, (u64) row, 8 * m + lane / 4);
        to[m] = ((const Chunk*) from)->at[lane % 4];
    }
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(shared_address(row)) : "memory");
#endif
}

// The same, transposed: lane 4 r + c receives elements (2 c, r) and (2 c + 1, r).
__device__ inline void load_matrices_transposed(u32 (&to)[4], const Chunk* row) {
#ifdef ADJOINT_EMULATED
    int lane = threadIdx.x & 31;
    int shift = lane / 4 % 2 * 16;
    for (int m = 0; m < 4; m++) {
        u64 low = __shfl_sync(0xffffffffu, (u64) row, 8 * m + lane % 4 * 2);
        u64 high = __shfl_sync(0xffffffffu, (u64) row, 8 * m + lane % 4 * 2 + 1);
        to[m] = (((const Chunk*) low)->at[lane / 8] >> shift & 0xffff)
            | (((const Chunk*) high)->at[lane / 8] >> shift & 0xffff) << 16;
    }
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(shared_address(row)) : "memory");
#endif
}

template <typename T> constexpr bool IS_BF16 = false;
template <> constexpr bool IS_BF16<bf16> = true;

// Two numbers rounded, the first in the lower half.
template <typename T> __device__ inline u32 pack(f32 low, f32 high) {
#ifdef ADJOINT_EMULATED
    return narrow<T>(low).bits | (u32) narrow<T>(high).bits << 16;
#else
    u32 packed;
    if constexpr (IS_BF16<T>) {
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    } else {
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    }
    return packed;
#endif
}

// c (16 x 8) += a (16 x 16) . b (16 x 8). Lane 4 r + s holds
//   of c: (r, 2 s), (r, 2 s + 1), (r + 8, 2 s), (r + 8, 2 s + 1);
//   of a: the pairs from (r, 2 s), (r + 8, 2 s), (r, 2 s + 8), (r + 8, 2 s + 8), along a row;
//   of b: the pairs from (2 s, r), (2 s + 8, r), down a column.
// So c of two products side by side, packed, is a of a product to come.
template <typename T> __device__ inline void multiply_add(f32 (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
#ifdef ADJOINT_EMULATED
    int row = (threadIdx.x & 31) / 4;
    int column = (threadIdx.x & 3) * 2;
    u64 left[2] = {a[0] | (u64) a[1] << 32, a[2] | (u64) a[3] << 32};
    u64 right = b0 | (u64) b1 << 32;
    for (int k = 0; k < 16; k += 2) {
        u64 rows = __shfl_sync(0xffffffffu, left[k / 8], 4 * row + k % 8 / 2);
        u64 first = __shfl_sync(0xffffffffu, right, 4 * column + k % 8 / 2) >> k / 8 * 32;
        u64 second = __shfl_sync(0xffffffffu, right, 4 * column + 4 + k % 8 / 2) >> k / 8 * 32;
        for (int half = 0; half < 2; half++) {
            f32 upper = widen(T{(unsigned short) (rows >> 16 * half)});
            f32 lower = widen(T{(unsigned short) (rows >> (32 + 16 * half))});
            f32 even = widen(T{(unsigned short) (first >> 16 * half)});
            f32 odd = widen(T{(unsigned short) (second >> 16 * half)});
            c[0] = __fmaf_rn(upper, even, c[0]);
            c[1] = __fmaf_rn(upper, odd, c[1]);
            c[2] = __fmaf_rn(lower, even, c[2]);
            c[3] = __fmaf_rn(lower, odd, c[3]);
        }
    }
#else
#define MULTIPLY_ADD(dtype) \
    asm("mma.sync.aligned.m16n8k16.row.col.f32." dtype "." dtype ".f32 " \
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1))
    if constexpr (IS_BF16<T>) {
        MULTIPLY_ADD("bf16");
    } else {
        MULTIPLY_ADD("f16");
    }
#undef MULTIPLY_ADD
#endif
}

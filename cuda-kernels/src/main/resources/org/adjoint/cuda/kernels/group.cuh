// What the loops of fusion groups are made of: where points lie in memory, accesses of up to 16 bytes, and folds.
#pragma once
#include "divisor.cuh"
#include "elementwise.cuh"
#include "philox.cuh"

// A loop domain in row-major order and ways to walk memory along it, in elements.
template <int RANK, int WALKS> struct Domain {
    i64 extents[RANK];
    Divisor divisors[RANK];
    i64 strides[WALKS][RANK];

    // Adds where a point of the domain lies along each walk. Index: i32 where all fits.
    template <typename Index> __device__ inline void advance(Index point, Index (&at)[WALKS]) const {
#pragma unroll
        for (int axis = RANK - 1; axis >= 0; axis--) {
            Index i = point;
            if (axis > 0) {
                point = quotient(point, axis);
                i -= point * (Index) extents[axis];
            }
#pragma unroll
            for (int walk = 0; walk < WALKS; walk++) {
                at[walk] += i * (Index) strides[walk][axis];
            }
        }
    }

    // Where a point of the domain lies along each walk that starts at base.
    template <typename Index> __device__ inline void locate(const Index (&base)[WALKS], Index point,
        Index (&at)[WALKS]) const {
#pragma unroll
        for (int walk = 0; walk < WALKS; walk++) {
            at[walk] = base[walk];
        }
        advance(point, at);
    }

    // point / extents[axis]
    __device__ inline i32 quotient(i32 point, int axis) const {
        return (i32) divisors[axis].quotient((u32) point);
    }
    __device__ inline i64 quotient(i64 point, int axis) const { return (i64) ((u64) point / (u64) extents[axis]); }
};

// N neighbors in memory, moved 16 bytes at a time where there are as many.
template <typename T, int N> struct __align__(sizeof(T) * N < 16 ? sizeof(T) * N : 16) Pack {
    T values[N];
};

// A pack as it is loaded: bf16 by words, whose halves widen with one instruction each.
template <typename T, int N> struct Loaded {
    Pack<T, N> pack;
    __device__ inline T operator[](int i) const { return pack.values[i]; }
};
template <int N> struct Loaded<bf16, N> {
    Pack<u32, N / 2> pairs;
    __device__ inline bf16 operator[](int i) const {
        return {(unsigned short) (pairs.values[i / 2] >> i % 2 * 16)};
    }
};

template <int N, typename T> __device__ inline Loaded<T, N> load_pack(const T* from) {
    return *(const Loaded<T, N>*) from;
}

// N elements that lie stride apart.
template <int N, typename T, typename Index> __device__ __forceinline__ Pack<T, N> load_spread(const T* from,
    Index stride) {
    Pack<T, N> pack;
#pragma unroll
    for (int k = 0; k < N; k++) {
        pack.values[k] = from[k * stride];
    }
    return pack;
}

// Random bits of N elements from i on, a multiple of 4, as if they were loaded.
template <int N> __device__ inline Loaded<i32, N> random_pack(const Generator& random, i64 i) {
    Words words[N / 4];
    random.blocks<1>((u64) i / 4, words);
    Loaded<i32, N> bits;
#pragma unroll
    for (int k = 0; k < N / 4; k++) {
        bits.pack.values[4 * k] = (i32) words[k].c0;
        bits.pack.values[4 * k + 1] = (i32) words[k].c1;
        bits.pack.values[4 * k + 2] = (i32) words[k].c2;
        bits.pack.values[4 * k + 3] = (i32) words[k].c3;
    }
    return bits;
}

template <typename T, int N> __device__ inline void store_pack(T* to, const Pack<T, N>& pack) {
    *(Pack<T, N>*) to = pack;
}

// Whether packs of N may be accessed from here on.
template <int N, typename T> __device__ inline bool is_aligned(const T* from) {
    return (u64) from % alignof(Pack<T, N>) == 0;
}

// The tensor that a block works on: the last that begins at or before it.
template <int TENSORS> __device__ inline int tensor_of_block(const i32 (&first_block)[TENSORS], i32 count) {
    i32 low = 0;
    i32 high = count;
    while (high - low > 1) {
        i32 middle = (low + high) / 2;
        if (first_block[middle] <= (i32) blockIdx.x) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

// Folds: identity and combination, the same bits whatever the card.

struct FoldSum {
    template <typename C> __device__ static inline C identity() { return 0; }
    template <typename C> __device__ static inline C fold(C a, C b) { return op::add(a, b); }
};

struct FoldProd {
    template <typename C> __device__ static inline C identity() { return 1; }
    template <typename C> __device__ static inline C fold(C a, C b) { return op::mul(a, b); }
};

struct FoldMax {
    template <typename C> __device__ static inline C identity();
    template <typename C> __device__ static inline C fold(C a, C b) { return op::max(a, b); }
};
template <> __device__ inline f32 FoldMax::identity<f32>() { return -op::infinity<f32>(); }
template <> __device__ inline f64 FoldMax::identity<f64>() { return -op::infinity<f64>(); }
template <> __device__ inline i32 FoldMax::identity<i32>() { return -0x7fffffff - 1; }
template <> __device__ inline i64 FoldMax::identity<i64>() { return -0x7fffffffffffffff - 1; }

struct FoldMin {
    template <typename C> __device__ static inline C identity();
    template <typename C> __device__ static inline C fold(C a, C b) { return op::min(a, b); }
};
template <> __device__ inline f32 FoldMin::identity<f32>() { return op::infinity<f32>(); }
template <> __device__ inline f64 FoldMin::identity<f64>() { return op::infinity<f64>(); }
template <> __device__ inline i32 FoldMin::identity<i32>() { return 0x7fffffff; }
template <> __device__ inline i64 FoldMin::identity<i64>() { return 0x7fffffffffffffff; }

// The fold over a team that takes one row: threadIdx.x is the place in the team, a warp or a block of whole warps. Every
// thread of the block calls it and gets the team's.
template <typename Fold, typename C> __device__ inline C team_fold(C x) {
    __shared__ C partial[32];
    return blockDim.x == 32 ? warp_fold<Fold>(x) : block_fold<Fold>(x, partial, Fold::template identity<C>());
}

// Folds of N columns per thread, by threadIdx.y: folds take this memory in turns.
template <typename C, int N> struct Partials {
    C values[8][N][32];
};

template <typename C, int N> __device__ inline Partials<C, N>& shared_partials() {
    __shared__ Partials<C, N> partials;
    return partials;
}

// The fold over threadIdx.y of a block 32 wide and up to 8 deep, for threads with threadIdx.y = 0. x: one value per
// column of the thread. Each of the block's warps folds some of the columns.
template <typename Fold, typename C, int N> __device__ inline void depth_fold(C (&x)[N]) {
    Partials<C, N>& partials = shared_partials<C, N>();
#pragma unroll
    for (int k = 0; k < N; k++) {
        partials.values[threadIdx.y][k][threadIdx.x] = x[k];
    }
    __syncthreads();
    for (int k = threadIdx.y; k < N; k += blockDim.y) {
        C folded = partials.values[0][k][threadIdx.x];
#pragma unroll
        for (int i = 1; i < 8; i++) {
            if (i < blockDim.y) {
                folded = Fold::fold(folded, partials.values[i][k][threadIdx.x]);
            }
        }
        partials.values[0][k][threadIdx.x] = folded;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < N; k++) {
        x[k] = partials.values[0][k][threadIdx.x];
    }
    __syncthreads();
}

template <typename Fold, typename C, int N> __device__ inline void start_folds(C (&x)[N]) {
#pragma unroll
    for (int k = 0; k < N; k++) {
        x[k] = Fold::template identity<C>();
    }
}

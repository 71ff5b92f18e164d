// Rows along a tensor's last axis: where they lie, how the threads of a team share one, and running sums of
// exponentials. VECTOR: elements that a thread loads or stores at once, a power of two that divides every row and its
// alignment, of at most 16 bytes of T. VALUES: elements of a row that a thread holds in registers, where rows are held
// there: as few as the width allows, for the fewer registers, the more threads are under way. C: the compute type of T.
#pragma once
#include "common.cuh"
#include "elementwise.cuh"

typedef Compute<T>::type C;

// The vectors that these are.
constexpr int VECTORS = VALUES / VECTOR;

// Threads of a block; a row is shared by a warp of them, or by all.
constexpr int WARP = 32;
constexpr int BLOCK = 256;

// Row r starts strides[0] * (r % extents[0]) + strides[1] * (r / extents[0] % extents[1]) + strides[2] * (the rest)
// elements after the first. An extent of 0 ends the axes: the stride of its place takes all that is left.
struct Rows {
    i64 extents[2];
    i64 strides[3];
};

__device__ inline i64 row_start(const Rows& rows, i64 row) {
    if (rows.extents[0] == 0) {
        return row * rows.strides[0];
    }
    i64 start = row % rows.extents[0] * rows.strides[0];
    row /= rows.extents[0];
    if (rows.extents[1] == 0) {
        return start + row * rows.strides[1];
    }
    return start + row % rows.extents[1] * rows.strides[1] + row / rows.extents[1] * rows.strides[2];
}

// Elements that are loaded and stored together, by accesses of at most 16 bytes.
template <typename X> struct alignas(sizeof(X) * VECTOR < 16 ? sizeof(X) * VECTOR : 16) Vector {
    X at[VECTOR];
};

template <typename X> __device__ inline void load_vector(const X* source, C* values) {
    Vector<X> vector = *(const Vector<X>*) source;
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        values[i] = (C) widen(vector.at[i]);
    }
}

// By words, of which each half widens with one instruction.
template <int COUNT> __device__ inline void load_words(const bf16* source, C* values) {
    if constexpr (COUNT == 1) {
        values[0] = (C) widen(*source);
    } else {
        struct alignas(2 * COUNT) Words {
            u32 at[COUNT / 2];
        };
        Words words = *(const Words*) source;
#pragma unroll
        for (int i = 0; i < COUNT / 2; i++) {
            values[2 * i] = (C) f32_of(words.at[i] << 16);
            values[2 * i + 1] = (C) f32_of(words.at[i] & 0xffff0000u);
        }
    }
}

__device__ inline void load_vector(const bf16* source, C* values) { load_words<VECTOR>(source, values); }

template <typename X> __device__ inline void store_vector(const C* values, X* target) {
    Vector<X> vector;
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        vector.at[i] = narrow<X>(values[i]);
    }
    *(Vector<X>*) target = vector;
}

// The threads that share a row: a warp, of which a block has several, or the whole block.
template <int THREADS> struct Team {
    // Whole warps lie past the last row in the last block; no barrier follows for them.
    __device__ static inline i64 row() {
        return THREADS == WARP ? (i64) blockIdx.x * (BLOCK / WARP) + (threadIdx.x >> 5) : (i64) blockIdx.x;
    }

    __device__ static inline int rank() { return THREADS == WARP ? threadIdx.x & 31 : threadIdx.x; }

    // Where in the row the k-th vector of this thread starts; of a short row, as an int.
    template <typename Index> __device__ static inline Index position(Index k) {
        return (k * THREADS + rank()) * VECTOR;
    }

    template <typename Fold> __device__ static inline C fold(C x, C identity) {
        if constexpr (THREADS == WARP) {
            return warp_fold<Fold>(x);
        } else {
            __shared__ C partial[32];
            return block_fold<Fold>(x, partial, identity);
        }
    }

    __device__ static inline C sum(C x) { return fold<Sum>(x, 0); }
};

// Asks for a row that is loaded later, so that it waits in the L2 cache then: no registers wait for memory.
template <int THREADS, typename X> __device__ inline void prefetch_row(const X* row, int width) {
    constexpr int LINE = 128 / sizeof(X);
#pragma unroll 1
    for (int at = Team<THREADS>::rank() * LINE; at < width; at += THREADS * LINE) {
        prefetch(row + at);
    }
}

// Loads a row of at most THREADS * VALUES elements; what lies past its end is `absent`.
template <int THREADS, typename X>
__device__ inline void load_row(const X* row, int width, C absent, C (&values)[VALUES]) {
#pragma unroll
    for (int k = 0; k < VECTORS; k++) {
        int at = Team<THREADS>::position(k);
        if (at < width) {
            load_vector(row + at, values + k * VECTOR);
        } else {
#pragma unroll
            for (int i = 0; i < VECTOR; i++) {
                values[k * VECTOR + i] = absent;
            }
        }
    }
}

template <int THREADS, typename X>
__device__ inline void store_row(const C (&values)[VALUES], int width, X* row) {
#pragma unroll
    for (int k = 0; k < VECTORS; k++) {
        int at = Team<THREADS>::position(k);
        if (at < width) {
            store_vector(values + k * VECTOR, row + at);
        }
    }
}

// Exponentials

// Passes NaN over: it comes back as the exponential of what is subtracted from it.
struct Larger {
    __device__ static inline f32 fold(f32 a, f32 b) { return ::fmaxf(a, b); }
    __device__ static inline f64 fold(f64 a, f64 b) { return a < b ? b : a; }
};

__device__ inline C negative_infinity() { return -op::infinity<C>(); }

// e^x for x up to 0, for sums: in f32 the card's, whose relative error is 2^-22 and what its argument's rounding makes
// of it, |x| 2^-24. A polynomial takes longer than loading what is summed.
__device__ inline f32 fast_exp(f32 x) { return fast_exp2(x * 1.44269504f); }
__device__ inline f64 fast_exp(f64 x) { return op::bounded_exp(x); }

// e^x for x up to 0, for results: the fast one is far more exact than 16 bits are.
__device__ inline C row_exp(C x) { return sizeof(T) == 2 ? fast_exp(x) : op::bounded_exp(x); }

// The largest of some elements, and the sum of exp(element - maximum).
struct ExponentialSum {
    C maximum;
    C sum;
};

// Adds elements: the sum is rescaled if one is larger than those before.
template <int COUNT> __device__ inline void add_exponentials(const C (&values)[COUNT], ExponentialSum& total) {
    C larger = total.maximum;
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
        larger = Larger::fold(larger, values[i]);
    }
    if (total.maximum < larger) {
        total.sum *= fast_exp(total.maximum - larger);
        total.maximum = larger;
    }
    // While there was nothing but -infinity, exp(x) is what it would add: 0, and NaN for NaN.
    C shift = larger == negative_infinity() ? 0 : larger;
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
        total.sum += fast_exp(values[i] - shift);
    }
}

// Reads a row once.
template <int THREADS> __device__ inline ExponentialSum exponential_sum(const T* row, i64 width) {
    typedef Team<THREADS> Team;
    // Vectors that a thread loads together, of 64 bytes, so that enough is under way and few of them rescale.
    constexpr int TOGETHER = VECTOR * sizeof(T) < 4 ? 16 : 64 / (VECTOR * sizeof(T));
    constexpr int STEP = THREADS * VECTOR;
    ExponentialSum total = {negative_infinity(), 0};
    i64 at = Team::rank() * VECTOR;
    for (; at + (TOGETHER - 1) * STEP < width; at += TOGETHER * STEP) {
        C values[TOGETHER * VECTOR];
#pragma unroll
        for (int k = 0; k < TOGETHER; k++) {
            load_vector(row + at + k * STEP, values + k * VECTOR);
        }
        add_exponentials(values, total);
    }
    for (; at < width; at += STEP) {
        C values[VECTOR];
        load_vector(row + at, values);
        add_exponentials(values, total);
    }
    C largest = Team::template fold<Larger>(total.maximum, negative_infinity());
    C shift = largest == negative_infinity() ? 0 : largest;
    C sum = Team::sum(total.sum * fast_exp(total.maximum - shift));
    // -infinity less itself
    return {largest, largest == negative_infinity() ? largest - largest : sum};
}

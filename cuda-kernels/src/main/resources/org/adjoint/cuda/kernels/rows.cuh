// Rows along a tensor's last axis: where they lie, how the threads of a team share one, and running sums of
// exponentials. VECTOR: elements that a thread loads or stores at once, a power of two that divides every row and its
// alignment, of at most 16 bytes of T. C: the compute type of T.
#pragma once
#include "common.cuh"
#include "elementwise.cuh"

typedef Compute<T>::type C;

// Values of a row that a thread can hold in registers: 128 bytes.
constexpr int VALUES = 128 / sizeof(C);

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

// Loads a row of at most THREADS * VALUES elements; what lies past its end is `absent`.
template <int THREADS, typename X>
__device__ inline void load_row(const X* row, int width, C absent, C (&values)[VALUES]) {
#pragma unroll
    for (int k = 0; k < VALUES / VECTOR; k++) {
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
    for (int k = 0; k < VALUES / VECTOR; k++) {
        int at = Team<THREADS>::position(k);
        if (at < width) {
            store_vector(values + k * VECTOR, row + at);
        }
    }
}

// Exponentials

// Passes NaN over: it comes back as the exponential of what is subtracted from it.
struct Larger {
    __device__ static inline C fold(C a, C b) { return a < b ? b : a; }
};

__device__ inline C negative_infinity() { return -op::infinity<C>(); }

// The largest of a row's elements, and the sum of exp(element - maximum).
struct ExponentialSum {
    C maximum;
    C sum;
};

// Reads a row once: the sum is rescaled whenever a larger element comes.
template <int THREADS> __device__ inline ExponentialSum exponential_sum(const T* row, i64 width) {
    // Vectors that a thread looks at together, so that few of them rescale.
    constexpr int TOGETHER = 16 / VECTOR;
    C maximum = negative_infinity();
    C sum = 0;
    for (i64 k = 0; Team<THREADS>::position(k) < width; k += TOGETHER) {
        C values[16];
        C larger = maximum;
#pragma unroll
        for (int j = 0; j < TOGETHER; j++) {
            i64 at = Team<THREADS>::position(k + j);
#pragma unroll
            for (int i = 0; i < VECTOR; i++) {
                values[j * VECTOR + i] = negative_infinity();
            }
            if (at < width) {
                load_vector(row + at, values + j * VECTOR);
            }
        }
#pragma unroll
        for (int i = 0; i < 16; i++) {
            larger = Larger::fold(larger, values[i]);
        }
        if (maximum < larger) {
            sum *= op::exp(maximum - larger);
            maximum = larger;
        }
        // While there was nothing but -infinity, exp(x) is what it would add: 0, and NaN for NaN.
        C shift = maximum == negative_infinity() ? 0 : maximum;
#pragma unroll
        for (int i = 0; i < 16; i++) {
            sum += op::exp(values[i] - shift);
        }
    }
    C largest = Team<THREADS>::template fold<Larger>(maximum, negative_infinity());
    C shift = largest == negative_infinity() ? 0 : largest;
    sum = Team<THREADS>::sum(sum * op::exp(maximum - shift));
    // -infinity less itself
    return {largest, largest == negative_infinity() ? largest - largest : sum};
}

// The index of the first largest or smallest element of each line along an axis; the first NaN wins. That is the first
// element in an order without ties (NaN, then value, then index), so that parts of a line can be joined in any way.
// VECTOR: elements of a row that a thread loads at once, 16 bytes of them where rows allow. Traffic: every element is
// read once, which bounds it: in rows a comparison and a test for NaN for each element, and little more for each
// VECTOR. Long lines are cut into parts, whose bests arg_reduce_join joins.
#include "common.cuh"
#include "axes.cuh"

typedef Compute<T>::type C;

// Elements of a line for one thread, of those that lie side by side.
const i32 COLUMN_PART = 512;
const int WARP = 32;
const int MOST_WARPS = 4;

struct __align__(sizeof(T) * VECTOR) Pack { T values[VECTOR]; };

// Whoever has no elements has the first, which does no harm.
struct Best {
    C value;
    i32 index;
};

template <bool LARGEST> __device__ inline f32 extreme(f32 a, f32 b) { return LARGEST ? ::fmaxf(a, b) : ::fminf(a, b); }
template <bool LARGEST> __device__ inline f64 extreme(f64 a, f64 b) { return LARGEST ? ::fmax(a, b) : ::fmin(a, b); }
template <bool LARGEST, typename X> __device__ inline X extreme(X a, X b) { return (a < b) == LARGEST ? b : a; }

__device__ inline bool beats(Best x, Best y, i32 largest) {
    bool x_is_nan = x.value != x.value;
    bool y_is_nan = y.value != y.value;
    if (x_is_nan != y_is_nan) {
        return x_is_nan;
    }
    if (x_is_nan || x.value == y.value) {
        return x.index < y.index;
    }
    return largest ? x.value > y.value : x.value < y.value;
}

__device__ inline Best better(Best x, Best y, i32 largest) { return beats(y, x, largest) ? y : x; }

__device__ inline Best warp_best(Best best, i32 largest) {
#pragma unroll
    for (int lanes = WARP / 2; lanes > 0; lanes >>= 1) {
        Best other;
        other.value = (C) __shfl_xor_sync(0xffffffffu, best.value, lanes);
        other.index = __shfl_xor_sync(0xffffffffu, best.index, lanes);
        best = better(best, other, largest);
    }
    return best;
}

// The best of a team, a warp or a block: for the threads of its first warp.
__device__ inline Best team_best(Best best, i32 largest) {
    __shared__ C values[MOST_WARPS];
    __shared__ i32 indices[MOST_WARPS];
    best = warp_best(best, largest);
    if (blockDim.x == WARP) {
        return best;
    }
    int warp = threadIdx.x / WARP;
    if (threadIdx.x % WARP == 0) {
        values[warp] = best.value;
        indices[warp] = best.index;
    }
    __syncthreads();
    for (int w = 1; warp == 0 && w < blockDim.x / WARP; w++) {
        best = better(best, Best {values[w], indices[w]}, largest);
    }
    return best;
}

__device__ inline Pack load_pack(const T* row, i64 i, i64 stride) {
    if (VECTOR > 1) {
        return *(const Pack*) (row + i);
    }
    return {{row[i * stride]}};
}

// The best of a thread's share of a part of a row, as the place of its pack: all the others of the pack are no better.
template <bool LARGEST> __device__ inline Best scan_row(const T* row, i64 stride, i32 length) {
    i32 mine = threadIdx.x * VECTOR;
    i32 step = blockDim.x * VECTOR;
    i32 place = mine < length ? mine : 0;
    C value = widen(row[(i64) place * stride]);
    bool has_nan = false;
#pragma unroll 4
    for (i32 i = mine; i < length; i += step) {
        Pack pack = load_pack(row, i, stride);
        C top = widen(pack.values[0]);
        has_nan |= top != top;
#pragma unroll
        for (int k = 1; k < VECTOR; k++) {
            C next = widen(pack.values[k]);
            has_nan |= next != next;
            top = extreme<LARGEST>(top, next);
        }
        bool takes = LARGEST ? top > value : top < value;
        value = takes ? top : value;
        place = takes ? i : place;
    }
    for (i32 i = mine; has_nan && i < length; i += step) {
        Pack pack = load_pack(row, i, stride);
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            C next = widen(pack.values[k]);
            if (next != next) {
                value = next;
                place = i;
                has_nan = false;
            }
        }
    }
    return {value, place};
}

// A team per part of a line: for lines whose elements lie close together.
// x: axes.a has the strides of lines; stride: from one element of a line to the next; best: (lines, parts)
KERNEL SYMBOL(arg_reduce_rows, T)(const T* __restrict__ x, i64* __restrict__ best, i64 lines, i64 extent, i64 stride,
    i64 part, i64 parts, i32 largest, Axes axes) {
    i64 task = (i64) blockIdx.x * blockDim.y + threadIdx.y;
    if (task >= lines * parts) {
        return;
    }
    i64 line = parts == 1 ? task : task / parts;
    i64 first = (task - line * parts) * part;
    i32 length = (i32) (first + part < extent ? part : extent - first);
    const T* row = x + offsets(axes, line).a + first * stride;
    Best found = team_best(largest ? scan_row<true>(row, stride, length) : scan_row<false>(row, stride, length),
        largest);
    if (threadIdx.x < WARP) {
        bool is_best = false;
        if (threadIdx.x < VECTOR) {
            C value = widen(row[(found.index + threadIdx.x) * stride]);
            is_best = value == found.value || (value != value && found.value != found.value);
        }
        u32 bests = __ballot_sync(0xffffffffu, is_best);
        if (threadIdx.x == 0) {
            best[task] = first + found.index + __ffs(bests) - 1;
        }
    }
}

// A thread per part of a line: for lines that lie side by side. Parameters as above.
KERNEL SYMBOL(arg_reduce_columns, T)(const T* __restrict__ x, i64* __restrict__ best, i64 lines, i64 extent, i64 stride,
    i64 parts, i32 largest, Axes axes) {
    i64 thread = (i64) blockIdx.x * blockDim.x + threadIdx.x;
    if (thread >= lines * parts) {
        return;
    }
    i64 part = thread / lines;
    i64 line = thread - part * lines;
    i64 first = part * COLUMN_PART;
    i32 length = (i32) (first + COLUMN_PART < extent ? COLUMN_PART : extent - first);
    const T* column = x + offsets(axes, line).a + first * stride;
    C value = widen(*column);
    i32 found = 0;
#pragma unroll 8
    for (i32 i = 1; i < length; i++) {
        column += stride;
        C next = widen(*column);
        bool is_better = largest ? next > value : next < value;
        bool takes = is_better || (next != next && value == value);
        value = takes ? next : value;
        found = takes ? i : found;
    }
    best[line * parts + part] = first + found;
}

// A team per line. candidates: (lines, parts); y: (lines)
KERNEL SYMBOL(arg_reduce_join, T)(const T* __restrict__ x, const i64* __restrict__ candidates, i64* __restrict__ y,
    i64 lines, i64 stride, i64 parts, i32 largest, Axes axes) {
    i64 line = (i64) blockIdx.x * blockDim.y + threadIdx.y;
    if (line >= lines) {
        return;
    }
    const T* row = x + offsets(axes, line).a;
    const i64* places = candidates + line * parts;
    Best found = {widen(row[places[0] * stride]), 0};
#pragma unroll 4
    for (i32 part = threadIdx.x; part < parts; part += blockDim.x) {
        found = better(found, Best {widen(row[places[part] * stride]), part}, largest);
    }
    found = team_best(found, largest);
    if (threadIdx.x == 0) {
        y[line] = places[found.index];
    }
}

// The index of the first largest or smallest element of each line along an axis; the first NaN wins. That is the first
// element in an order without ties (NaN, then value, then index), so that parts of a line can be joined in any way.
// Traffic: every element is read once. Long lines are cut into parts, whose bests arg_reduce_join joins.
#include "common.cuh"
#include "axes.cuh"

typedef Compute<T>::type C;

// Elements of a line for one warp, and for one thread.
const i64 ROW_PART = 4096;
const i64 COLUMN_PART = 512;
const i64 NONE = -1;

struct Best {
    C value;
    i64 index;
};

__device__ inline bool beats(Best x, Best y, i32 largest) {
    if (x.index == NONE || y.index == NONE) {
        return y.index == NONE;
    }
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
    for (int lanes = 16; lanes > 0; lanes >>= 1) {
        Best other;
        other.value = (C) __shfl_xor_sync(0xffffffffu, best.value, lanes);
        other.index = __shfl_xor_sync(0xffffffffu, best.index, lanes);
        best = better(best, other, largest);
    }
    return best;
}

// A warp per part of a line: for lines whose elements lie close together.
// x: axes.a has the strides of lines; stride: from one element of a line to the next; best: (lines, parts)
KERNEL SYMBOL(arg_reduce_rows, T)(const T* __restrict__ x, i64* __restrict__ best, i64 lines, i64 extent, i64 stride,
    i64 parts, i32 largest, Axes axes) {
    i64 warp = ((i64) blockIdx.x * blockDim.x + threadIdx.x) >> 5;
    i64 lane = threadIdx.x & 31;
    if (warp >= lines * parts) {
        return;
    }
    i64 line = warp / parts;
    i64 first = warp % parts * ROW_PART;
    i64 end = first + ROW_PART < extent ? first + ROW_PART : extent;
    const T* row = x + offsets(axes, line).a;
    Best found = {0, NONE};
#pragma unroll 4
    for (i64 i = first + lane; i < end; i += 32) {
        found = better(found, Best {widen(row[i * stride]), i}, largest);
    }
    found = warp_best(found, largest);
    if (lane == 0) {
        best[warp] = found.index;
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
    i64 end = first + COLUMN_PART < extent ? first + COLUMN_PART : extent;
    const T* column = x + offsets(axes, line).a;
    Best found = {widen(column[first * stride]), first};
#pragma unroll 4
    for (i64 i = first + 1; i < end; i++) {
        found = better(found, Best {widen(column[i * stride]), i}, largest);
    }
    best[line * parts + part] = found.index;
}

// A warp per line. candidates: (lines, parts); y: (lines)
KERNEL SYMBOL(arg_reduce_join, T)(const T* __restrict__ x, const i64* __restrict__ candidates, i64* __restrict__ y,
    i64 lines, i64 stride, i64 parts, i32 largest, Axes axes) {
    i64 line = ((i64) blockIdx.x * blockDim.x + threadIdx.x) >> 5;
    i64 lane = threadIdx.x & 31;
    if (line >= lines) {
        return;
    }
    const T* row = x + offsets(axes, line).a;
    Best found = {0, NONE};
    for (i64 part = lane; part < parts; part += 32) {
        i64 i = candidates[line * parts + part];
        found = better(found, Best {widen(row[i * stride]), i}, largest);
    }
    found = warp_best(found, largest);
    if (lane == 0) {
        y[line] = found.index;
    }
}

// What the kernels of attention share: how they are told extents and layouts.
#pragma once
#include "common.cuh"
#include "exponentials.cuh"

// Steps, in elements, along the batch axes, from row to row and from column to column. Only the bias has columns apart.
struct Strides {
    i64 batch[4];
    i64 row;
    i64 column;
};

struct Problem {
    i64 extents[4];  // of the batch axes, innermost first, those missing 1
    i64 queries;
    i64 keys;
    i64 depth;  // columns of q and k
    i64 width;  // columns of v and out
    i64 causal;
    Strides q;
    Strides k;
    Strides v;
    Strides bias;
    Strides out;  // this and the next for the gradient alone
    Strides dout;
};

// Where the matrix of a head begins, in elements.
__device__ inline i64 offset_of(const Problem& problem, const Strides& strides, i64 head) {
    i64 offset = 0;
#pragma unroll
    for (int axis = 0; axis < 4; axis++) {
        offset += head % problem.extents[axis] * strides.batch[axis];
        head /= problem.extents[axis];
    }
    return offset;
}

// How far `end` is from `start` in rows or columns of a tile; farther than a tile reaches is all the same.
__device__ inline int tile_distance(i64 start, i64 end) {
    i64 distance = end - start;
    return distance > 128 ? 128 : distance < -128 ? -128 : (int) distance;
}

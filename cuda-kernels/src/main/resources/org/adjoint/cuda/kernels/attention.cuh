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

// Where the matrix of a head begins, in elements. There are fewer than 2^31 heads, and so of each extent.
__device__ inline i64 offset_of(const Problem& problem, const Strides& strides, i64 head) {
    u32 rest = (u32) head;
    i64 offset = 0;
#pragma unroll
    for (int axis = 0; axis < 4; axis++) {
        u32 extent = (u32) problem.extents[axis];
        offset += rest % extent * strides.batch[axis];
        rest /= extent;
    }
    return offset;
}

// Which rows of which head are a block's own, of a grid of heads x blocks. Those of a causal problem are of unequal
// length: of several heads the longest start first, so that no long one is left over when the others have ended. Of
// some 512 blocks at a time, not of all, so that what they visit fits into the L2 cache.
struct Place {
    u32 head;
    u32 block;  // the longest is 0

    __device__ inline explicit Place(u32 blocks) {
        u32 heads = gridDim.x / blocks;
        u32 most = blocks < 512 ? 512 / blocks : 1;
        u32 first = blockIdx.x / (most * blocks) * most;
        u32 together = heads - first < most ? heads - first : most;
        u32 within = blockIdx.x - first * blocks;
        head = first + within % together;
        block = within / together;
    }
};

// How far `end` is from `start` in rows or columns of a tile; farther than a tile reaches is all the same.
__device__ inline int tile_distance(i64 start, i64 end) {
    i64 distance = end - start;
    return distance > 128 ? 128 : distance < -128 ? -128 : (int) distance;
}

// Sums over rows, column by column, in two steps: over fixed stripes of rows, and over the stripes in order.
#pragma once
#include "rows.cuh"

constexpr int WARPS = BLOCK / WARP;

// So many that little is left to do in order.
constexpr int FOLD_WARPS = 32;

// Where warps have whole rows: warps of a block, and blocks of a multiprocessor for which registers suffice. Addresses
// of loads of less than 16 bytes, and f64, take more.
constexpr int GRADIENT_WARPS = 4;
constexpr int GRADIENT_BLOCKS = VECTOR * sizeof(T) < 16 || sizeof(C) == 8 ? 2 : VALUES * sizeof(C) <= 96 ? 4 : 3;

// Stores the sums of a stripe whose rows the block's warps had, each thread with its places of a row in registers: adds
// the warps' sums in order. Lanes are neighbors in shared memory, lest their banks conflict.
__device__ inline void store_sums_of_warps(const C (&values)[VALUES], int width, C* target) {
    __shared__ C total[VALUES][WARP];
    int lane = threadIdx.x & 31;
    for (int warp = 0; warp < GRADIENT_WARPS; warp++) {
        if (threadIdx.x >> 5 == warp) {
#pragma unroll
            for (int i = 0; i < VALUES; i++) {
                total[i][lane] = warp == 0 ? values[i] : total[i][lane] + values[i];
            }
        }
        __syncthreads();
    }
    for (int column = threadIdx.x; column < width; column += GRADIENT_WARPS * WARP) {
        int vector = column / VECTOR;
        target[column] = total[vector / WARP * VECTOR + column % VECTOR][vector % WARP];
    }
    __syncthreads();
}

// Stores the sums of a stripe, of 32 vectors of columns: adds those of the block's warps, in order.
__device__ inline void store_column_sums(const C (&values)[VECTOR], i64 first_column, i64 width, C* target) {
    __shared__ C partial[WARPS][WARP * VECTOR];
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        partial[threadIdx.x >> 5][(threadIdx.x & 31) * VECTOR + i] = values[i];
    }
    __syncthreads();
    int column = threadIdx.x;
    if (column < WARP * VECTOR && first_column + column < width) {
        C sum = 0;
#pragma unroll
        for (int warp = 0; warp < WARPS; warp++) {
            sum += partial[warp][column];
        }
        target[first_column + column] = sum;
    }
    __syncthreads();
}

// The column that a thread of fold_stripes has: a block has 32.
__device__ inline i64 fold_column() { return (i64) blockIdx.x * WARP + (threadIdx.x & 31); }

// What the stripes' sums, (stripes, columns), add up to: a warp takes every 32nd stripe, and the warps' sums are added
// in order. Only the block's first warp gets the result.
__device__ inline C fold_stripes(const C* sums, i64 stripes, i64 columns, i64 column) {
    __shared__ C partial[FOLD_WARPS][WARP];
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    C sum = 0;
    if (column < columns) {
        // So many loads under way at once, however many there are.
        constexpr int TOGETHER = 8;
#pragma unroll 1
        for (i64 stripe = warp; stripe < stripes; stripe += TOGETHER * FOLD_WARPS) {
            C terms[TOGETHER];
#pragma unroll
            for (int i = 0; i < TOGETHER; i++) {
                i64 at = stripe + i * FOLD_WARPS;
                terms[i] = at < stripes ? sums[at * columns + column] : 0;
            }
#pragma unroll
            for (int i = 0; i < TOGETHER; i++) {
                sum += terms[i];
            }
        }
    }
    partial[warp][lane] = sum;
    __syncthreads();
    C total = 0;
    if (warp == 0) {
#pragma unroll
        for (int w = 0; w < FOLD_WARPS; w++) {
            total += partial[w][lane];
        }
    }
    return total;
}

// One pass of a stable radix sort of (key, position) pairs by 8 bits of the key: tiles count their digits, the counts
// of each digit are scanned over the tiles, and every tile moves its pairs to where the scans say. Tiles have a fixed
// size and no order depends on timing. K: u32 or u64. Traffic: keys are read twice, positions once, both are written
// once.
#include "common.cuh"

const int DIGITS = 256;
const int THREADS = 256;
const int WARPS = THREADS / 32;
const int EACH = 8;
const int TILE = THREADS * EACH;

__device__ inline u32 digit_of(K key, i32 shift) { return (u32) (key >> shift) & (DIGITS - 1); }

// The sum over threads up to this one, and over all. partial: shared memory for WARPS values
__device__ inline K block_scan(K own, K* partial, K* total) {
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    K sum = own;
#pragma unroll
    for (int lanes = 1; lanes < 32; lanes <<= 1) {
        K before = __shfl_up_sync(0xffffffffu, sum, lanes);
        sum += lane >= lanes ? before : 0;
    }
    if (lane == 31) {
        partial[warp] = sum;
    }
    __syncthreads();
    K all = 0;
#pragma unroll
    for (int w = 0; w < WARPS; w++) {
        sum += w < warp ? partial[w] : 0;
        all += partial[w];
    }
    __syncthreads();
    *total = all;
    return sum;
}

// counts: (DIGITS, tiles)
KERNEL SYMBOL(sort_count, K)(const K* __restrict__ keys, K* __restrict__ counts, i64 count, i64 tiles, i32 shift) {
    __shared__ i32 histogram[DIGITS];
    histogram[threadIdx.x] = 0;
    __syncthreads();
    i64 first = (i64) blockIdx.x * TILE + threadIdx.x;
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        i64 i = first + j * THREADS;
        if (i < count) {
            atomicAdd(&histogram[digit_of(keys[i], shift)], 1);
        }
    }
    __syncthreads();
    counts[(i64) threadIdx.x * tiles + blockIdx.x] = (K) histogram[threadIdx.x];
}

// A block per digit: counts become the sums over earlier tiles, totals (DIGITS) those over all.
KERNEL SYMBOL(sort_scan, K)(K* __restrict__ counts, K* __restrict__ totals, i64 tiles) {
    __shared__ K partial[WARPS];
    K* row = counts + (i64) blockIdx.x * tiles;
    K before = 0;
    for (i64 first = 0; first < tiles; first += THREADS) {
        i64 i = first + threadIdx.x;
        K own = i < tiles ? row[i] : 0;
        K total;
        K sum = block_scan(own, partial, &total);
        if (i < tiles) {
            row[i] = before + sum - own;
        }
        before += total;
    }
    if (threadIdx.x == 0) {
        totals[blockIdx.x] = before;
    }
}

// Warps rank their own stretches of the tile, 32 pairs at a time: those before it in its stretch with the same digit.
KERNEL SYMBOL(sort_move, K)(const K* __restrict__ keys, const K* __restrict__ positions, K* __restrict__ sorted_keys,
    K* __restrict__ sorted_positions, const K* __restrict__ counts, const K* __restrict__ totals, i64 count, i64 tiles,
    i32 shift) {
    __shared__ K partial[WARPS];
    __shared__ K starts[WARPS][DIGITS];
    __shared__ u32 found[WARPS][DIGITS];
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
#pragma unroll
    for (int w = 0; w < WARPS; w++) {
        found[w][threadIdx.x] = 0;
    }
    __syncthreads();

    i64 first = (i64) blockIdx.x * TILE + warp * (32 * EACH) + lane;
    K key[EACH];
    u32 rank[EACH];
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        i64 i = first + j * 32;
        bool exists = i < count;
        key[j] = exists ? keys[i] : 0;
        u32 digit = digit_of(key[j], shift);
        u32 same = __ballot_sync(0xffffffffu, exists);
#pragma unroll
        for (int bit = 0; bit < 8; bit++) {
            u32 ones = __ballot_sync(0xffffffffu, digit >> bit & 1);
            same &= digit >> bit & 1 ? ones : ~ones;
        }
        u32 earlier = __popc(same & ((1u << lane) - 1));
        rank[j] = found[warp][digit] + earlier;
        __syncwarp();
        if (exists && earlier == 0) {
            found[warp][digit] += __popc(same);
        }
        __syncwarp();
    }
    __syncthreads();

    K total = totals[threadIdx.x];
    K all;
    K start = block_scan(total, partial, &all) - total + counts[(i64) threadIdx.x * tiles + blockIdx.x];
#pragma unroll
    for (int w = 0; w < WARPS; w++) {
        starts[w][threadIdx.x] = start;
        start += found[w][threadIdx.x];
    }
    __syncthreads();

#pragma unroll
    for (int j = 0; j < EACH; j++) {
        i64 i = first + j * 32;
        if (i < count) {
            K to = starts[warp][digit_of(key[j], shift)] + rank[j];
            sorted_keys[to] = key[j];
            sorted_positions[to] = positions[i];
        }
    }
}

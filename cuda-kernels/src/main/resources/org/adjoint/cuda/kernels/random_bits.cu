// 32 random bits per element: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", SC11; constants as in the Random123 library). A block of the generator is four words: element i takes word i % 4
// of block i / 4. org.adjoint.graph.Philox says how key and counter are made. Traffic: every word is written once, four
// at a time.
#include "common.cuh"

const int ROUNDS = 10;

struct __align__(16) Words { u32 c0, c1, c2, c3; };

__device__ inline Words philox(u64 seed, u64 run, u64 stream, u64 block) {
    u32 k0 = (u32) seed;
    u32 k1 = (u32) (seed >> 32);
    Words c = {(u32) block, (u32) (run >> 32) << 16 | ((u32) (block >> 32) & 0xffffu), (u32) stream, (u32) run};
#pragma unroll
    for (int round = 0; round < ROUNDS; round++) {
        u64 product0 = (u64) 0xD2511F53u * c.c0;
        u64 product1 = (u64) 0xCD9E8D57u * c.c2;
        c.c0 = (u32) (product1 >> 32) ^ c.c1 ^ k0;
        c.c1 = (u32) product1;
        c.c2 = (u32) (product0 >> 32) ^ c.c3 ^ k1;
        c.c3 = (u32) product0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

// state: seed and run, state_stride apart; y: count words, aligned to 16 bytes
KERNEL random_bits(const i64* __restrict__ state, i64 state_stride, const i64* __restrict__ stream, u32* __restrict__ y,
    i64 count) {
    i64 block = (i64) blockIdx.x * blockDim.x + threadIdx.x;
    i64 first = block * 4;
    if (first >= count) {
        return;
    }
    Words words = philox((u64) state[0], (u64) state[state_stride], (u64) stream[0], (u64) block);
    if (first + 4 <= count) {
        *(Words*) (y + first) = words;
        return;
    }
    y[first] = words.c0;
    if (first + 1 < count) {
        y[first + 1] = words.c1;
    }
    if (first + 2 < count) {
        y[first + 2] = words.c2;
    }
}

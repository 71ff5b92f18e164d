// 32 random bits per element: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", SC11; constants as in the Random123 library). A block of the generator is four words: element i takes word i % 4
// of block i / 4. org.adjoint.graph.Philox says how key and counter are made. Traffic: every word is written once, four
// at a time. A thread makes several blocks, for which it computes the keys of the rounds once.
#include "common.cuh"

const int ROUNDS = 10;
const int THREADS = 256;
const int EACH = 4;

struct __align__(16) Words { u32 c0, c1, c2, c3; };

// The blocks of the generator that start THREADS after each other.
__device__ inline void philox(u64 seed, u64 run, u64 stream, u64 block, Words (&c)[EACH]) {
    u32 k0 = (u32) seed;
    u32 k1 = (u32) (seed >> 32);
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        u64 counter = block + j * THREADS;
        c[j] = {(u32) counter, (u32) (run >> 32) << 16 | ((u32) (counter >> 32) & 0xffffu), (u32) stream, (u32) run};
    }
#pragma unroll
    for (int round = 0; round < ROUNDS; round++) {
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            u64 product0 = (u64) 0xD2511F53u * c[j].c0;
            u64 product1 = (u64) 0xCD9E8D57u * c[j].c2;
            c[j].c0 = (u32) (product1 >> 32) ^ c[j].c1 ^ k0;
            c[j].c1 = (u32) product1;
            c[j].c2 = (u32) (product0 >> 32) ^ c[j].c3 ^ k1;
            c[j].c3 = (u32) product0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

// state: seed and run, state_stride apart; y: count words, aligned to 16 bytes
KERNEL random_bits(const i64* __restrict__ state, i64 state_stride, const i64* __restrict__ stream, u32* __restrict__ y,
    i64 count) {
    i64 block = (i64) blockIdx.x * (THREADS * EACH) + threadIdx.x;
    Words words[EACH];
    philox((u64) state[0], (u64) state[state_stride], (u64) stream[0], (u64) block, words);
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        i64 first = (block + j * THREADS) * 4;
        if (first + 4 <= count) {
            *(Words*) (y + first) = words[j];
            continue;
        }
        if (first < count) {
            y[first] = words[j].c0;
        }
        if (first + 1 < count) {
            y[first + 1] = words[j].c1;
        }
        if (first + 2 < count) {
            y[first + 2] = words[j].c2;
        }
    }
}

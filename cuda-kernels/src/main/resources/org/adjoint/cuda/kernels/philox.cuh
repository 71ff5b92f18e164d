// 32 random bits per element: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", SC11; constants as in the Random123 library). A block of the generator is four words: element i takes word i % 4
// of block i / 4. org.adjoint.graph.Philox says how key and counter are made.
#pragma once
#include "common.cuh"

struct __align__(16) Words { u32 c0, c1, c2, c3; };

// What bits are made from.
struct Generator {
    u64 seed;
    u64 run;
    u64 stream;

    // COUNT blocks from first on, STEP apart, round by round, so that they share the keys.
    template <int STEP, int COUNT> __device__ inline void blocks(u64 first, Words (&c)[COUNT]) const {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            u64 block = first + i * STEP;
            c[i] = {(u32) block, (u32) (run >> 32) << 16 | ((u32) (block >> 32) & 0xffffu), (u32) stream, (u32) run};
        }
        u32 k0 = (u32) seed;
        u32 k1 = (u32) (seed >> 32);
#pragma unroll
        for (int round = 0; round < 10; round++) {
#pragma unroll
            for (int i = 0; i < COUNT; i++) {
                u64 product0 = (u64) 0xD2511F53u * c[i].c0;
                u64 product1 = (u64) 0xCD9E8D57u * c[i].c2;
                c[i].c0 = (u32) (product1 >> 32) ^ c[i].c1 ^ k0;
                c[i].c1 = (u32) product1;
                c[i].c2 = (u32) (product0 >> 32) ^ c[i].c3 ^ k1;
                c[i].c3 = (u32) product0;
            }
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
    }

    __device__ inline Words block(u64 i) const {
        Words words[1];
        blocks<1>(i, words);
        return words[0];
    }

    __device__ inline u32 element(u64 i) const {
        Words words = block(i / 4);
        return i % 4 == 0 ? words.c0 : i % 4 == 1 ? words.c1 : i % 4 == 2 ? words.c2 : words.c3;
    }
};

// state: seed and run, state_stride apart
__device__ inline Generator generator(const i64* state, i64 state_stride, const i64* stream) {
    return {(u64) state[0], (u64) state[state_stride], (u64) stream[0]};
}

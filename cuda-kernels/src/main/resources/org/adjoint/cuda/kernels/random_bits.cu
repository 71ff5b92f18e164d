// 32 random bits per element: philox.cuh. Traffic: every word is written once, four at a time. A thread makes several
// blocks of the generator, for which it computes the keys of the rounds once. Where one group alone reads the bits it
// makes them itself, from a generator that is left in their place: RandomInput.java.
#include "philox.cuh"

const int THREADS = 256;
const int EACH = 4;

// state: seed and run, state_stride apart; y: count words, aligned to 16 bytes
KERNEL random_bits(const i64* __restrict__ state, i64 state_stride, const i64* __restrict__ stream, u32* __restrict__ y,
    i64 count) {
    i64 block = (i64) blockIdx.x * (THREADS * EACH) + threadIdx.x;
    Words words[EACH];
    generator(state, state_stride, stream).blocks<THREADS>((u64) block, words);
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

KERNEL random_generator(const i64* __restrict__ state, i64 state_stride, const i64* __restrict__ stream, Generator* y) {
    *y = generator(state, state_stride, stream);
}

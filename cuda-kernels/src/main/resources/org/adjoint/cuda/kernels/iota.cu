// 0, 1, 2, ...: y[i] = i. Traffic: every element is written once.
#include "common.cuh"

const int THREADS = 256;
const int EACH = 4;

KERNEL SYMBOL(iota, T)(T* __restrict__ y, i64 count) {
    i64 first = (i64) blockIdx.x * (THREADS * EACH) + threadIdx.x;
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        i64 i = first + j * THREADS;
        if (i < count) {
            y[i] = narrow<T>((Compute<T>::type) i);
        }
    }
}

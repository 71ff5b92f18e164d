// Elements picked by an index tensor: y[..., i, ...] = x[..., indices[..., i, ...], ...]. An index out of range is
// reported and gives zero. Where a row of elements shares an index (an embedding), it is moved by up to 16 bytes at
// once. T: what is moved, bytes1 to bytes16. I: the indices' dtype. Traffic: y is written, as much of x and the indices
// read.
#include "common.cuh"
#include "axes.cuh"

const int THREADS = 256;
const int EACH = 4;

// axes: y's domain, with strides of x in .a (0 along the indexed axis) and of the indices in .b
// stride: of x along the indexed axis; elements: of the tensor in one T
KERNEL SYMBOL(gather, T)(const T* __restrict__ x, const I* __restrict__ indices, T* __restrict__ y, i64 count,
    i64 extent, i64 stride, i64 elements, Axes axes, Status* status, i32 step) {
    i64 first = (i64) blockIdx.x * (THREADS * EACH) + threadIdx.x;
    Offsets at[EACH];
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        i64 i = first + j * THREADS;
        at[j] = offsets(axes, i < count ? i : 0);
    }
    // All indices are on their way before the first is waited for, and so are all elements.
    i64 index[EACH];
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        index[j] = indices[at[j].b];
    }
    T picked[EACH];
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        bool inside = index[j] >= 0 && index[j] < extent;
        picked[j] = T {};
        if (inside) {
            picked[j] = x[at[j].a + index[j] * stride];
        }
        i64 i = first + j * THREADS;
        if (!inside && i < count) {
            bad_index(status, step, i * elements);
        }
    }
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        i64 i = first + j * THREADS;
        if (i < count) {
            y[i] = picked[j];
        }
    }
}

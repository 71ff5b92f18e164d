// Copies a window whose corner is known only on the device: out of a tensor (dynamicSlice) or into one
// (dynamicUpdateSlice). A start out of range is reported; then nothing is written into a tensor. T: what is moved,
// bytes1 to bytes16. Traffic: the window is read and written once.
#include "common.cuh"
#include "axes.cuh"

const int THREADS = 256;
const int EACH = 4;

// The axes of the tensor that the window lies in: the largest start, and the stride in Ts.
struct Window {
    i64 rank;
    i64 last[MAX_AXES];
    i64 stride[MAX_AXES];
};

// axes: the window, with strides of the source in .a and of the target in .b
// into: whether the window lies in the target, not in the source
KERNEL SYMBOL(window, T)(const T* __restrict__ source, T* __restrict__ target, const i64* __restrict__ starts,
    i64 start_stride, i64 count, i32 into, Window window, Axes axes, Status* status, i32 step) {
    __shared__ i64 shared_corner;
    __shared__ i32 shared_outside;
    if (threadIdx.x == 0) {
        i64 corner = 0;
        i32 outside = 0;
        for (i64 axis = 0; axis < window.rank; axis++) {
            i64 start = starts[axis * start_stride];
            if (start >= 0 && start <= window.last[axis]) {
                corner += start * window.stride[axis];
            } else {
                outside = 1;
                bad_index(status, step, axis);
            }
        }
        shared_corner = corner;
        shared_outside = outside;
    }
    __syncthreads();
    i64 corner = shared_corner;
    if (into && (shared_outside || status->first_bad != ~0ull)) {
        return;
    }
    i64 first = (i64) blockIdx.x * (THREADS * EACH) + threadIdx.x;
    Offsets at[EACH];
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        at[j] = offsets(axes, first + j * THREADS);
    }
    T moved[EACH];
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        if (first + j * THREADS < count) {
            moved[j] = source[at[j].a + (into ? 0 : corner)];
        }
    }
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        if (first + j * THREADS < count) {
            target[at[j].b + (into ? corner : 0)] = moved[j];
        }
    }
}

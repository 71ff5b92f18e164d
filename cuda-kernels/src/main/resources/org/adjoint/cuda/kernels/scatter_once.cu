// Adds updates to destinations of which no two are the same: there is one index along the axis. I: the indices' dtype.
// Traffic: indices and updates are read once, destinations read and written once.
#include "common.cuh"
#include "axes.cuh"
#include "add.cuh"

const int THREADS = 256;

// Reports indices out of range, before anything is added. axes: the indices' domain, with their strides in .b
KERNEL SYMBOL(scatter_check, T)(const I* __restrict__ indices, i64 count, i64 extent, Axes axes, Status* status,
    i32 step) {
    i64 i = (i64) blockIdx.x * THREADS + threadIdx.x;
    if (i < count) {
        i64 index = indices[offsets(axes, i).b];
        if (index < 0 || index >= extent) {
            bad_index(status, step, i);
        }
    }
}

// axes: the same, with y's strides in .a (0 along the indexed axis); stride: of y along the indexed axis
KERNEL SYMBOL(scatter_once, T)(T* __restrict__ y, const I* __restrict__ indices, const T* __restrict__ updates,
    i64 count, i64 stride, Axes axes, const Status* status) {
    i64 i = (i64) blockIdx.x * THREADS + threadIdx.x;
    if (i < count && status->first_bad == ~0ull) {
        Offsets at = offsets(axes, i);
        T* destination = y + at.a + (i64) indices[at.b] * stride;
        *destination = narrow<T>(add(widen(*destination), widen(updates[i])));
    }
}

// Where updates go: for every index its destination, as a key to sort by, and its position. An index out of range is
// reported. I: the indices' dtype. K: u32 or u64. Traffic: indices are read, keys and positions written once.
#include "common.cuh"
#include "axes.cuh"

const int THREADS = 256;

// axes: the positions, with the destination's strides in .a (0 along the indexed axis) and the indices' in .b
// stride: of destinations along the indexed axis; elements: behind each position, which share its index
KERNEL SYMBOL(scatter_keys, K)(const I* __restrict__ indices, K* __restrict__ keys, K* __restrict__ positions,
    i64 count, i64 extent, i64 stride, i64 elements, Axes axes, Status* status, i32 step) {
    i64 i = (i64) blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) {
        return;
    }
    Offsets at = offsets(axes, i);
    i64 index = indices[at.b];
    bool inside = index >= 0 && index < extent;
    if (!inside) {
        bad_index(status, step, i * elements);
    }
    keys[i] = inside ? (K) (at.a + index * stride) : 0;
    positions[i] = (K) i;
}

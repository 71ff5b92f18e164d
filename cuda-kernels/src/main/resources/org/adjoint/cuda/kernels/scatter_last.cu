// Replaces rows by updates, given pairs (destination, row) sorted by destination: of the rows of one destination the last
// wins. T: what is moved, bytes1 to bytes16. K: u32 or u64. Traffic: keys are read once, of updates what wins is read
// and written once.
#include "common.cuh"
#include "axes.cuh"

// y, updates: rows of width elements, y's y_stride apart; a row of threads for each pair
KERNEL SYMBOL(scatter_last, T)(T* __restrict__ y, const T* __restrict__ updates, const K* __restrict__ keys,
    const K* __restrict__ rows, i64 count, i64 width, i64 y_stride, const Status* status) {
    i64 i = (i64) blockIdx.x * blockDim.y + threadIdx.y;
    if (i >= count || status->first_bad != ~0ull || (i + 1 < count && keys[i + 1] == keys[i])) {
        return;
    }
    T* to = y + (i64) keys[i] * y_stride;
    const T* from = updates + (i64) rows[i] * width;
    for (i64 column = (i64) blockIdx.y * blockDim.x + threadIdx.x; column < width;
        column += (i64) gridDim.y * blockDim.x) {
        to[column] = from[column];
    }
}

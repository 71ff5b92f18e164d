// How many elements of an ascending sequence come before each value, or are equal to it as well; NaN comes last. A binary
// search by each thread. Traffic: values are read and counts written once; of a sequence, what the searches meet, much of
// it from caches.
#include "common.cuh"
#include "axes.cuh"

typedef Compute<T>::type C;

const int THREADS = 256;

__device__ inline bool precedes(C element, C value, i32 or_equal) {
    bool nan_last = value != value && (or_equal || element == element);
    return nan_last || (or_equal ? element <= value : element < value);
}

// Index: u32 where it counts the sequence.
template <typename Index> __device__ inline i64 count_before(const T* sequence, Index length, i64 stride, C value,
    i32 or_equal) {
    Index low = 0;
    Index high = length;
    while (low < high) {
        Index middle = low + (high - low) / 2;
        bool before = precedes(widen(sequence[(i64) middle * stride]), value, or_equal);
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return (i64) low;
}

// axes: the values' domain, their strides in .a and those of the sequences in .b; stride: from one element of a sequence
// to the next
KERNEL SYMBOL(search_sorted, T)(const T* __restrict__ sorted, const T* __restrict__ values, i64* __restrict__ y,
    i64 count, i64 length, i64 stride, i32 or_equal, Axes axes) {
    i64 i = (i64) blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) {
        return;
    }
    Offsets at = offsets(axes, i);
    C value = widen(values[at.a]);
    const T* sequence = sorted + at.b;
    y[i] = length >> 32 == 0 ? count_before<u32>(sequence, (u32) length, stride, value, or_equal)
        : count_before<i64>(sequence, length, stride, value, or_equal);
}

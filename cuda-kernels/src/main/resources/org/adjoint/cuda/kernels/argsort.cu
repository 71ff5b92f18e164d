// The indices that sort each line along an axis; equal elements stay in order. NaN is greater than all numbers, -0 is
// equal to 0. Elements become unsigned keys in that order (complements for the descending one), and position breaks ties,
// so no two are equal and any network sorts stably. Short lines are sorted in shared memory, as many as fit into a block:
// a bitonic network (Batcher, "Sorting networks and their applications", 1968). All lines together go through
// radix_sort.cu where they are longer: first by key, then by line. K: u32, or u64 for keys of 64 bits or as many elements.
// Traffic of short lines: elements are read once, indices written once.
#include "common.cuh"
#include "axes.cuh"

const int THREADS = 512;
const int TILE = 2 * THREADS;

__device__ inline u32 key_of(u8 x) { return x; }
__device__ inline u32 key_of(i32 x) { return (u32) x ^ 0x80000000u; }
__device__ inline u64 key_of(i64 x) { return (u64) x ^ 0x8000000000000000ull; }

// 16 bits of sign and magnitude, of which those above infinity's are NaN.
__device__ inline u32 half_key(u32 bits, u32 infinity) {
    u32 magnitude = bits & 0x7fffu;
    return magnitude > infinity ? 0xffffu : magnitude == 0 ? 0x8000u : bits != magnitude ? ~bits & 0xffffu : bits | 0x8000u;
}
__device__ inline u32 key_of(f16 x) { return half_key(x.bits, 0x7c00u); }
__device__ inline u32 key_of(bf16 x) { return half_key(x.bits, 0x7f80u); }

__device__ inline u32 key_of(f32 x) {
    u32 bits = bits_of(x == 0 ? 0 : x);
    return x != x ? ~0u : bits >> 31 ? ~bits : bits | 0x80000000u;
}
__device__ inline u64 key_of(f64 x) {
    u64 bits = bits_of(x == 0 ? 0 : x);
    return x != x ? ~0ull : bits >> 63 ? ~bits : bits | 0x8000000000000000ull;
}

// flip: all ones of a key for descending order, else 0
__device__ inline K sort_key(T x, i64 flip) { return (K) key_of(x) ^ (K) flip; }

// x: axes.a has the strides of lines; stride: from one element of a line to the next; y: likewise, axes.b and y_stride
// padded: a power of two, of which a line fits into one
KERNEL SYMBOL(argsort_lines, T)(const T* __restrict__ x, i64* __restrict__ y, i64 lines, i64 extent, i64 stride,
    i64 y_stride, i32 padded, i64 flip, Axes axes) {
    __shared__ K keys[TILE];
    __shared__ i32 places[TILE];
    i64 first = (i64) blockIdx.x * (TILE / padded);
#pragma unroll
    for (int j = threadIdx.x; j < TILE; j += THREADS) {
        i64 line = first + j / padded;
        int place = j % padded;
        // What pads a line comes behind its last element: of equal keys, the later place.
        keys[j] = line < lines && place < extent ? sort_key(x[offsets(axes, line).a + place * stride], flip) : (K) ~0ull;
        places[j] = place;
    }
    __syncthreads();
    for (int size = 2; size <= padded; size <<= 1) {
        for (int distance = size >> 1; distance > 0; distance >>= 1) {
            int low = 2 * threadIdx.x - (threadIdx.x & (distance - 1));
            int high = low + distance;
            bool ascends = size == padded || (low & size) == 0;
            K a = keys[low];
            K b = keys[high];
            i32 place_a = places[low];
            i32 place_b = places[high];
            bool greater = a > b || (a == b && place_a > place_b);
            if (greater == ascends) {
                keys[low] = b;
                keys[high] = a;
                places[low] = place_b;
                places[high] = place_a;
            }
            __syncthreads();
        }
    }
#pragma unroll
    for (int j = threadIdx.x; j < TILE; j += THREADS) {
        i64 line = first + j / padded;
        int rank = j % padded;
        if (line < lines && rank < extent) {
            y[offsets(axes, line).b + rank * y_stride] = places[j];
        }
    }
}

// Keys and positions of all elements, line by line.
KERNEL SYMBOL(argsort_keys, T)(const T* __restrict__ x, K* __restrict__ keys, K* __restrict__ positions, i64 count,
    i64 extent, i64 stride, i64 flip, Axes axes) {
    i64 i = (i64) blockIdx.x * THREADS + threadIdx.x;
    if (i < count) {
        i64 line = i / extent;
        keys[i] = sort_key(x[offsets(axes, line).a + (i - line * extent) * stride], flip);
        positions[i] = (K) i;
    }
}

// The line of each position, as the next key to sort by.
KERNEL SYMBOL(argsort_by_line, T)(const K* __restrict__ positions, K* __restrict__ keys, i64 count, i64 extent) {
    i64 i = (i64) blockIdx.x * THREADS + threadIdx.x;
    if (i < count) {
        keys[i] = positions[i] / (K) extent;
    }
}

// The sorted positions, as places in their lines.
KERNEL SYMBOL(argsort_places, T)(const K* __restrict__ positions, i64* __restrict__ y, i64 count, i64 extent,
    i64 y_stride, Axes axes) {
    i64 i = (i64) blockIdx.x * THREADS + threadIdx.x;
    if (i < count) {
        i64 line = i / extent;
        y[offsets(axes, line).b + (i - line * extent) * y_stride] = (i64) positions[i] - line * extent;
    }
}

// Adds rows of updates to their destinations, given pairs (destination, row) sorted by destination. The rows of one
// destination form a segment, summed in the order of the rows, on top of what is there; 16-bit sums are kept in f32 and
// rounded once. A segment of more than PIECE rows (a frequent token) is cut into pieces of so many, counted from its
// start: the first is summed on top of what is there, each further one by itself, and they are joined in order. So the
// bits depend on nothing but the rows. K: u32 or u64. Traffic: updates are read once, destinations read and written
// once; sums of pieces, a PIECEth of the updates of long segments in the compute type, are written and read.
#include "common.cuh"
#include "add.cuh"

typedef Compute<T>::type C;

const i64 PIECE = 32;

// The first entry whose key is not below this one, among entries [0, end).
__device__ inline i64 lower_bound(const K* keys, i64 end, K key) {
    i64 low = 0;
    while (low < end) {
        i64 middle = low + (end - low) / 2;
        if (keys[middle] < key) {
            low = middle + 1;
        } else {
            end = middle;
        }
    }
    return low;
}

// A row of threads sums the pieces that start among PIECE entries. Of these, two at most belong to long segments: one
// that goes on, and one that begins.
// y, updates: rows of width elements, y's y_stride apart; partial: (count / PIECE rounded up, 2, width)
KERNEL SYMBOL(scatter_rows, T)(T* __restrict__ y, const T* __restrict__ updates, const K* __restrict__ keys,
    const K* __restrict__ rows, C* __restrict__ partial, i64 count, i64 width, i64 y_stride, const Status* status) {
    i64 chunk = (i64) blockIdx.x * blockDim.y + threadIdx.y;
    i64 first = chunk * PIECE;
    if (first >= count || status->first_bad != ~0ull) {
        return;
    }
    i64 last = first + PIECE < count ? first + PIECE : count;
    K key = keys[first];
    i64 begin = lower_bound(keys, first, key);
    i64 goes_on = begin + (first - begin + PIECE - 1) / PIECE * PIECE;
    i64 i = first;
    while (i < goes_on && i < last && keys[i] == key) {
        i++;
    }
    while (i < last) {
        key = keys[i];
        bool begins = i == 0 || keys[i - 1] != key;
        bool is_long = !begins || (i + PIECE < count && keys[i + PIECE] == key);
        i64 end = i + 1;
        while (end < i + PIECE && end < count && keys[end] == key) {
            end++;
        }
        for (i64 column = (i64) blockIdx.y * blockDim.x + threadIdx.x; column < width;
            column += (i64) gridDim.y * blockDim.x) {
            T* destination = y + (i64) key * y_stride + column;
            C sum = widen(updates[(i64) rows[i] * width + column]);
            if (begins) {
                sum = add(widen(*destination), sum);
            }
#pragma unroll 4
            for (i64 next = i + 1; next < end; next++) {
                sum = add(sum, widen(updates[(i64) rows[next] * width + column]));
            }
            if (is_long) {
                partial[(2 * chunk + begins) * width + column] = sum;
            } else {
                *destination = narrow<T>(sum);
            }
        }
        i = end;
    }
}

// Joins the pieces of long segments. A row of threads for each PIECE entries: one long segment at most begins there.
KERNEL SYMBOL(scatter_join, T)(T* __restrict__ y, const K* __restrict__ keys, const C* __restrict__ partial, i64 count,
    i64 width, i64 y_stride, const Status* status) {
    i64 chunk = (i64) blockIdx.x * blockDim.y + threadIdx.y;
    i64 first = chunk * PIECE;
    if (first >= count || status->first_bad != ~0ull) {
        return;
    }
    i64 last = first + PIECE < count ? first + PIECE : count;
    K key = keys[last - 1];
    i64 begin = lower_bound(keys, last - 1, key);
    if (begin < first) {
        return;
    }
    i64 pieces = 1;
    while (begin + pieces * PIECE < count && keys[begin + pieces * PIECE] == key) {
        pieces++;
    }
    if (pieces == 1) {
        return;
    }
    for (i64 column = (i64) blockIdx.y * blockDim.x + threadIdx.x; column < width;
        column += (i64) gridDim.y * blockDim.x) {
        C sum = partial[(2 * chunk + 1) * width + column];
#pragma unroll 8
        for (i64 piece = 1; piece < pieces; piece++) {
            sum = add(sum, partial[2 * (chunk + piece) * width + column]);
        }
        y[(i64) key * y_stride + column] = narrow<T>(sum);
    }
}

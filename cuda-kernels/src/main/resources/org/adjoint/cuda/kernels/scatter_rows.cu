// Adds rows of updates to their destinations, given pairs (destination, row) sorted by destination. The rows of one
// destination form a segment, summed in the order of the rows, on top of what is there; 16-bit sums are kept in f32 and
// rounded once. A segment of more than PIECE rows (a frequent token) is cut into pieces of so many, counted from its
// start: the first is summed on top of what is there, each further one by itself, and they are joined in order. So the
// bits depend on nothing but the rows. K: u32 or u64. VECTOR: elements that a thread moves at once, up to 16 bytes.
// Traffic, which bounds it: updates are read once, destinations read and written once; sums of pieces, a PIECEth of the
// updates of long segments in the compute type, are written and read. Rows are read AHEAD of their turn, whatever
// segments they belong to: most segments are short.
#include "common.cuh"
#include "add.cuh"

typedef Compute<T>::type C;

const int PIECE = 32;
const int AHEAD = 4;
const u32 WARP = 0xffffffffu;

template <typename X> struct __align__(sizeof(X) * VECTOR < 16 ? sizeof(X) * VECTOR : 16) Pack { X values[VECTOR]; };

// The first entry whose key is not below this one, among entries [low, end).
__device__ inline i64 lower_bound(const K* keys, i64 low, i64 end, K key) {
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

// Where the segment begins that entry first, its chunk's first, goes on with.
__device__ inline i64 segment_begin(const K* keys, i64 first, K key) {
    u32 same = __ballot_sync(WARP, keys[first - PIECE + threadIdx.x] == key);
    return same != WARP ? first - __popc(same) : lower_bound(keys, 0, first - PIECE, key);
}

// The index of the lowest bit, or 32.
__device__ inline i32 lowest(u32 bits) { return bits != 0 ? __ffs(bits) - 1 : 32; }

// Sums of a piece, to their destination or among those of its long segment's pieces.
__device__ inline void store_piece(const C (&sums)[VECTOR], bool is_long, T* destination, C* partial) {
    if (is_long) {
        Pack<C> pack;
#pragma unroll
        for (int v = 0; v < VECTOR; v++) {
            pack.values[v] = sums[v];
        }
        *(Pack<C>*) partial = pack;
    } else {
        Pack<T> pack;
#pragma unroll
        for (int v = 0; v < VECTOR; v++) {
            pack.values[v] = narrow<T>(sums[v]);
        }
        *(Pack<T>*) destination = pack;
    }
}

// A warp sums the pieces that start among PIECE entries, its chunk; the last may reach into the next chunk. Of these,
// two at most belong to long segments: one that goes on, and one that begins. Bits stand for entries of the chunk.
// y, updates: rows of width elements, y's y_stride apart; partial: (count / PIECE rounded up, 2, width)
KERNEL SYMBOL(scatter_rows, T)(T* __restrict__ y, const T* __restrict__ updates, const K* __restrict__ keys,
    const K* __restrict__ rows, C* __restrict__ partial, i64 count, i64 width, i64 y_stride, const Status* status) {
    i64 chunk = (i64) blockIdx.x * blockDim.y + threadIdx.y;
    i64 first = chunk * PIECE;
    if (first >= count || status->first_bad != ~0ull) {
        return;
    }
    i32 lane = threadIdx.x;
    bool exists = first + lane < count;
    bool next_exists = first + PIECE + lane < count;
    K key = exists ? keys[first + lane] : 0;
    K row = exists ? rows[first + lane] : 0;
    K next_key = next_exists ? keys[first + PIECE + lane] : 0;
    K next_row = next_exists ? rows[first + PIECE + lane] : 0;
    K before = first > 0 ? keys[first - 1] : 0;
    K earlier = __shfl_up_sync(WARP, key, 1);
    bool differs = first + lane == 0 || (lane == 0 ? before : earlier) != key;
    u32 begins = __ballot_sync(WARP, exists && differs);
    u32 is_long = __ballot_sync(WARP, next_exists && next_key == key);
    i32 entries = (i32) (count - first < PIECE ? count - first : PIECE);
    u32 starts = begins;
    if ((begins & 1) == 0) {
        i32 done = (i32) ((first - segment_begin(keys, first, before)) % PIECE);
        i32 goes_on = done == 0 ? 0 : PIECE - done;
        i32 run = lowest(begins) < entries ? lowest(begins) : entries;
        starts |= goes_on < run ? 1u << goes_on : 0;
    }
    if (starts == 0) {
        return;
    }
    i32 last_start = 31 - __clz(starts);
    K last_key = __shfl_sync(WARP, key, last_start);
    i32 more = lowest(~__ballot_sync(WARP, next_exists && next_key == last_key));
    i32 end = entries + (more < last_start ? more : last_start);

    for (i64 columns = (i64) blockIdx.y * (32 * VECTOR); columns < width; columns += (i64) gridDim.y * (32 * VECTOR)) {
        i64 column = columns + lane * VECTOR;
        bool inside = column < width;
        C sums[VECTOR];
        i32 piece = lowest(starts);
        auto store = [&] {
            bool begun = begins >> piece & 1;
            K to_row = __shfl_sync(WARP, key, piece);
            if (inside) {
                store_piece(sums, !begun || (is_long >> piece & 1), y + (i64) to_row * y_stride + column,
                    partial + (2 * chunk + begun) * width + column);
            }
        };
        for (i32 from = piece; from < end; from += AHEAD) {
            Pack<T> update[AHEAD];
            Pack<T> old[AHEAD];
#pragma unroll
            for (i32 j = 0; j < AHEAD; j++) {
                i32 i = from + j;
                K from_row = __shfl_sync(WARP, i < PIECE ? row : next_row, i % PIECE);
                K to_row = __shfl_sync(WARP, key, i % PIECE);
                if (inside && i < end) {
                    update[j] = *(const Pack<T>*) (updates + (i64) from_row * width + column);
                }
                if (inside && i < PIECE && (begins >> i & 1)) {
                    old[j] = *(const Pack<T>*) (y + (i64) to_row * y_stride + column);
                }
            }
#pragma unroll
            for (i32 j = 0; j < AHEAD; j++) {
                i32 i = from + j;
                bool is_start = i < PIECE && (starts >> i & 1);
                bool is_begin = i < PIECE && (begins >> i & 1);
                if (is_start && i > piece) {
                    store();
                    piece = i;
                }
                if (inside && i < end) {
#pragma unroll
                    for (int v = 0; v < VECTOR; v++) {
                        C value = widen(update[j].values[v]);
                        sums[v] = is_begin ? add(widen(old[j].values[v]), value)
                            : is_start ? value : add(sums[v], value);
                    }
                }
            }
        }
        store();
    }
}

// Joins the pieces of long segments. A row of threads for each PIECE entries: one long segment at most begins there,
// and it goes on in the next.
KERNEL SYMBOL(scatter_join, T)(T* __restrict__ y, const K* __restrict__ keys, const C* __restrict__ partial, i64 count,
    i64 width, i64 y_stride, const Status* status) {
    i64 chunk = (i64) blockIdx.x * blockDim.y + threadIdx.y;
    i64 first = chunk * PIECE;
    i64 last = first + PIECE;
    if (last >= count || keys[last] != keys[last - 1] || status->first_bad != ~0ull) {
        return;
    }
    K key = keys[last];
    i64 begin = lower_bound(keys, first, last, key);
    bool begins = begin > first || first == 0 || keys[first - 1] != key;
    if (!begins || begin + PIECE >= count || keys[begin + PIECE] != key) {
        return;
    }
    i64 pieces = 1 + (lower_bound(keys, begin, count, key + 1) - begin - 1) / PIECE;
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

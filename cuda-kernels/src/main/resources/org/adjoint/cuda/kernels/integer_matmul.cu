// Products of integer matrices, wrapping: c (m, n) = a (m, k) . b (k, n). T: u8, i32 or i64. A block of 32 x 8 threads
// makes a tile of 32 x 32; a and b may have any strides. Traffic: a is read n / 32 times, b m / 32 times, c written
// once.
#include "common.cuh"
#include "axes.cuh"

const int TILE = 32;
const int ROWS = 8;

template <typename X> struct Unsigned { typedef u32 type; };
template <> struct Unsigned<i64> { typedef u64 type; };
typedef Unsigned<T>::type U;

struct Strides { i64 row, column; };

// axes: the batch, with strides of a in .a and of b in .b; c is contiguous
KERNEL SYMBOL(integer_matmul, T)(const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ c, i64 m, i64 n,
    i64 k, Strides a_strides, Strides b_strides, Axes axes) {
    __shared__ U a_tile[TILE][TILE + 1];
    __shared__ U b_tile[TILE][TILE + 1];
    i64 row_tiles = (m + TILE - 1) / TILE;
    i64 column_tiles = (n + TILE - 1) / TILE;
    i64 batch = blockIdx.x / (row_tiles * column_tiles);
    i64 tile = blockIdx.x - batch * row_tiles * column_tiles;
    i64 row = tile / column_tiles * TILE;
    i64 column = tile % column_tiles * TILE;
    Offsets at = offsets(axes, batch);
    a += at.a;
    b += at.b;
    c += batch * m * n;
    int x = threadIdx.x;
    U sum[TILE / ROWS] = {};
    for (i64 step = 0; step < k; step += TILE) {
#pragma unroll
        for (int y = threadIdx.y; y < TILE; y += ROWS) {
            bool a_exists = row + y < m && step + x < k;
            bool b_exists = step + y < k && column + x < n;
            a_tile[y][x] = a_exists ? (U) a[(row + y) * a_strides.row + (step + x) * a_strides.column] : 0;
            b_tile[y][x] = b_exists ? (U) b[(step + y) * b_strides.row + (column + x) * b_strides.column] : 0;
        }
        __syncthreads();
#pragma unroll
        for (int p = 0; p < TILE; p++) {
#pragma unroll
            for (int j = 0; j < TILE / ROWS; j++) {
                sum[j] += a_tile[threadIdx.y + j * ROWS][p] * b_tile[p][x];
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < TILE / ROWS; j++) {
        i64 y = row + threadIdx.y + j * ROWS;
        if (y < m && column + x < n) {
            c[y * n + column + x] = (T) sum[j];
        }
    }
}

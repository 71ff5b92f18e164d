// Copies a tensor whose fastest axis in the source, rows, is not that in the target, columns: through tiles of 32 x 32 in
// shared memory, so that both are accessed along their fastest axis. Each element is read once and written once.
#include "common.cuh"
#include "axes.cuh"

const int TILE = 32;
const int DEPTH = 8;
// Columns of a tile lie in different banks.
const int PADDING = sizeof(T) < 4 ? 4 / sizeof(T) : 1;

// source_stride: from one column to the next; target_stride: from one row to the next. outer: the axes that are left.
KERNEL SYMBOL(transpose, T)(const T* source, T* target, i64 rows, i64 columns, i64 source_stride, i64 target_stride,
    Axes outer) {
    __shared__ T tile[TILE][TILE + PADDING];
    i64 row_tiles = (rows + TILE - 1) / TILE;
    i64 column_tiles = (columns + TILE - 1) / TILE;
    i64 column_tile = blockIdx.x % column_tiles;
    i64 rest = blockIdx.x / column_tiles;
    i64 first_row = rest % row_tiles * TILE;
    i64 first_column = column_tile * TILE;
    Offsets at = offsets(outer, rest / row_tiles);

    for (int i = threadIdx.y; i < TILE; i += DEPTH) {
        i64 row = first_row + threadIdx.x;
        i64 column = first_column + i;
        if (row < rows && column < columns) {
            tile[i][threadIdx.x] = source[at.a + row + column * source_stride];
        }
    }
    __syncthreads();
    for (int i = threadIdx.y; i < TILE; i += DEPTH) {
        i64 row = first_row + i;
        i64 column = first_column + threadIdx.x;
        if (row < rows && column < columns) {
            target[at.b + column + row * target_stride] = tile[threadIdx.x][i];
        }
    }
}

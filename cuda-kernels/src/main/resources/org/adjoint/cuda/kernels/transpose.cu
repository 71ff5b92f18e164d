// Copies a tensor whose fastest axis in the source, rows, is not that in the target, columns: through tiles of 32 x 32
// units in shared memory, so that both are accessed along their fastest axis. A unit is SIDE elements, 4 or 8 bytes
// where extents and strides allow: a thread reads SIDE of them and turns them by itself. Each element is read once and
// written once; the memory bounds it: some 3 instructions per byte.
#include "common.cuh"
#include "axes.cuh"

const int TILE = 32;
const int DEPTH = 8;
const int EACH = TILE / DEPTH;

struct __align__(sizeof(T) * SIDE) Unit { T values[SIDE]; };

// Columns of a tile lie in different banks.
const int PADDING = sizeof(Unit) < 4 ? 4 / sizeof(Unit) : 1;

// rows, columns: in units; source_stride: from one column to the next; target_stride: from one row to the next. outer:
// the axes that are left.
KERNEL SYMBOL(transpose, T)(const T* __restrict__ source, T* __restrict__ target, i64 rows, i64 columns,
    i64 source_stride, i64 target_stride, Axes outer) {
    // By the place of a row in its unit, the column's unit and the row's unit.
    __shared__ Unit tile[SIDE][TILE][TILE + PADDING];
    u32 row_tiles = (u32) ((rows + TILE - 1) / TILE);
    u32 column_tiles = (u32) ((columns + TILE - 1) / TILE);
    u32 rest = blockIdx.x / column_tiles;
    u32 matrix = rest / row_tiles;
    i64 first_row = (i64) (rest - matrix * row_tiles) * TILE;
    i64 first_column = (i64) (blockIdx.x - rest * column_tiles) * TILE;
    i32 tile_rows = (i32) (rows - first_row < TILE ? rows - first_row : TILE);
    i32 tile_columns = (i32) (columns - first_column < TILE ? columns - first_column : TILE);
    i32 x = threadIdx.x;
    i32 y = threadIdx.y;
    Offsets at = offsets(outer, matrix);

    const T* from = source + at.a + (first_row + x) * SIDE + (first_column + y) * SIDE * source_stride;
    i64 from_step = DEPTH * SIDE * source_stride;
    Unit read[EACH][SIDE];
#pragma unroll
    for (i32 i = 0; i < EACH; i++) {
        const T* unit = from;
#pragma unroll
        for (i32 k = 0; k < SIDE; k++) {
            if (x < tile_rows && y + i * DEPTH < tile_columns) {
                read[i][k] = *(const Unit*) unit;
            }
            unit += source_stride;
        }
        from += from_step;
    }
#pragma unroll
    for (i32 i = 0; i < EACH; i++) {
#pragma unroll
        for (i32 j = 0; j < SIDE; j++) {
            if (x < tile_rows && y + i * DEPTH < tile_columns) {
                Unit turned;
#pragma unroll
                for (i32 k = 0; k < SIDE; k++) {
                    turned.values[k] = read[i][k].values[j];
                }
                tile[j][y + i * DEPTH][x] = turned;
            }
        }
    }
    __syncthreads();
    T* to = target + at.b + (first_column + x) * SIDE + (first_row + y) * SIDE * target_stride;
    i64 to_step = DEPTH * SIDE * target_stride;
#pragma unroll
    for (i32 i = 0; i < EACH; i++) {
        T* unit = to;
#pragma unroll
        for (i32 j = 0; j < SIDE; j++) {
            if (x < tile_columns && y + i * DEPTH < tile_rows) {
                *(Unit*) unit = tile[j][x][y + i * DEPTH];
            }
            unit += target_stride;
        }
        to += to_step;
    }
}

// Tiles of rows in shared memory and their products on tensor cores, as attention_mma.cu takes them: by a block of
// THREADS, each warp of which has 16 N rows of its own. T is the dtype, HEAD how many columns a row has, those behind a
// matrix's own being 0.
#pragma once
#include "attention.cuh"
#include "fragments.cuh"

constexpr int THREADS = 128;
constexpr int STEPS = HEAD / 16;   // of 16 columns of a row
constexpr int CHUNKS = HEAD / 8;   // of 16 bytes in a row

// Rows of HEAD elements in shared memory. A row's chunks are permuted so that the same one of 8 rows fills all banks:
// chunk c of a row lies at place(row) ^ c, and that of a row 8 n further on lies 8 n CHUNKS behind it.
struct Tile {
    Chunk* shared;
    int start;  // in chunks, a multiple of CHUNKS

    __device__ inline int place(int row) const {
        return start + row * CHUNKS + (CHUNKS < 8 ? row * CHUNKS / 8 % CHUNKS : row % 8);
    }
};

// The rows of one matrix of a batch: fewer than 2^31. Its columns are a multiple of 8, at most HEAD.
struct Matrix {
    const T* at;
    i64 row;
    int rows;
    int columns;

    __device__ inline Matrix(const T* base, const Problem& problem, const Strides& strides, u32 head, i64 rows,
        i64 columns)
        : at(base + offset_of(problem, strides, head)), row(strides.row), rows((int) rows), columns((int) columns) { }

    // Begins to copy COUNT rows from `first`; what is behind the matrix's end becomes 0.
    template <int COUNT> __device__ inline void load(Copies& copies, Tile tile, int first) const {
        constexpr int STEP = THREADS / CHUNKS;
        int own = threadIdx.x / CHUNKS;
        int chunk = threadIdx.x % CHUNKS;
        int end = chunk * 8 < columns ? rows : 0;
        const T* from = at + (first + own) * row + chunk * 8;
        Chunk* to = tile.shared + (tile.place(own) ^ chunk);
#pragma unroll
        for (int step = 0; step < COUNT; step += STEP) {
            copies.begin(to + step * CHUNKS, from, first + own + step < end);
            from += STEP * row;
        }
    }
};

// Sums of products, 16 N rows by 16 columns: the accumulators of 2 N products, see multiply_add.
template <int N> struct Sums {
    f32 at[N][2][4];

    __device__ inline void add_product(const u32 (&a)[N][4], const u32 (&b)[4]) {
#pragma unroll
        for (int part = 0; part < N; part++) {
            multiply_add<T>(at[part][0], a[part], b[0], b[1]);
            multiply_add<T>(at[part][1], a[part], b[2], b[3]);
        }
    }
};

template <int N, int TILES> __device__ inline void clear(Sums<N> (&sums)[TILES]) {
#pragma unroll
    for (int i = 0; i < 8 * N * TILES; i++) {
        sums[i / 8 / N].at[i / 8 % N][i / 4 % 2][i % 4] = 0;
    }
}

// Rounded, as the left operands of products.
template <int N, int TILES>
__device__ inline void pack_left(u32 (&a)[TILES][N][4], const Sums<N> (&sums)[TILES]) {
#pragma unroll
    for (int i = 0; i < 4 * N * TILES; i++) {
        int part = i / 4 % N;
        const f32* pair = sums[i / 4 / N].at[part][i / 2 % 2] + i % 2 * 2;
        a[i / 4 / N][part][i % 4] = pack<T>(pair[0], pair[1]);
    }
}

// scores += left . right^T: 16 N rows of left from `row`, all of right. UNROLLED steps at a time: more is faster, and
// takes registers.
template <int UNROLLED, int N, int TILES>
__device__ inline void multiply(Sums<N> (&scores)[TILES], Tile left, int row, Tile right) {
    int lane = threadIdx.x & 31;
    int left_place = left.place(row + (lane & 15)) ^ lane >> 4;
    int right_place = right.place((lane & 7) + (lane >> 4) * 8) ^ (lane >> 3 & 1);
#pragma unroll UNROLLED
    for (int step = 0; step < STEPS; step++) {
        u32 a[N][4];
#pragma unroll
        for (int part = 0; part < N; part++) {
            load_matrices(a[part], left.shared + (left_place ^ 2 * step) + 16 * part * CHUNKS);
        }
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
            u32 b[4];
            load_matrices(b, right.shared + (right_place ^ 2 * step) + 16 * tile * CHUNKS);
            scores[tile].add_product(a, b);
        }
    }
}

// sums += weights . right
template <int N, int TILES>
__device__ inline void accumulate(Sums<N> (&sums)[STEPS], const u32 (&weights)[TILES][N][4], Tile right) {
    int lane = threadIdx.x & 31;
    int place = right.place(lane & 15) ^ lane >> 4;
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
            u32 b[4];
            load_matrices_transposed(b, right.shared + (place ^ 2 * step) + 16 * tile * CHUNKS);
            sums[step].add_product(weights[tile], b);
        }
    }
}

// Rows of a contiguous result, through the warp's own 16 N rows of a tile, so that whole chunks are written. A lane's
// rows are lane / 4 + 8 i, with factors[i].
template <int N> __device__ inline void store(T* result, int first, int rows, int columns, Tile tile, int row,
    const Sums<N> (&sums)[STEPS], const f32 (&factors)[2 * N]) {
    int lane = threadIdx.x & 31;
    int place = tile.place(row + lane / 4);
#pragma unroll
    for (int i = 0; i < 2 * N; i++) {
#pragma unroll
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            const f32* pair = sums[chunk / 2].at[i / 2][chunk % 2] + i % 2 * 2;
            tile.shared[(place ^ chunk) + 8 * i * CHUNKS].at[lane % 4] =
                pack<T>(pair[0] * factors[i], pair[1] * factors[i]);
        }
    }
    __syncwarp();
    for (int i = lane; i < 16 * N * CHUNKS; i += 32) {
        int at = row + i / CHUNKS;
        int chunk = i % CHUNKS;
        if (first + at < rows && chunk * 8 < columns) {
            *(Chunk*) (result + (i64) (first + at) * columns + chunk * 8) = tile.shared[tile.place(at) ^ chunk];
        }
    }
}

// Minus infinity for scores of the columns before `begin` and from `end` on, which move on by one with each row, and of
// those from `last` on.
template <int N, int TILES> __device__ inline void hide(Sums<N> (&scores)[TILES], int begin, int end, int last) {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int i = 0; i < 8 * N * TILES; i++) {
        int part = i / 8 % N;
        int column = i / 8 / N * 16 + i / 4 % 2 * 8 + lane % 4 * 2 + i % 2;
        int row = 16 * part + i / 2 % 2 * 8 + lane / 4;
        if (column < begin + row || column >= min(end + row, last)) {
            scores[i / 8 / N].at[part][i / 4 % 2][i % 4] = -op::infinity<f32>();
        }
    }
}

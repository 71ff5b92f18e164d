// Attention and its gradient on tensor cores, for 16-bit dtypes with d = e = 64 or 128, no bias and a positive scale
// (Dao, "FlashAttention-2", 2023). Everything else is in attention.cu.
//
// Compiled with T, f16 or bf16, and HEAD, the head size. Weights and their gradients are rounded to T before they are
// multiplied, which errs by half an ulp of T of the largest value; sums are f32.
//
// Bound by the tensor cores, and by shared memory that feeds them: a warp with N parts of 16 rows reads 16 x 16 elements
// for every 2 N products of 16 x 8 x 16. Forward takes 2 products of blocks, the gradient 7: those for scores and their
// gradients twice, so that every sum stays with one block and has one order. Memory traffic: see attention.cu.
#include "common.cuh"
#include "attention.cuh"
#include "fragments.cuh"
#include "logarithms.cuh"

constexpr int THREADS = 128;
constexpr int STEPS = HEAD / 16;                 // of 16 columns of a row
constexpr int CHUNKS = HEAD / 8;                 // of 16 bytes in a row
// Of a block's own rows a warp has 16 times that many: as many as its registers can hold the sums of.
constexpr int QUERY_PARTS = 2;
constexpr int KEY_PARTS = HEAD == 64 ? 2 : 1;
// Rows that a block visits at a time.
constexpr int VISITED_FORWARD = HEAD == 64 ? 64 : 32;
constexpr int VISITED = 32;
constexpr f32 LOG2E = 1.44269504f;

// Rows of HEAD elements in shared memory, in chunks from `start`, a multiple of CHUNKS.
struct Tile {
    Chunk* shared;
    int start;

    // A row's chunks are permuted so that the same one of 8 rows fills all banks.
    __device__ inline Chunk* at(int row, int chunk) const {
        return shared + ((start + row * CHUNKS + (row & 7)) ^ chunk);
    }
};

// The rows of one matrix of a batch: fewer than 2^31.
struct Matrix {
    const T* at;
    i64 row;
    int rows;

    __device__ inline Matrix(const T* base, const Problem& problem, const Strides& strides, u32 head, i64 rows)
        : at(base + offset_of(problem, strides, head)), row(strides.row), rows((int) rows) { }

    // Begins to copy COUNT rows from `first`; rows behind the end become 0.
    template <int COUNT> __device__ inline void load(Tile tile, int first) const {
        constexpr int STEP = THREADS / CHUNKS;
        int from_row = threadIdx.x / CHUNKS;
        int chunk = threadIdx.x % CHUNKS;
        const T* from = at + (first + from_row) * row + chunk * 8;
#pragma unroll
        for (int step = 0; step < COUNT; step += STEP) {
            bool exists = first + from_row + step < rows;
            copy_async(tile.at(from_row + step, chunk), exists ? from : at, exists);
            from += STEP * row;
        }
    }
};

// 16 rows and 16 columns of a tile as the left operand.
__device__ inline void load_left(u32 (&a)[4], Tile tile, int row, int step) {
    int lane = threadIdx.x & 31;
    load_matrices(a, tile.at(row + (lane & 15), 2 * step + (lane >> 4)));
}

// 16 rows and 16 columns of a tile, transposed, as two right operands side by side.
__device__ inline void load_right_transposed(u32 (&b)[4], Tile tile, int row, int step) {
    int lane = threadIdx.x & 31;
    load_matrices(b, tile.at(row + (lane & 7) + (lane >> 4) * 8, 2 * step + (lane >> 3 & 1)));
}

// 16 rows and 16 columns of a tile as two right operands side by side.
__device__ inline void load_right(u32 (&b)[4], Tile tile, int row, int step) {
    int lane = threadIdx.x & 31;
    load_matrices_transposed(b, tile.at(row + (lane & 15), 2 * step + (lane >> 4)));
}

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

// scores += left . right^T: 16 N rows of left from `row`, all of right.
template <int N, int TILES>
__device__ inline void multiply(Sums<N> (&scores)[TILES], Tile left, int row, Tile right) {
#pragma unroll 1
    for (int step = 0; step < STEPS; step++) {
        u32 a[N][4];
#pragma unroll
        for (int part = 0; part < N; part++) {
            load_left(a[part], left, row + 16 * part, step);
        }
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
            u32 b[4];
            load_right_transposed(b, right, 16 * tile, step);
            scores[tile].add_product(a, b);
        }
    }
}

// sums += weights . right
template <int N, int TILES>
__device__ inline void accumulate(Sums<N> (&sums)[STEPS], const u32 (&weights)[TILES][N][4], Tile right) {
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
            u32 b[4];
            load_right(b, right, 16 * tile, step);
            sums[step].add_product(weights[tile], b);
        }
    }
}

// Rows of a contiguous result, through the warp's own 16 N rows of a tile, so that whole chunks are written. A lane's
// rows are lane / 4 + 8 i, with factors[i].
template <int N> __device__ inline void store(T* result, int first, int rows, Tile tile, int row,
    const Sums<N> (&sums)[STEPS], const f32 (&factors)[2 * N]) {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int i = 0; i < 2 * N; i++) {
#pragma unroll
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            const f32* pair = sums[chunk / 2].at[i / 2][chunk % 2] + i % 2 * 2;
            tile.at(row + lane / 4 + 8 * i, chunk)->at[lane % 4] =
                pack<T>(pair[0] * factors[i], pair[1] * factors[i]);
        }
    }
    __syncwarp();
    for (int i = lane; i < 16 * N * CHUNKS; i += 32) {
        int at = row + i / CHUNKS;
        if (first + at < rows) {
            *(Chunk*) (result + (i64) (first + at) * HEAD + i % CHUNKS * 8) = *tile.at(at, i % CHUNKS);
        }
    }
}

// Over the four lanes that share rows of scores.
__device__ inline f32 fold_largest(f32 x) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
    return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}
__device__ inline f32 fold_sum(f32 x) {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// A lane's column of scores: the i-th of product `half` of a tile.
__device__ inline int column_of(int tile, int half, int i) {
    return 16 * tile + 8 * half + (threadIdx.x & 3) * 2 + (i & 1);
}

// Minus infinity for scores of columns that are not visible: those from `visible` + 8 i on in a lane's i-th row.
template <int N, int TILES>
__device__ inline void hide(Sums<N> (&scores)[TILES], int near, int visible) {
#pragma unroll
    for (int i = 0; i < 8 * N * TILES; i++) {
        int tile = i / (8 * N);
        int part = i / 8 % N;
        int limit = visible + 16 * part + i / 2 % 2 * 8;
        if (column_of(tile, i / 4 % 2, i) >= min(near, limit)) {
            scores[tile].at[part][i / 4 % 2][i % 4] = -op::infinity<f32>();
        }
    }
}

// grid: heads x blocks of 64 QUERY_PARTS queries
KERNEL __launch_bounds__(THREADS, 2) SYMBOL(attention_mma_forward, T)(const T* q, const T* k, const T* v, T* out,
    f32* log_sum_exp, Problem problem, f32 scale) {
    constexpr int PARTS = QUERY_PARTS;
    constexpr int OWN = 64 * PARTS;
    constexpr int TILES = VISITED_FORWARD / 16;
    constexpr int OWN_TILE = OWN * CHUNKS;
    constexpr int VISITED_TILE = VISITED_FORWARD * CHUNKS;
    extern __shared__ Chunk shared[];
    Tile q_tile = {shared, 0};
    u32 blocks = (u32) ((problem.queries + OWN - 1) / OWN);
    u32 head = blockIdx.x / blocks;
    // The last queries see the most keys: they start first.
    int first = (int) (blocks - 1 - blockIdx.x % blocks) * OWN;
    int row = (threadIdx.x >> 5) * 16 * PARTS;
    int lane = threadIdx.x & 31;
    f32 factor = scale * LOG2E;
    Matrix queries(q, problem, problem.q, head, problem.queries);
    Matrix keys(k, problem, problem.k, head, problem.keys);
    Matrix values(v, problem, problem.v, head, problem.keys);
    queries.load<OWN>(q_tile, first);
    // Tiles of k and v are two, to be used in turn.
    auto visit = [&](int turn, int key) {
        keys.load<VISITED_FORWARD>({shared, OWN_TILE + turn * VISITED_TILE}, key);
        values.load<VISITED_FORWARD>({shared, OWN_TILE + (2 + turn) * VISITED_TILE}, key);
    };
    visit(0, 0);
    Sums<PARTS> sums[STEPS];
    f32 largest[2 * PARTS];
    f32 total[2 * PARTS];  // of a lane's own columns
    clear(sums);
#pragma unroll
    for (int i = 0; i < 2 * PARTS; i++) {
        largest[i] = -op::infinity<f32>();
        total[i] = 0;
    }
    int end = problem.causal ? min(first + OWN, keys.rows) : keys.rows;
    int turn = 0;
    for (int key = 0; key < end; key += VISITED_FORWARD) {
        Sums<PARTS> scores[TILES];
        Tile k_tile = {shared, OWN_TILE + turn * VISITED_TILE};
        Tile v_tile = {shared, OWN_TILE + (2 + turn) * VISITED_TILE};
        turn ^= 1;
        copies_arrived();
        __syncthreads();
        if (key + VISITED_FORWARD < end) {
            visit(turn, key + VISITED_FORWARD);
        }
        clear(scores);
        multiply(scores, q_tile, row, k_tile);
        int near = keys.rows - key;
        int diagonal = problem.causal ? first + row - key : VISITED_FORWARD;
        if (near < VISITED_FORWARD || diagonal < VISITED_FORWARD - 1) {
            hide(scores, near, diagonal + lane / 4 + 1);
        }
#pragma unroll
        for (int i = 0; i < 2 * PARTS; i++) {
            f32 before = largest[i];
#pragma unroll
            for (int j = 0; j < 4 * TILES; j++) {
                largest[i] = fmaxf(largest[i], scores[j / 4].at[i / 2][j / 2 % 2][i % 2 * 2 + j % 2]);
            }
            largest[i] = fold_largest(largest[i]);
            // While no key was visible every weight is 2^(-infinity - 0) = 0.
            f32 shift = largest[i] == -op::infinity<f32>() ? 0.0f : -largest[i] * factor;
            f32 shrink = fast_exp2(__fmaf_rn(before, factor, shift));
            f32 sum = 0;
#pragma unroll
            for (int j = 0; j < 4 * TILES; j++) {
                f32& score = scores[j / 4].at[i / 2][j / 2 % 2][i % 2 * 2 + j % 2];
                score = fast_exp2(__fmaf_rn(score, factor, shift));
                sum += score;
            }
            total[i] = total[i] * shrink + sum;
#pragma unroll
            for (int j = 0; j < 4 * STEPS; j++) {
                sums[j / 4].at[i / 2][j / 2 % 2][i % 2 * 2 + j % 2] *= shrink;
            }
        }
        u32 weights[TILES][PARTS][4];
        pack_left(weights, scores);
        accumulate(sums, weights, v_tile);
    }
    f32 reciprocal[2 * PARTS];
#pragma unroll
    for (int i = 0; i < 2 * PARTS; i++) {
        int query = first + row + lane / 4 + 8 * i;
        f32 sum = fold_sum(total[i]);
        // A row that sees no key is 0 / 0.
        reciprocal[i] = 1 / sum;
        if (lane % 4 == 0 && query < queries.rows) {
            f32 logarithm = __fmaf_rn(largest[i], scale, op::log(sum));
            log_sum_exp[head * problem.queries + query] = sum == 0 ? op::not_a_number<f32>() : logarithm;
        }
    }
    store(out + head * problem.queries * HEAD, first, queries.rows, q_tile, row, sums, reciprocal);
}

// A block of the gradient of k and v (KEYS), whose own rows are keys and which visits queries; or of that of q, the
// other way round. With x and y, the operands that scores and their gradients are made of, own (1) and visited (2),
//   p = e^(scale x1 x2^T - logSumExp), ds = p (y1 y2^T - delta), result = scale sum(ds x2), second_result = sum(p y2).
template <bool KEYS, int PARTS> __device__ inline void gradient(Chunk* shared, const Matrix& x1, const Matrix& y1,
    const Matrix& x2, const Matrix& y2, const f32* log_sum_exp, const f32* delta, bool causal, u32 head, int first,
    f32 scale, T* result, T* second_result) {
    constexpr int OWN = 64 * PARTS;
    constexpr int TILES = VISITED / 16;
    constexpr int OWN_TILE = OWN * CHUNKS;
    constexpr int VISITED_TILE = VISITED * CHUNKS;
    Tile x1_tile = {shared, 0};
    Tile y1_tile = {shared, OWN_TILE};
    // logSumExp and delta of visited queries; they, and tiles of x2 and y2, are two, to be used in turn.
    f32* statistics = (f32*) (shared + 2 * OWN_TILE + 4 * VISITED_TILE);
    int row = (threadIdx.x >> 5) * 16 * PARTS;
    int lane = threadIdx.x & 31;
    f32 factor = scale * LOG2E;
    i64 statistic = (i64) head * (KEYS ? x2.rows : x1.rows);
    log_sum_exp += statistic;
    delta += statistic;
    f32 shift[2 * PARTS];
    f32 mean[2 * PARTS];
#pragma unroll
    for (int i = 0; i < 2 * PARTS; i++) {
        int query = first + row + lane / 4 + 8 * i;
        bool exists = !KEYS && query < x1.rows;
        shift[i] = exists ? -log_sum_exp[query] * LOG2E : 0.0f;
        mean[i] = exists ? delta[query] : 0.0f;
    }
    auto visit = [&](int turn, int visited) {
        x2.load<VISITED>({shared, 2 * OWN_TILE + turn * VISITED_TILE}, visited);
        y2.load<VISITED>({shared, 2 * OWN_TILE + (2 + turn) * VISITED_TILE}, visited);
        if (KEYS && threadIdx.x < 2 * VISITED) {
            const f32* from = threadIdx.x < VISITED ? log_sum_exp : delta;
            int query = visited + (int) threadIdx.x % VISITED;
            bool exists = query < x2.rows;
            copy_async(statistics + turn * 2 * VISITED + threadIdx.x, exists ? from + query : from, exists);
        }
    };
    int start = KEYS && causal ? first : 0;
    int end = !KEYS && causal ? min(first + OWN, x2.rows) : x2.rows;
    Sums<PARTS> sums[STEPS];
    Sums<PARTS> second_sums[STEPS];
    clear(sums);
    clear(second_sums);
    x1.load<OWN>(x1_tile, first);
    y1.load<OWN>(y1_tile, first);
    visit(0, start);
    int turn = 0;
    for (int visited = start; visited < end; visited += VISITED) {
        Sums<PARTS> scores[TILES];
        Sums<PARTS> slopes[TILES];
        Tile x2_tile = {shared, 2 * OWN_TILE + turn * VISITED_TILE};
        Tile y2_tile = {shared, 2 * OWN_TILE + (2 + turn) * VISITED_TILE};
        const f32* seen = statistics + turn * 2 * VISITED;
        turn ^= 1;
        copies_arrived();
        __syncthreads();
        if (visited + VISITED < end) {
            visit(turn, visited + VISITED);
        }
        clear(scores);
        multiply(scores, x1_tile, row, x2_tile);
        // Sums of y1 y2^T begin with -delta.
#pragma unroll
        for (int i = 0; i < 8 * PARTS * TILES; i++) {
            int part = i / 8 % PARTS;
            slopes[i / 8 / PARTS].at[part][i / 4 % 2][i % 4] =
                KEYS ? -seen[VISITED + column_of(i / 8 / PARTS, i / 4 % 2, i)] : -mean[2 * part + i / 2 % 2];
        }
        multiply(slopes, y1_tile, row, y2_tile);
        int near = x2.rows - visited;
        int diagonal = first + row + lane / 4 - visited;
#pragma unroll
        for (int i = 0; i < 8 * PARTS * TILES; i++) {
            int part = i / 8 % PARTS;
            int side = 2 * part + i / 2 % 2;
            int column = column_of(i / 8 / PARTS, i / 4 % 2, i);
            f32 subtract = KEYS ? -seen[column] * LOG2E : shift[side];
            int beyond = column - diagonal - 8 * side;
            bool visible = column < near && (!causal || (KEYS ? beyond >= 0 : beyond <= 0));
            f32& score = scores[i / 8 / PARTS].at[part][i / 4 % 2][i % 4];
            f32& slope = slopes[i / 8 / PARTS].at[part][i / 4 % 2][i % 4];
            score = visible ? fast_exp2(__fmaf_rn(score, factor, subtract)) : 0.0f;
            slope = visible ? score * slope : 0.0f;
        }
        u32 left[TILES][PARTS][4];
        if (KEYS) {
            pack_left(left, scores);
            accumulate(second_sums, left, y2_tile);
        }
        pack_left(left, slopes);
        accumulate(sums, left, x2_tile);
    }
    // Where there was nothing to visit, the own rows may be on their way still.
    copies_arrived();
    __syncthreads();
    f32 scales[2 * PARTS];
    f32 ones[2 * PARTS];
#pragma unroll
    for (int i = 0; i < 2 * PARTS; i++) {
        scales[i] = scale;
        ones[i] = 1;
    }
    i64 begin = (i64) head * x1.rows * HEAD;
    store(result + begin, first, x1.rows, x1_tile, row, sums, scales);
    if (KEYS) {
        store(second_result + begin, first, x1.rows, y1_tile, row, second_sums, ones);
    }
}

// dk and dv. grid: heads x blocks of 64 KEY_PARTS keys; delta: see attention_delta
KERNEL __launch_bounds__(THREADS, 2) SYMBOL(attention_mma_gradient_keys, T)(const T* q, const T* k, const T* v,
    const f32* log_sum_exp, const T* dout, const f32* delta, T* dk, T* dv, Problem problem, f32 scale) {
    extern __shared__ Chunk shared[];
    constexpr int OWN = 64 * KEY_PARTS;
    u32 blocks = (u32) ((problem.keys + OWN - 1) / OWN);
    u32 head = blockIdx.x / blocks;
    Matrix queries(q, problem, problem.q, head, problem.queries);
    Matrix keys(k, problem, problem.k, head, problem.keys);
    Matrix values(v, problem, problem.v, head, problem.keys);
    Matrix cotangents(dout, problem, problem.dout, head, problem.queries);
    gradient<true, KEY_PARTS>(shared, keys, values, queries, cotangents, log_sum_exp, delta, problem.causal, head,
        (int) (blockIdx.x % blocks) * OWN, scale, dk, dv);
}

// dq. grid: heads x blocks of 64 QUERY_PARTS queries
KERNEL __launch_bounds__(THREADS, 2) SYMBOL(attention_mma_gradient_queries, T)(const T* q, const T* k, const T* v,
    const f32* log_sum_exp, const T* dout, const f32* delta, T* dq, Problem problem, f32 scale) {
    extern __shared__ Chunk shared[];
    constexpr int OWN = 64 * QUERY_PARTS;
    u32 blocks = (u32) ((problem.queries + OWN - 1) / OWN);
    u32 head = blockIdx.x / blocks;
    Matrix queries(q, problem, problem.q, head, problem.queries);
    Matrix keys(k, problem, problem.k, head, problem.keys);
    Matrix values(v, problem, problem.v, head, problem.keys);
    Matrix cotangents(dout, problem, problem.dout, head, problem.queries);
    gradient<false, QUERY_PARTS>(shared, queries, cotangents, keys, values, log_sum_exp, delta, problem.causal, head,
        (int) (blocks - 1 - blockIdx.x % blocks) * OWN, scale, dq, nullptr);
}

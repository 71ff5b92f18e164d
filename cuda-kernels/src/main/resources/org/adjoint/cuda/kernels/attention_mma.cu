// Attention and its gradient on tensor cores, for 16-bit dtypes, d and e that are multiples of 8 up to 128, no bias and
// a positive scale (Dao, "FlashAttention-2", 2023). Everything else is in attention.cu.
//
// Compiled with T, f16 or bf16, and HEAD, what d and e are filled up to with zeros: 32, 64 or 128. Weights and their
// gradients are rounded to T before they are multiplied, which errs by half an ulp of T of the largest value; sums are
// f32.
//
// Bound by the tensor cores, and by shared memory that feeds them: a warp with N parts of 16 rows reads 16 x 16
// elements for every 2 N products of 16 x 8 x 16. Forward takes 2 products of blocks, the gradient 7: those for scores
// and their gradients twice, so that every sum stays with one block and has one order. Memory traffic: see
// attention.cu.
#include "common.cuh"
#include "attention_tiles.cuh"
#include "logarithms.cuh"

// Of a block's own rows a warp has 16 times that many: as many as its registers can hold the sums of.
constexpr int QUERY_PARTS = 2;
constexpr int KEY_PARTS = HEAD == 128 ? 1 : 2;
// Rows that a block visits at a time.
constexpr int VISITED_FORWARD = HEAD == 128 ? 32 : 64;
constexpr int VISITED = 32;
constexpr f32 LOG2E = 1.44269504f;
constexpr int FAR = 1024;  // beyond any tile

// Over the four lanes that share rows of scores.
__device__ inline f32 fold_largest(f32 x) {
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
    return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}
__device__ inline f32 fold_sum(f32 x) {
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// grid: heads x blocks of 64 QUERY_PARTS queries
KERNEL __launch_bounds__(THREADS, 2) SYMBOL(attention_mma_forward, T)(const T* q, const T* k, const T* v, T* out,
    f32* maxima, f32* totals, Problem problem, f32 scale) {
    constexpr int PARTS = QUERY_PARTS;
    constexpr int OWN = 64 * PARTS;
    constexpr int TILES = VISITED_FORWARD / 16;
    constexpr int OWN_TILE = OWN * CHUNKS;
    constexpr int VISITED_TILE = VISITED_FORWARD * CHUNKS;
    extern __shared__ Chunk shared[];
    Copies copies;
    Tile q_tile = {shared, 0};
    u32 blocks = (u32) ((problem.queries + OWN - 1) / OWN);
    u32 head = blockIdx.x / blocks;
    // The last queries see the most keys: they start first.
    int first = (int) (blocks - 1 - blockIdx.x % blocks) * OWN;
    int row = (threadIdx.x >> 5) * 16 * PARTS;
    int lane = threadIdx.x & 31;
    f32 factor = scale * LOG2E;
    Matrix queries(q, problem, problem.q, head, problem.queries, problem.depth);
    Matrix keys(k, problem, problem.k, head, problem.keys, problem.depth);
    Matrix values(v, problem, problem.v, head, problem.keys, problem.width);
    queries.load<OWN>(copies, q_tile, first);
    // Tiles of k and v are two, to be used in turn.
    auto visit = [&](int turn, int key) {
        keys.load<VISITED_FORWARD>(copies, {shared, OWN_TILE + turn * VISITED_TILE}, key);
        values.load<VISITED_FORWARD>(copies, {shared, OWN_TILE + (2 + turn) * VISITED_TILE}, key);
    };
    visit(0, 0);
    Sums<PARTS> sums[STEPS];
    // Weights are relative to a score that is the largest so far but for a factor of 2^8, so that sums are seldom brought
    // to another one.
    f32 margin = fminf(8 / factor, 0x1p127f);
    f32 largest[2 * PARTS];
    f32 true_largest[2 * PARTS];
    f32 total[2 * PARTS];  // of a lane's own columns
    clear(sums);
#pragma unroll
    for (int i = 0; i < 2 * PARTS; i++) {
        largest[i] = -op::infinity<f32>();
        true_largest[i] = largest[i];
        total[i] = 0;
    }
    int end = problem.causal ? min(first + OWN, keys.rows) : keys.rows;
    int turn = 0;
    for (int key = 0; key < end; key += VISITED_FORWARD) {
        Sums<PARTS> scores[TILES];
        Tile k_tile = {shared, OWN_TILE + turn * VISITED_TILE};
        Tile v_tile = {shared, OWN_TILE + (2 + turn) * VISITED_TILE};
        turn ^= 1;
        copies.arrive();
        __syncthreads();
        if (key + VISITED_FORWARD < end) {
            visit(turn, key + VISITED_FORWARD);
        }
        clear(scores);
        multiply<4>(scores, q_tile, row, k_tile);
        int near = keys.rows - key;
        int diagonal = problem.causal ? first + row - key : FAR;
        if (near < VISITED_FORWARD || diagonal < VISITED_FORWARD - 1) {
            hide(scores, -FAR, diagonal + 1, near);
        }
        f32 before[2 * PARTS];
        f32 shift[2 * PARTS];
        bool grown = false;
#pragma unroll
        for (int i = 0; i < 2 * PARTS; i++) {
            f32 found = true_largest[i];
#pragma unroll
            for (int j = 0; j < 4 * TILES; j++) {
                found = fmaxf(found, scores[j / 4].at[i / 2][j / 2 % 2][i % 2 * 2 + j % 2]);
            }
            found = fold_largest(found);
            true_largest[i] = found;
            before[i] = largest[i];
            if (!(found - before[i] <= margin)) {
                largest[i] = found;
                grown = true;
            }
            // While no key was visible every weight is 2^(-infinity - 0) = 0.
            shift[i] = largest[i] == -op::infinity<f32>() ? 0.0f : -largest[i] * factor;
        }
        if (__any_sync(0xffffffffu, grown)) {
#pragma unroll
            for (int i = 0; i < 2 * PARTS; i++) {
                f32 shrink = fast_exp2(__fmaf_rn(before[i], factor, shift[i]));
                total[i] *= shrink;
#pragma unroll
                for (int j = 0; j < 4 * STEPS; j++) {
                    sums[j / 4].at[i / 2][j / 2 % 2][i % 2 * 2 + j % 2] *= shrink;
                }
            }
        }
#pragma unroll
        for (int i = 0; i < 2 * PARTS; i++) {
            f32 sum = 0;
#pragma unroll
            for (int j = 0; j < 4 * TILES; j++) {
                f32& score = scores[j / 4].at[i / 2][j / 2 % 2][i % 2 * 2 + j % 2];
                score = fast_exp2(__fmaf_rn(score, factor, shift[i]));
                sum += score;
            }
            total[i] += sum;
        }
        u32 weights[TILES][PARTS][4];
        pack_left(weights, scores);
        accumulate(sums, weights, v_tile);
    }
    // Where there was no key, queries may be on their way still to where results go through.
    copies.arrive();
    __syncthreads();
    f32 reciprocal[2 * PARTS];
#pragma unroll
    for (int i = 0; i < 2 * PARTS; i++) {
        int query = first + row + lane / 4 + 8 * i;
        f32 sum = fold_sum(total[i]);
        // A row that sees no key is 0 / 0.
        reciprocal[i] = 1 / sum;
        if (lane % 4 == 0 && query < queries.rows) {
            // Rounding moves the maximum off the shift that the sum belongs to: by as much the sum is brought to it.
            f32 maximum = true_largest[i] * scale;
            f32 moved = fast_exp2(__fmaf_rn(-maximum, LOG2E, largest[i] * factor));
            maxima[head * problem.queries + query] = maximum;
            totals[head * problem.queries + query] = sum == 0 ? op::not_a_number<f32>() : sum * moved;
        }
    }
    i64 begin = (i64) head * queries.rows * values.columns;
    store(out + begin, first, queries.rows, values.columns, q_tile, row, sums, reciprocal);
}

// What the gradient needs of a query: -(max + log(total)) log2(e), which is rounded by less than weights are, and
// -delta = -sum(dout out), which p dp of a row sums to, negated. grid: heads x blocks of THREADS queries
KERNEL __launch_bounds__(THREADS) SYMBOL(attention_mma_statistics, T)(const T* out, const T* dout,
    const f32* maxima, const f32* totals, f32* shifts, f32* means, Problem problem) {
    u32 blocks = (u32) ((problem.queries + THREADS - 1) / THREADS);
    u32 head = blockIdx.x / blocks;
    int first = (int) (blockIdx.x % blocks) * THREADS;
    Matrix left(out, problem, problem.out, head, problem.queries, problem.width);
    Matrix right(dout, problem, problem.dout, head, problem.queries, problem.width);
    int chunk = threadIdx.x % CHUNKS;
    for (int own = threadIdx.x / CHUNKS; own < THREADS; own += THREADS / CHUNKS) {
        int query = first + own;
        f32 sum = 0;
        if (query < left.rows && chunk * 8 < left.columns) {
            Chunk a = *(const Chunk*) (left.at + query * left.row + chunk * 8);
            Chunk b = *(const Chunk*) (right.at + query * right.row + chunk * 8);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                T x = {(unsigned short) (a.at[i / 2] >> i % 2 * 16)};
                T y = {(unsigned short) (b.at[i / 2] >> i % 2 * 16)};
                sum = __fmaf_rn(widen(x), widen(y), sum);
            }
        }
#pragma unroll
        for (int lanes = CHUNKS / 2; lanes > 0; lanes >>= 1) {
            sum += __shfl_xor_sync(0xffffffffu, sum, lanes);
        }
        if (chunk == 0 && query < left.rows) {
            i64 row = (i64) head * left.rows + query;
            shifts[row] = __fmaf_rn(-maxima[row], LOG2E, -LOG2E * op::log(totals[row]));
            means[row] = -sum;
        }
    }
}

struct alignas(8) Pair { f32 at[2]; };

// A block of the gradient of k and v (KEYS), whose own rows are keys and which visits queries; or of that of q, the
// other way round. With x and y, the operands that scores and their gradients are made of, own (1) and visited (2),
//   p = e^(scale x1 x2^T - max) / total, ds = p (y1 y2^T - delta), result = scale sum(ds x2), second_result = sum(p y2)
template <bool KEYS, int PARTS> __device__ inline void gradient(Chunk* shared, const Matrix& x1, const Matrix& y1,
    const Matrix& x2, const Matrix& y2, const f32* shifts, const f32* means, bool causal, u32 head, int first,
    f32 scale, T* result, T* second_result) {
    constexpr int UNROLLED = KEYS && HEAD == 64 ? 2 : 4;
    constexpr int OWN = 64 * PARTS;
    constexpr int TILES = VISITED / 16;
    constexpr int OWN_TILE = OWN * CHUNKS;
    constexpr int VISITED_TILE = VISITED * CHUNKS;
    Copies copies;
    Tile x1_tile = {shared, 0};
    Tile y1_tile = {shared, OWN_TILE};
    // Statistics of visited queries; they, and tiles of x2 and y2, are two, to be used in turn.
    f32* statistics = (f32*) (shared + 2 * OWN_TILE + 4 * VISITED_TILE);
    int row = (threadIdx.x >> 5) * 16 * PARTS;
    int lane = threadIdx.x & 31;
    f32 factor = scale * LOG2E;
    i64 statistic = (i64) head * (KEYS ? x2.rows : x1.rows);
    shifts += statistic;
    means += statistic;
    f32 own_shift[2 * PARTS];
    f32 own_mean[2 * PARTS];
#pragma unroll
    for (int i = 0; i < 2 * PARTS; i++) {
        int query = first + row + lane / 4 + 8 * i;
        bool exists = !KEYS && query < x1.rows;
        own_shift[i] = exists ? shifts[query] : 0.0f;
        own_mean[i] = exists ? means[query] : 0.0f;
    }
    auto visit = [&](int turn, int visited) {
        x2.load<VISITED>(copies, {shared, 2 * OWN_TILE + turn * VISITED_TILE}, visited);
        y2.load<VISITED>(copies, {shared, 2 * OWN_TILE + (2 + turn) * VISITED_TILE}, visited);
        if (KEYS && threadIdx.x < 2 * VISITED) {
            const f32* from = threadIdx.x < VISITED ? shifts : means;
            int query = visited + (int) threadIdx.x % VISITED;
            copies.begin(statistics + turn * 2 * VISITED + threadIdx.x, from + query, query < x2.rows);
        }
    };
    int start = KEYS && causal ? first : 0;
    int end = !KEYS && causal ? min(first + OWN, x2.rows) : x2.rows;
    Sums<PARTS> sums[STEPS];
    Sums<PARTS> second_sums[STEPS];
    clear(sums);
    clear(second_sums);
    x1.load<OWN>(copies, x1_tile, first);
    y1.load<OWN>(copies, y1_tile, first);
    visit(0, start);
    int turn = 0;
    for (int visited = start; visited < end; visited += VISITED) {
        Sums<PARTS> scores[TILES];
        Sums<PARTS> slopes[TILES];
        Tile x2_tile = {shared, 2 * OWN_TILE + turn * VISITED_TILE};
        Tile y2_tile = {shared, 2 * OWN_TILE + (2 + turn) * VISITED_TILE};
        // Those of a lane's columns: two side by side in each product.
        const Pair* shift = (const Pair*) (statistics + turn * 2 * VISITED) + lane % 4;
        const Pair* mean = shift + VISITED / 2;
        turn ^= 1;
        copies.arrive();
        __syncthreads();
        if (visited + VISITED < end) {
            visit(turn, visited + VISITED);
        }
        clear(scores);
        multiply<UNROLLED>(scores, x1_tile, row, x2_tile);
        int near = x2.rows - visited;
        int diagonal = first + row - visited;
        if (KEYS && causal && diagonal + 16 * PARTS > 1) {
            hide(scores, diagonal, FAR, FAR);
        }
        if (!KEYS && (near < VISITED || (causal && diagonal < VISITED - 1))) {
            hide(scores, -FAR, causal ? diagonal + 1 : FAR, near);
        }
#pragma unroll
        for (int i = 0; i < 8 * PARTS * TILES; i++) {
            int part = i / 8 % PARTS;
            int product = i / 8 / PARTS * 2 + i / 4 % 2;
            f32& score = scores[product / 2].at[part][product % 2][i % 4];
            f32 subtract = KEYS ? shift[4 * product].at[i % 2] : own_shift[2 * part + i / 2 % 2];
            score = fast_exp2(__fmaf_rn(score, factor, subtract));
        }
        u32 left[TILES][PARTS][4];
        if (KEYS) {
            pack_left(left, scores);
            accumulate(second_sums, left, y2_tile);
        }
        // Sums of y1 y2^T begin with -delta.
#pragma unroll
        for (int i = 0; i < 8 * PARTS * TILES; i++) {
            int part = i / 8 % PARTS;
            int product = i / 8 / PARTS * 2 + i / 4 % 2;
            slopes[product / 2].at[part][product % 2][i % 4] =
                KEYS ? mean[4 * product].at[i % 2] : own_mean[2 * part + i / 2 % 2];
        }
        multiply<UNROLLED>(slopes, y1_tile, row, y2_tile);
#pragma unroll
        for (int i = 0; i < 8 * PARTS * TILES; i++) {
            slopes[i / 8 / PARTS].at[i / 8 % PARTS][i / 4 % 2][i % 4] *=
                scores[i / 8 / PARTS].at[i / 8 % PARTS][i / 4 % 2][i % 4];
        }
        pack_left(left, slopes);
        accumulate(sums, left, x2_tile);
    }
    // Where there was nothing to visit, the own rows may be on their way still.
    copies.arrive();
    __syncthreads();
    i64 begin = (i64) head * x1.rows;
    f32 factors[2 * PARTS];
#pragma unroll
    for (int i = 0; i < 2 * PARTS; i++) {
        factors[i] = scale;
    }
    store(result + begin * x1.columns, first, x1.rows, x1.columns, x1_tile, row, sums, factors);
    if (KEYS) {
#pragma unroll
        for (int i = 0; i < 2 * PARTS; i++) {
            factors[i] = 1;
        }
        store(second_result + begin * y1.columns, first, x1.rows, y1.columns, y1_tile, row, second_sums, factors);
    }
}

// dk and dv. grid: heads x blocks of 64 KEY_PARTS keys
KERNEL __launch_bounds__(THREADS, 2) SYMBOL(attention_mma_gradient_keys, T)(const T* q, const T* k, const T* v,
    const T* dout, const f32* shifts, const f32* means, T* dk, T* dv, Problem problem, f32 scale) {
    extern __shared__ Chunk shared[];
    constexpr int OWN = 64 * KEY_PARTS;
    u32 blocks = (u32) ((problem.keys + OWN - 1) / OWN);
    u32 head = blockIdx.x / blocks;
    Matrix queries(q, problem, problem.q, head, problem.queries, problem.depth);
    Matrix keys(k, problem, problem.k, head, problem.keys, problem.depth);
    Matrix values(v, problem, problem.v, head, problem.keys, problem.width);
    Matrix cotangents(dout, problem, problem.dout, head, problem.queries, problem.width);
    gradient<true, KEY_PARTS>(shared, keys, values, queries, cotangents, shifts, means, problem.causal, head,
        (int) (blockIdx.x % blocks) * OWN, scale, dk, dv);
}

// dq. grid: heads x blocks of 64 QUERY_PARTS queries
KERNEL __launch_bounds__(THREADS, 2) SYMBOL(attention_mma_gradient_queries, T)(const T* q, const T* k, const T* v,
    const T* dout, const f32* shifts, const f32* means, T* dq, Problem problem, f32 scale) {
    extern __shared__ Chunk shared[];
    constexpr int OWN = 64 * QUERY_PARTS;
    u32 blocks = (u32) ((problem.queries + OWN - 1) / OWN);
    u32 head = blockIdx.x / blocks;
    Matrix queries(q, problem, problem.q, head, problem.queries, problem.depth);
    Matrix keys(k, problem, problem.k, head, problem.keys, problem.depth);
    Matrix values(v, problem, problem.v, head, problem.keys, problem.width);
    Matrix cotangents(dout, problem, problem.dout, head, problem.queries, problem.width);
    gradient<false, QUERY_PARTS>(shared, queries, cotangents, keys, values, shifts, means, problem.causal, head,
        (int) (blocks - 1 - blockIdx.x % blocks) * OWN, scale, dq, nullptr);
}

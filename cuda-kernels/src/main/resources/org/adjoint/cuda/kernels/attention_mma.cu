// Attention and its gradient on tensor cores, for 16-bit dtypes, d and e that are multiples of 8 up to 128, no bias and
// a positive scale (Dao, "FlashAttention-2", 2023). Everything else is in attention.cu.
//
// Compiled with T, f16 or bf16, and HEAD, what d and e are filled up to with zeros: 32, 64 or 128. Weights and their
// gradients are rounded to T before they are multiplied, which errs by half an ulp of T of the largest value; sums are
// f32.
//
// Bound by the tensor cores, and by shared memory that feeds them: a warp with N parts of 16 rows reads 16 x 16
// elements for every 2 N products of 16 x 8 x 16, so that N = 1 is bound by shared memory. Forward takes 2 products of
// blocks, the gradient 7: those for scores and their gradients twice, so that every sum stays with one block and has
// one order. A model of a multiprocessor that runs the machine code for sm_90 expects products, away from the diagonal,
// in some 70% of the cycles in which mma.sync can take one, with HEAD 128 in 60% for dk and dv; and from the L2 cache
// at most 14 bytes a cycle, which is half of what it gives. Memory traffic: see attention.cu.
#include "common.cuh"
#include "attention_tiles.cuh"
#include "logarithms.cuh"

// Of a block's own rows a warp has 16 times that many: as many as its registers can hold the sums of.
constexpr int QUERY_PARTS = 2;
constexpr int KEY_PARTS = HEAD == 128 ? 1 : 2;
// Rows that a block visits at a time: queries those of keys, and keys those of queries.
constexpr int VISITED_KEYS = 32;
constexpr int VISITED_QUERIES = HEAD == 128 ? 64 : 32;
// Blocks on a multiprocessor at a time: warps that wait for each other's products, exponentials and loads in turn.
constexpr int FORWARD_BLOCKS = HEAD == 128 ? 2 : HEAD == 64 ? 3 : 4;
constexpr int KEY_BLOCKS = HEAD == 32 ? 3 : 2;
constexpr int QUERY_BLOCKS = HEAD == 128 ? 2 : 3;
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
KERNEL __launch_bounds__(THREADS, FORWARD_BLOCKS) SYMBOL(attention_mma_forward, T)(const T* q, const T* k, const T* v,
    T* out, f32* maxima, f32* totals, Problem problem, f32 scale) {
    constexpr int PARTS = QUERY_PARTS;
    constexpr int OWN = 64 * PARTS;
    constexpr int TILES = VISITED_KEYS / 16;
    constexpr int OWN_TILE = OWN * CHUNKS;
    constexpr int VISITED_TILE = VISITED_KEYS * CHUNKS;
    extern __shared__ Chunk shared[];
    Copies copies;
    Tile q_tile = {shared, 0};
    u32 blocks = (u32) ((problem.queries + OWN - 1) / OWN);
    Place place(blocks);
    u32 head = place.head;
    // The last queries see the most keys.
    int first = (int) (blocks - 1 - place.block) * OWN;
    int row = (threadIdx.x >> 5) * 16 * PARTS;
    int lane = threadIdx.x & 31;
    f32 factor = scale * LOG2E;
    Matrix queries(q, problem, problem.q, head, problem.queries, problem.depth);
    Matrix keys(k, problem, problem.k, head, problem.keys, problem.depth);
    Matrix values(v, problem, problem.v, head, problem.keys, problem.width);
    queries.load<OWN>(copies, q_tile, first);
    // Tiles of k and v are two, to be used in turn.
    auto visit = [&](int turn, int key) {
        keys.load<VISITED_KEYS>(copies, {shared, OWN_TILE + turn * VISITED_TILE}, key);
        values.load<VISITED_KEYS>(copies, {shared, OWN_TILE + (2 + turn) * VISITED_TILE}, key);
    };
    visit(0, 0);
    Sums<PARTS> sums[STEPS];
    // Weights are relative to a score that is the largest of the row so far but for a factor of 2^8, so that sums are
    // seldom brought to another one, and only then lanes tell each other their largest scores.
    f32 margin = fminf(8 / factor, 0x1p127f);
    f32 largest[2 * PARTS];  // of a lane's own columns
    f32 limit[2 * PARTS];    // of scores, for a shift: minus infinity while the row has seen no key
    f32 shift[2 * PARTS];
    f32 total[2 * PARTS];    // of a lane's own columns
    clear(sums);
#pragma unroll
    for (int i = 0; i < 2 * PARTS; i++) {
        largest[i] = -op::infinity<f32>();
        limit[i] = -op::infinity<f32>();
        shift[i] = 0;
        total[i] = 0;
    }
    int end = problem.causal ? min(first + OWN, keys.rows) : keys.rows;
    int turn = 0;
    for (int key = 0; key < end; key += VISITED_KEYS) {
        Sums<PARTS> scores[TILES];
        Tile k_tile = {shared, OWN_TILE + turn * VISITED_TILE};
        Tile v_tile = {shared, OWN_TILE + (2 + turn) * VISITED_TILE};
        turn ^= 1;
        copies.arrive();
        __syncthreads();
        if (key + VISITED_KEYS < end) {
            visit(turn, key + VISITED_KEYS);
        }
        int near = keys.rows - key;
        int diagonal = problem.causal ? first + row - key : FAR;
        if (diagonal <= -16 * PARTS) {
            continue;
        }
        clear(scores);
        multiply<STEPS>(scores, q_tile, row, k_tile);
        if (near < VISITED_KEYS || diagonal < VISITED_KEYS - 1) {
            hide(scores, -FAR, diagonal + 1, near);
        }
        bool grown = false;
#pragma unroll
        for (int i = 0; i < 2 * PARTS; i++) {
#pragma unroll
            for (int j = 0; j < 4 * TILES; j++) {
                largest[i] = fmaxf(largest[i], scores[j / 4].at[i / 2][j / 2 % 2][i % 2 * 2 + j % 2]);
            }
            grown |= largest[i] > limit[i];
        }
        if (__any_sync(0xffffffffu, grown)) {
#pragma unroll
            for (int i = 0; i < 2 * PARTS; i++) {
                f32 found = fold_largest(largest[i]);
                f32 shrink = 1;
                if (found > limit[i]) {
                    f32 moved = -found * factor;
                    // Before the first key there is nothing to bring to it.
                    shrink = limit[i] == -op::infinity<f32>() ? 0.0f : fast_exp2(moved - shift[i]);
                    shift[i] = moved;
                    limit[i] = found + margin;
                }
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
        f32 found = fold_largest(largest[i]);
        // A row that sees no key is 0 / 0.
        reciprocal[i] = 1 / sum;
        if (lane % 4 == 0 && query < queries.rows) {
            // Rounding moves the maximum off the shift that the sum belongs to: by as much the sum is brought to it.
            f32 maximum = found * scale;
            f32 moved = fast_exp2(__fmaf_rn(-maximum, LOG2E, -shift[i]));
            maxima[head * problem.queries + query] = maximum;
            totals[head * problem.queries + query] = sum == 0 ? op::not_a_number<f32>() : sum * moved;
        }
    }
    i64 begin = (i64) head * queries.rows * values.columns;
    store(out + begin, first, queries.rows, values.columns, q_tile, row, sums, reciprocal);
}

struct alignas(8) Pair { f32 at[2]; };

// What the gradient needs of a query, a pair: the shift, -(max + log(total)) log2(e), which is rounded by less than
// weights are, and -delta = -sum(dout out), which p dp of a row sums to, negated.
// grid: heads x blocks of THREADS queries
KERNEL __launch_bounds__(THREADS) SYMBOL(attention_mma_statistics, T)(const T* out, const T* dout,
    const f32* maxima, const f32* totals, Pair* statistics, Problem problem) {
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
            statistics[row] = {{__fmaf_rn(-maxima[row], LOG2E, -LOG2E * op::log(totals[row])), -sum}};
        }
    }
}

// A block of the gradient of k and v (KEYS), whose own rows are keys and which visits queries; or of that of q, the
// other way round. With x and y, the operands that scores and their gradients are made of, own (1) and visited (2),
//   p = e^(scale x1 x2^T - max) / total, ds = p (y1 y2^T - delta), result = scale sum(ds x2), second_result = sum(p y2)
template <bool KEYS, int PARTS> __device__ inline void gradient(Chunk* shared, const Matrix& x1, const Matrix& y1,
    const Matrix& x2, const Matrix& y2, const Pair* statistics, bool causal, u32 head, int first, f32 scale,
    T* result, T* second_result) {
    constexpr int UNROLLED = KEYS && HEAD == 64 ? 4 : 8;
    constexpr int VISITED = KEYS ? VISITED_QUERIES : VISITED_KEYS;
    constexpr int OWN = 64 * PARTS;
    constexpr int TILES = VISITED / 16;
    constexpr int OWN_TILE = OWN * CHUNKS;
    constexpr int VISITED_TILE = VISITED * CHUNKS;
    Copies copies;
    Tile x1_tile = {shared, 0};
    Tile y1_tile = {shared, OWN_TILE};
    // Tiles of x2 and y2 are two, to be used in turn, and so are shifts, then -delta, of visited queries; or there are
    // those of own queries, a lane's rows side by side.
    f32* held = (f32*) (shared + 2 * OWN_TILE + 4 * VISITED_TILE);
    struct alignas(8 * PARTS) Rows { f32 at[2 * PARTS]; };
    int row = (threadIdx.x >> 5) * 16 * PARTS;
    int lane = threadIdx.x & 31;
    f32 factor = scale * LOG2E;
    statistics += (i64) head * (KEYS ? x2.rows : x1.rows);
    if (!KEYS) {
        for (int own = threadIdx.x; own < OWN; own += THREADS) {
            Pair pair = first + own < x1.rows ? statistics[first + own] : Pair{{0, 0}};
            int at = (own / (16 * PARTS) * 8 + own % 8) * 2 * PARTS + own / 8 % (2 * PARTS);
            held[at] = pair.at[0];
            held[OWN + at] = pair.at[1];
        }
    }
    const Rows* own_shift = (const Rows*) held + (threadIdx.x >> 5) * 8 + lane / 4;
    const Rows* own_mean = own_shift + 32;
    auto visit = [&](int turn, int visited) {
        x2.load<VISITED>(copies, {shared, 2 * OWN_TILE + turn * VISITED_TILE}, visited);
        y2.load<VISITED>(copies, {shared, 2 * OWN_TILE + (2 + turn) * VISITED_TILE}, visited);
        if (KEYS && threadIdx.x < 2 * VISITED) {
            int query = visited + (int) threadIdx.x / 2;
            copies.begin(held + (2 * turn + threadIdx.x % 2) * VISITED + threadIdx.x / 2,
                &statistics[query].at[threadIdx.x % 2], query < x2.rows);
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
        const Pair* shift = (const Pair*) (held + turn * 2 * VISITED) + lane % 4;
        const Pair* mean = shift + VISITED / 2;
        turn ^= 1;
        copies.arrive();
        __syncthreads();
        if (visited + VISITED < end) {
            visit(turn, visited + VISITED);
        }
        int near = x2.rows - visited;
        int diagonal = KEYS || causal ? first + row - visited : FAR;
        if (KEYS ? causal && diagonal >= VISITED : diagonal <= -16 * PARTS) {
            continue;
        }
        clear(scores);
        multiply<UNROLLED>(scores, x1_tile, row, x2_tile);
        if (KEYS && causal && diagonal + 16 * PARTS > 1) {
            hide(scores, diagonal, FAR, FAR);
        }
        if (!KEYS && (near < VISITED || diagonal < VISITED - 1)) {
            hide(scores, -FAR, diagonal + 1, near);
        }
#pragma unroll
        for (int i = 0; i < 8 * PARTS * TILES; i++) {
            int part = i / 8 % PARTS;
            int product = i / 8 / PARTS * 2 + i / 4 % 2;
            f32& score = scores[product / 2].at[part][product % 2][i % 4];
            f32 subtract = KEYS ? shift[4 * product].at[i % 2] : own_shift->at[2 * part + i / 2 % 2];
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
                KEYS ? mean[4 * product].at[i % 2] : own_mean->at[2 * part + i / 2 % 2];
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
KERNEL __launch_bounds__(THREADS, KEY_BLOCKS) SYMBOL(attention_mma_gradient_keys, T)(const T* q, const T* k, const T* v,
    const T* dout, const Pair* statistics, T* dk, T* dv, Problem problem, f32 scale) {
    extern __shared__ Chunk shared[];
    constexpr int OWN = 64 * KEY_PARTS;
    u32 blocks = (u32) ((problem.keys + OWN - 1) / OWN);
    Place place(blocks);
    u32 head = place.head;
    Matrix queries(q, problem, problem.q, head, problem.queries, problem.depth);
    Matrix keys(k, problem, problem.k, head, problem.keys, problem.depth);
    Matrix values(v, problem, problem.v, head, problem.keys, problem.width);
    Matrix cotangents(dout, problem, problem.dout, head, problem.queries, problem.width);
    gradient<true, KEY_PARTS>(shared, keys, values, queries, cotangents, statistics, problem.causal, head,
        (int) place.block * OWN, scale, dk, dv);
}

// dq. grid: heads x blocks of 64 QUERY_PARTS queries
KERNEL __launch_bounds__(THREADS, QUERY_BLOCKS) SYMBOL(attention_mma_gradient_queries, T)(const T* q, const T* k,
    const T* v, const T* dout, const Pair* statistics, T* dq, Problem problem, f32 scale) {
    extern __shared__ Chunk shared[];
    constexpr int OWN = 64 * QUERY_PARTS;
    u32 blocks = (u32) ((problem.queries + OWN - 1) / OWN);
    Place place(blocks);
    u32 head = place.head;
    Matrix queries(q, problem, problem.q, head, problem.queries, problem.depth);
    Matrix keys(k, problem, problem.k, head, problem.keys, problem.depth);
    Matrix values(v, problem, problem.v, head, problem.keys, problem.width);
    Matrix cotangents(dout, problem, problem.dout, head, problem.queries, problem.width);
    gradient<false, QUERY_PARTS>(shared, queries, cotangents, keys, values, statistics, problem.causal, head,
        (int) (blocks - 1 - place.block) * OWN, scale, dq, nullptr);
}

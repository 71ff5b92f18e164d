// Attention, softmax(scale q k^T + bias) v, and its gradient for every dtype, head size and layout: blocks of scores in
// registers with an online softmax (Dao, "FlashAttention-2", 2023), never the t x s matrix. What tensor cores do faster
// is in attention_mma.cu.
//
// Compiled with T, the dtype of q, k, v and out; B, that of the bias if there is one; and WIDTH, how many columns of
// the result a block sums in registers: 32, 64 or, but for f64, 128. A wider result takes several blocks, each of which
// computes the scores anew.
//
// Bound by arithmetic: per head t s (d + e) multiply-adds forward, half of it if causal, and t s (4 d + 3 e) backward,
// since scores and their gradients are computed for dk and dv and again for dq. Of a block's 64 rows and 64 columns
// (f64: 32) a thread computes 4 x 4 scores: 16 multiply-adds for every 8 values from shared memory. Memory traffic: q
// and out once, k and v once per 64 queries, most of it served by the L2 cache.
#include "common.cuh"
#include "attention.cuh"
#include "exponentials.cuh"
#include "logarithms.cuh"

#ifdef B
constexpr bool BIASED = true;
#else
#define B T
constexpr bool BIASED = false;
#endif

typedef Compute<T>::type C;

constexpr int THREADS = 256;
constexpr int ROWS = 64;                               // a block's own queries (keys in the gradient of k and v)
constexpr int PER_THREAD = sizeof(C) == 8 ? 2 : 4;     // of the columns of scores
constexpr int COLUMNS = 16 * PER_THREAD;               // keys (queries) that it visits at a time
constexpr int DEPTH = sizeof(C) == 8 ? 16 : 32;        // of the tiles that scores are computed from
constexpr int UNROLLED = sizeof(C) == 8 ? 2 : 4;       // steps of them: as many as registers suffice for
constexpr int PADDING = 4;
constexpr int SUMS = WIDTH / 16;                       // a thread's columns of the result
constexpr int VECTOR = SUMS < 4 ? SUMS : 4;            // how many of them lie side by side
// Blocks on a multiprocessor at a time, where registers suffice.
constexpr int FORWARD_BLOCKS = BIASED ? 1 : 2;
constexpr int GRADIENT_BLOCKS = sizeof(T) == 4 && WIDTH == 64 && !BIASED ? 2 : 1;

template <int N> struct alignas(N * sizeof(C) < 16 ? N * sizeof(C) : 16) Pack { C at[N]; };

struct alignas(16) Shared {
    union {
        struct {
            C left[DEPTH][ROWS + PADDING];
            C right[DEPTH][COLUMNS + PADDING];
        } factors;                                     // transposed, see load_transposed
        C rows[DEPTH][WIDTH];
    };
    C weights[COLUMNS][ROWS + PADDING];                // a block of scores, transposed likewise
};

// The rows of one matrix of a batch.
struct Matrix {
    const T* at;
    i64 row;
    i64 rows;
    i64 columns;

    __device__ Matrix(const T* base, const Problem& problem, const Strides& strides, i64 head, i64 rows, i64 columns)
        : at(base + offset_of(problem, strides, head)), row(strides.row), rows(rows), columns(columns) { }
};

// The inner exponential: in f32 the card's, which errs by no more than the rounding of its argument does.
__device__ inline f32 exponential(f32 x) { return fast_exp2(x * 1.44269504f); }
__device__ inline f64 exponential(f64 x) { return op::exp(x); }

// Over the 16 threads that share rows of a block of scores.
template <typename Fold> __device__ inline C fold_row(C x) {
#pragma unroll
    for (int lanes = 8; lanes > 0; lanes >>= 1) {
        x = Fold::fold(x, __shfl_xor_sync(0xffffffffu, x, lanes));
    }
    return x;
}

// The larger of two that are not NaN; a NaN among scores shows in their sum.
struct Larger {
    __device__ static inline C fold(C a, C b) { return a < b ? b : a; }
};

// Thread (y, x) = (threadIdx / 16, threadIdx % 16) has rows y + 16 i and columns x + 16 j of a block of scores. In
// transposed tiles its rows lie side by side: row r at N (r % 16) + r / 16.

// A tile, transposed, of DEPTH columns from `column` of the 16 N rows from `first`; 0 where the matrix ends. A warp's 8
// columns by 4 positions fall into different banks.
template <int N>
__device__ inline void load_transposed(C (*tile)[16 * N + PADDING], const Matrix& matrix, i64 first, i64 column) {
    constexpr int STEP = THREADS / DEPTH / N;
    int c = (threadIdx.x & 7) + (threadIdx.x >> 5) % (DEPTH / 8) * 8;
    int position = threadIdx.x >> 3 & 3;
    int sixteenth = position % N;
    int low = threadIdx.x / (4 * DEPTH) * (4 / N) + position / N;
    const T* from = matrix.at + (first + sixteenth * 16 + low) * matrix.row + column + c;
    int rows = column + c < matrix.columns ? tile_distance(first + sixteenth * 16, matrix.rows) : 0;
#pragma unroll
    for (int step = 0; step < 16; step += STEP) {
        tile[c][N * (low + step) + sixteenth] = low + step < rows ? widen(*from) : (C) 0;
        from += STEP * matrix.row;
    }
}

// scores = left . right^T: of the rows from `row` of left and those from `column` of right.
__device__ inline void multiply(C (&scores)[4][PER_THREAD], Shared& shared, const Matrix& left, i64 row,
    const Matrix& right, i64 column) {
    int x = threadIdx.x & 15;
    int y = threadIdx.x >> 4;
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < PER_THREAD; j++) {
            scores[i][j] = 0;
        }
    }
    for (i64 c = 0; c < left.columns; c += DEPTH) {
        __syncthreads();
        load_transposed<4>(shared.factors.left, left, row, c);
        load_transposed<PER_THREAD>(shared.factors.right, right, column, c);
        __syncthreads();
#pragma unroll UNROLLED
        for (int k = 0; k < DEPTH; k++) {
            Pack<4> a = *(const Pack<4>*) &shared.factors.left[k][4 * y];
            Pack<PER_THREAD> b = *(const Pack<PER_THREAD>*) &shared.factors.right[k][PER_THREAD * x];
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < PER_THREAD; j++) {
                    scores[i][j] = op::fused(a.at[i], b.at[j], scores[i][j]);
                }
            }
        }
    }
}

// Which column of a block's WIDTH is a thread's i-th.
__device__ inline int column_of(int i) { return i / VECTOR * (16 * VECTOR) + (threadIdx.x & 15) * VECTOR + i % VECTOR; }

// sums += weights . right, with right's rows from `row`, which are the columns of weights, and columns from `column`.
__device__ inline void accumulate(C (&sums)[4][SUMS], Shared& shared, const C (&weights)[4][PER_THREAD],
    const Matrix& right, i64 row, i64 column) {
    int x = threadIdx.x & 15;
    int y = threadIdx.x >> 4;
    int low = threadIdx.x / WIDTH;
    int c = threadIdx.x % WIDTH;
    __syncthreads();
#pragma unroll
    for (int j = 0; j < PER_THREAD; j++) {
        Pack<4> pack = {{weights[0][j], weights[1][j], weights[2][j], weights[3][j]}};
        *(Pack<4>*) &shared.weights[x + 16 * j][4 * y] = pack;
    }
    for (int slice = 0; slice < COLUMNS; slice += DEPTH) {
        if (slice > 0) {
            __syncthreads();
        }
        const T* from = right.at + (row + slice + low) * right.row + column + c;
        int rows = column + c < right.columns ? tile_distance(row + slice, right.rows) : 0;
#pragma unroll 8
        for (int step = 0; step < DEPTH; step += THREADS / WIDTH) {
            shared.rows[low + step][c] = low + step < rows ? widen(*from) : (C) 0;
            from += THREADS / WIDTH * right.row;
        }
        __syncthreads();
#pragma unroll UNROLLED
        for (int k = 0; k < DEPTH; k++) {
            Pack<4> a = *(const Pack<4>*) &shared.weights[slice + k][4 * y];
#pragma unroll
            for (int group = 0; group < SUMS; group += VECTOR) {
                Pack<VECTOR> b = *(const Pack<VECTOR>*) &shared.rows[k][column_of(group)];
#pragma unroll
                for (int i = 0; i < 4; i++) {
#pragma unroll
                    for (int j = 0; j < VECTOR; j++) {
                        sums[i][group + j] = op::fused(a.at[i], b.at[j], sums[i][group + j]);
                    }
                }
            }
        }
    }
}

// Rows `first` + y + 16 i of a contiguous result, times factors.
__device__ inline void store(T* result, i64 rows, i64 columns, i64 head, i64 first, i64 column,
    const C (&sums)[4][SUMS], const C (&factors)[4]) {
    for (int i = 0; i < 4; i++) {
        i64 row = first + (threadIdx.x >> 4) + 16 * i;
        for (int j = 0; j < SUMS; j++) {
            i64 c = column + column_of(j);
            if (row < rows && c < columns) {
                result[(head * rows + row) * columns + c] = narrow<T>(sums[i][j] * factors[i]);
            }
        }
    }
}

// scale q k + bias
__device__ inline C score(C product, C scale, const B* bias, const Strides& strides, i64 query, i64 key) {
    product *= scale;
    return BIASED ? product + (C) widen(bias[query * strides.row + key * strides.column]) : product;
}

// grid: (heads x blocks of queries, blocks of WIDTH columns)
KERNEL __launch_bounds__(THREADS, FORWARD_BLOCKS) SYMBOL(attention_forward, T)(const T* q, const T* k, const T* v,
    const B* bias, T* out, C* maxima, C* totals, Problem problem, C scale) {
    __shared__ Shared shared;
    u32 blocks = (u32) ((problem.queries + ROWS - 1) / ROWS);
    Place place(blocks);
    u32 head = place.head;
    // The last queries see the most keys.
    i64 first = (i64) (blocks - 1 - place.block) * ROWS;
    i64 column = (i64) blockIdx.y * WIDTH;
    int x = threadIdx.x & 15;
    int y = threadIdx.x >> 4;
    Matrix queries(q, problem, problem.q, head, problem.queries, problem.depth);
    Matrix keys(k, problem, problem.k, head, problem.keys, problem.depth);
    Matrix values(v, problem, problem.v, head, problem.keys, problem.width);
    bias = BIASED ? bias + offset_of(problem, problem.bias, head) : bias;
    C largest[4];
    C total[4];
    C sums[4][SUMS];
    for (int i = 0; i < 4; i++) {
        largest[i] = -op::infinity<C>();
        total[i] = 0;
        for (int j = 0; j < SUMS; j++) {
            sums[i][j] = 0;
        }
    }
    int own = tile_distance(first, problem.queries);
    i64 end = problem.causal && first + ROWS < problem.keys ? first + ROWS : problem.keys;
    for (i64 key = 0; key < end; key += COLUMNS) {
        C weights[4][PER_THREAD];
        multiply(weights, shared, queries, first, keys, key);
        int near = tile_distance(key, problem.keys);
        int diagonal = problem.causal ? tile_distance(key, first) : ROWS;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int row = y + 16 * i;
            int visible = row < own ? min(near, row + diagonal + 1) : 0;
            C before = largest[i];
#pragma unroll
            for (int j = 0; j < PER_THREAD; j++) {
                int at = x + 16 * j;
                weights[i][j] = at < visible
                    ? score(weights[i][j], scale, bias, problem.bias, first + row, key + at) : -op::infinity<C>();
                largest[i] = Larger::fold(largest[i], weights[i][j]);
            }
            largest[i] = fold_row<Larger>(largest[i]);
            // While no key was visible every weight is e^(-infinity - 0) = 0.
            C shift = largest[i] == -op::infinity<C>() ? (C) 0 : largest[i];
            C shrink = exponential(before - shift);
            C sum = 0;
#pragma unroll
            for (int j = 0; j < PER_THREAD; j++) {
                weights[i][j] = exponential(weights[i][j] - shift);
                sum += weights[i][j];
            }
            total[i] = total[i] * shrink + fold_row<Sum>(sum);
#pragma unroll
            for (int j = 0; j < SUMS; j++) {
                sums[i][j] *= shrink;
            }
        }
        accumulate(sums, shared, weights, values, key, column);
    }
    C reciprocal[4];
    for (int i = 0; i < 4; i++) {
        i64 query = first + y + 16 * i;
        // A row that sees no key is 0 / 0.
        reciprocal[i] = 1 / total[i];
        if (x == 0 && blockIdx.y == 0 && query < problem.queries) {
            maxima[head * problem.queries + query] = largest[i];
            totals[head * problem.queries + query] = total[i] == 0 ? op::not_a_number<C>() : total[i];
        }
    }
    store(out, problem.queries, problem.width, head, first, column, sums, reciprocal);
}

// What the gradient needs of a query beside the maximum: 1 / total, and delta = sum(dout out), which p dp of a row sums
// to. That is a chain in the order of the products dp, so that dp - delta is 0 where one key has all the weight. Each
// thread has a query; grid: heads x blocks of THREADS queries
KERNEL __launch_bounds__(THREADS) SYMBOL(attention_statistics, T)(const T* out, const T* dout, const C* totals,
    C* reciprocals, C* deltas, Problem problem) {
    i64 blocks = (problem.queries + THREADS - 1) / THREADS;
    i64 head = blockIdx.x / blocks;
    i64 query = blockIdx.x % blocks * THREADS + threadIdx.x;
    if (query >= problem.queries) {
        return;
    }
    Matrix left(out, problem, problem.out, head, problem.queries, problem.width);
    Matrix right(dout, problem, problem.dout, head, problem.queries, problem.width);
    C sum = 0;
    for (i64 i = 0; i < problem.width; i++) {
        sum = op::fused((C) widen(left.at[query * left.row + i]), (C) widen(right.at[query * right.row + i]), sum);
    }
    i64 row = head * problem.queries + query;
    reciprocals[row] = 1 / totals[row];
    deltas[row] = sum;
}

// dk = scale ds^T q and dv = p^T dout, with p = e^(score - max) / total and ds = p (dout v^T - delta). Scores are those
// of the forward kernel to the bit: however large they are, weights err by some roundings.
// grid: (heads x blocks of keys, blocks of WIDTH columns)
KERNEL __launch_bounds__(THREADS, GRADIENT_BLOCKS) SYMBOL(attention_gradient_keys, T)(const T* q, const T* k,
    const T* v, const B* bias, const C* maxima, const C* reciprocals, const C* deltas, const T* dout, T* dk,
    T* dv, Problem problem, C scale) {
    __shared__ Shared shared;
    Place place((u32) ((problem.keys + ROWS - 1) / ROWS));
    u32 head = place.head;
    i64 first = (i64) place.block * ROWS;
    i64 column = (i64) blockIdx.y * WIDTH;
    int x = threadIdx.x & 15;
    int y = threadIdx.x >> 4;
    Matrix queries(q, problem, problem.q, head, problem.queries, problem.depth);
    Matrix keys(k, problem, problem.k, head, problem.keys, problem.depth);
    Matrix values(v, problem, problem.v, head, problem.keys, problem.width);
    Matrix cotangents(dout, problem, problem.dout, head, problem.queries, problem.width);
    bias = BIASED ? bias + offset_of(problem, problem.bias, head) : bias;
    C key_sums[4][SUMS];
    C value_sums[4][SUMS];
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < SUMS; j++) {
            key_sums[i][j] = 0;
            value_sums[i][j] = 0;
        }
    }
    int own = tile_distance(first, problem.keys);
    for (i64 query = problem.causal ? first / COLUMNS * COLUMNS : 0; query < problem.queries; query += COLUMNS) {
        C weights[4][PER_THREAD];
        C gradients[4][PER_THREAD];
        multiply(weights, shared, keys, first, queries, query);
        multiply(gradients, shared, values, first, cotangents, query);
        int near = tile_distance(query, problem.queries);
        int diagonal = problem.causal ? tile_distance(first, query) : ROWS;
#pragma unroll
        for (int j = 0; j < PER_THREAD; j++) {
            int at = x + 16 * j;
            i64 statistic = head * problem.queries + query + at;
            C shift = at < near ? maxima[statistic] : (C) 0;
            C reciprocal = at < near ? reciprocals[statistic] : (C) 0;
            C mean = at < near ? deltas[statistic] : (C) 0;
            int visible = at < near ? min(own, at + diagonal + 1) : 0;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int row = y + 16 * i;
                bool seen = row < visible;
                C own_score = seen ? score(weights[i][j], scale, bias, problem.bias, query + at, first + row) : (C) 0;
                weights[i][j] = seen ? exponential(own_score - shift) * reciprocal : (C) 0;
                gradients[i][j] = seen ? weights[i][j] * (gradients[i][j] - mean) : (C) 0;
            }
        }
        accumulate(value_sums, shared, weights, cotangents, query, column);
        accumulate(key_sums, shared, gradients, queries, query, column);
    }
    C scales[4] = {scale, scale, scale, scale};
    C ones[4] = {1, 1, 1, 1};
    store(dk, problem.keys, problem.depth, head, first, column, key_sums, scales);
    store(dv, problem.keys, problem.width, head, first, column, value_sums, ones);
}

// dq = scale ds k. grid: (heads x blocks of queries, blocks of WIDTH columns)
KERNEL __launch_bounds__(THREADS, GRADIENT_BLOCKS) SYMBOL(attention_gradient_queries, T)(const T* q, const T* k,
    const T* v, const B* bias, const C* maxima, const C* reciprocals, const C* deltas, const T* dout, T* dq,
    Problem problem, C scale) {
    __shared__ Shared shared;
    u32 blocks = (u32) ((problem.queries + ROWS - 1) / ROWS);
    Place place(blocks);
    u32 head = place.head;
    i64 first = (i64) (blocks - 1 - place.block) * ROWS;
    i64 column = (i64) blockIdx.y * WIDTH;
    int x = threadIdx.x & 15;
    int y = threadIdx.x >> 4;
    Matrix queries(q, problem, problem.q, head, problem.queries, problem.depth);
    Matrix keys(k, problem, problem.k, head, problem.keys, problem.depth);
    Matrix values(v, problem, problem.v, head, problem.keys, problem.width);
    Matrix cotangents(dout, problem, problem.dout, head, problem.queries, problem.width);
    bias = BIASED ? bias + offset_of(problem, problem.bias, head) : bias;
    C shift[4];
    C reciprocal[4];
    C mean[4];
    C sums[4][SUMS];
    for (int i = 0; i < 4; i++) {
        i64 query = first + y + 16 * i;
        shift[i] = query < problem.queries ? maxima[head * problem.queries + query] : (C) 0;
        reciprocal[i] = query < problem.queries ? reciprocals[head * problem.queries + query] : (C) 0;
        mean[i] = query < problem.queries ? deltas[head * problem.queries + query] : (C) 0;
        for (int j = 0; j < SUMS; j++) {
            sums[i][j] = 0;
        }
    }
    int own = tile_distance(first, problem.queries);
    i64 end = problem.causal && first + ROWS < problem.keys ? first + ROWS : problem.keys;
    for (i64 key = 0; key < end; key += COLUMNS) {
        C weights[4][PER_THREAD];
        C gradients[4][PER_THREAD];
        multiply(weights, shared, queries, first, keys, key);
        multiply(gradients, shared, cotangents, first, values, key);
        int near = tile_distance(key, problem.keys);
        int diagonal = problem.causal ? tile_distance(key, first) : ROWS;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int row = y + 16 * i;
            int visible = row < own ? min(near, row + diagonal + 1) : 0;
#pragma unroll
            for (int j = 0; j < PER_THREAD; j++) {
                int at = x + 16 * j;
                bool seen = at < visible;
                C own_score = seen ? score(weights[i][j], scale, bias, problem.bias, first + row, key + at) : (C) 0;
                C weight = seen ? exponential(own_score - shift[i]) * reciprocal[i] : (C) 0;
                gradients[i][j] = seen ? weight * (gradients[i][j] - mean[i]) : (C) 0;
            }
        }
        accumulate(sums, shared, gradients, keys, key, column);
    }
    C scales[4] = {scale, scale, scale, scale};
    store(dq, problem.queries, problem.depth, head, first, column, sums, scales);
}

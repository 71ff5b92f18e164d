// Layer normalization along the last axis: y = (x - mean) rstd gamma + beta, rstd = 1 / sqrt(variance + epsilon), and
// its gradient. P: the parameters' dtype, of T's compute type.
// A row of up to 1,024 elements (512 of f64) is shared by a warp, one of up to 8,192 (4,096) by a block, in registers:
// forward reads x once and writes y once, backward reads x and dy once and writes dx once. Of longer rows x is read
// three times, backward x and dy three times, mostly from the L2 cache.
// dgamma and dbeta are summed over fixed stripes of rows, whose sums are then added in order.
// Bound by memory: rows of 768 take forward 18 instructions an element of bf16, 16 of f32, of about 30 and 60 that are
// issued while it is read and written; backward 27 and 23 of about 45 and 90 (on sm_90, counted in the machine code).
// Backward holds so much in registers that few warps are under way: each asks for its next row beforehand.
#include "rows.cuh"
#include "stripes.cuh"

// Forward

// The mean without the rounding of the sum that `about` came of, which rstd would enlarge: of a row that is constant,
// exactly its elements. residual, squares: sums of x - about, and of their squares, which are then about another mean
// than theirs (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983).
struct Statistics {
    C mean;
    C shift;
    C rstd;

    __device__ inline Statistics(C about, C residual, C squares, C scale, C epsilon) {
        mean = about + residual * scale;
        shift = mean - about;
        C rest = squares - residual * shift;
        rstd = 1 / op::sqrt((rest < 0 ? 0 : rest) * scale + epsilon);
    }
};

// y = (x - mean) rstd gamma + beta of elements less what the mean was taken to be
__device__ inline void scale_and_shift(C* centered, const Statistics& row, const P* gamma, const P* beta, i64 at,
    T* y) {
    C factors[VECTOR];
    C shifts[VECTOR];
    load_vector(gamma + at, factors);
    load_vector(beta + at, shifts);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        centered[i] = op::fused((centered[i] - row.shift) * row.rstd, factors[i], shifts[i]);
    }
    store_vector(centered, y + at);
}

// sum / count, the same but for some last bits: a division needs more registers than there are
__device__ inline C quotient(C sum, C count, C reciprocal) {
    C mean = sum * reciprocal;
    return op::fused(op::fused(-mean, count, sum), reciprocal, mean);
}

template <int THREADS>
__device__ inline void layer_norm_in_registers(const T* x, Rows x_rows, const P* gamma, const P* beta, T* y, C* means,
    C* rstds, i64 rows, int width, C scale, C epsilon) {
    typedef Team<THREADS> Team;
    i64 row = Team::row();
    if (row >= rows) {
        return;
    }
    C values[VALUES];
    load_row<THREADS>(x + row_start(x_rows, row), width, 0, values);
    C sum = 0;
#pragma unroll
    for (int i = 0; i < VALUES; i++) {
        sum += values[i];
    }
    C about = quotient(Team::sum(sum), (C) width, scale);
    C residual = 0;
    C squares = 0;
#pragma unroll
    for (int k = 0; k < VECTORS; k++) {
        if (Team::position(k) < width) {
#pragma unroll
            for (int i = k * VECTOR; i < (k + 1) * VECTOR; i++) {
                values[i] -= about;
                residual += values[i];
                squares = op::fused(values[i], values[i], squares);
            }
        }
    }
    residual = Team::sum(residual);
    Statistics statistics(about, residual, Team::sum(squares), scale, epsilon);
#pragma unroll
    for (int k = 0; k < VECTORS; k++) {
        if (Team::position(k) < width) {
            scale_and_shift(values + k * VECTOR, statistics, gamma, beta, Team::position(k), y + row * width);
        }
    }
    if (Team::rank() == 0) {
        means[row] = statistics.mean;
        rstds[row] = statistics.rstd;
    }
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(layer_norm_forward_warp, T)(const T* x, Rows x_rows, const P* gamma,
    const P* beta, T* y, C* means, C* rstds, i64 rows, i64 width, C scale, C epsilon) {
    layer_norm_in_registers<WARP>(x, x_rows, gamma, beta, y, means, rstds, rows, (int) width, scale, epsilon);
}

// The registers of two blocks, here and where stripes of long rows are summed, lest compilers spill some for a third.
KERNEL __launch_bounds__(BLOCK, 2) SYMBOL(layer_norm_forward_block, T)(const T* x, Rows x_rows, const P* gamma,
    const P* beta, T* y, C* means, C* rstds, i64 rows, i64 width, C scale, C epsilon) {
    layer_norm_in_registers<BLOCK>(x, x_rows, gamma, beta, y, means, rstds, rows, (int) width, scale, epsilon);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(layer_norm_forward_long, T)(const T* x, Rows x_rows, const P* gamma,
    const P* beta, T* y, C* means, C* rstds, i64 rows, i64 width, C scale, C epsilon) {
    typedef Team<BLOCK> Team;
    i64 row = Team::row();
    const T* source = x + row_start(x_rows, row);
    C values[VECTOR];
    C sum = 0;
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(source + Team::position(k), values);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            sum += values[i];
        }
    }
    C about = quotient(Team::sum(sum), (C) width, scale);
    C residual = 0;
    C squares = 0;
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(source + Team::position(k), values);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            C centered = values[i] - about;
            residual += centered;
            squares = op::fused(centered, centered, squares);
        }
    }
    residual = Team::sum(residual);
    Statistics statistics(about, residual, Team::sum(squares), scale, epsilon);
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(source + Team::position(k), values);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            values[i] -= about;
        }
        scale_and_shift(values, statistics, gamma, beta, Team::position(k), y + row * width);
    }
    if (Team::rank() == 0) {
        means[row] = statistics.mean;
        rstds[row] = statistics.rstd;
    }
}

// Backward: dx = rstd (g - mean(g) - n mean(g n)) with g = dy gamma and n = (x - mean) rstd,
// dgamma = sum over rows of dy n, dbeta = sum over rows of dy. sums: (stripes, 2, width), those of dgamma and dbeta
// over each stripe of stripe_rows rows.

// A stripe of rows, of which a team takes one after the other.
template <int THREADS>
__device__ inline void layer_norm_gradient_in_registers(const T* x, Rows x_rows, const P* gamma, const C* means,
    const C* rstds, const T* dy, Rows dy_rows, T* dx, i64 rows, int width, C scale, i64 stripe_rows, C* sums) {
    typedef Team<THREADS> Team;
    i64 first = blockIdx.x * stripe_rows;
    i64 end = first + stripe_rows < rows ? first + stripe_rows : rows;
    C dgamma[VALUES] = {};
    C dbeta[VALUES] = {};
    i64 step = blockDim.x / THREADS;
    for (i64 row = first + threadIdx.x / THREADS; row < end; row += step) {
        if (row + step < end) {
            prefetch_row<THREADS>(x + row_start(x_rows, row + step), width);
            prefetch_row<THREADS>(dy + row_start(dy_rows, row + step), width);
        }
        C mean = means[row];
        C rstd = rstds[row];
        C normalized[VALUES];
        C scaled[VALUES];
        load_row<THREADS>(x + row_start(x_rows, row), width, mean, normalized);
        load_row<THREADS>(dy + row_start(dy_rows, row), width, 0, scaled);
        C sum = 0;
        C products = 0;
#pragma unroll
        for (int k = 0; k < VECTORS; k++) {
            if (Team::position(k) < width) {
                C factors[VECTOR];
                load_vector(gamma + Team::position(k), factors);
#pragma unroll
                for (int i = 0; i < VECTOR; i++) {
                    int at = k * VECTOR + i;
                    normalized[at] = (normalized[at] - mean) * rstd;
                    dgamma[at] = op::fused(scaled[at], normalized[at], dgamma[at]);
                    dbeta[at] += scaled[at];
                    scaled[at] *= factors[i];
                    sum += scaled[at];
                    products = op::fused(scaled[at], normalized[at], products);
                }
            }
        }
        C offset = Team::sum(sum) * scale;
        C slope = Team::sum(products) * scale;
#pragma unroll
        for (int i = 0; i < VALUES; i++) {
            scaled[i] = rstd * op::fused(-normalized[i], slope, scaled[i] - offset);
        }
        store_row<THREADS>(scaled, width, dx + row * width);
    }
    C* target = sums + (i64) blockIdx.x * 2 * width;
    if constexpr (THREADS == WARP) {
        store_sums_of_warps(dgamma, width, target);
        store_sums_of_warps(dbeta, width, target + width);
    } else {
        store_row<THREADS>(dgamma, width, target);
        store_row<THREADS>(dbeta, width, target + width);
    }
}

KERNEL __launch_bounds__(GRADIENT_WARPS * WARP, GRADIENT_BLOCKS) SYMBOL(layer_norm_backward_warp, T)(const T* x,
    Rows x_rows, const P* gamma, const C* means, const C* rstds, const T* dy, Rows dy_rows, T* dx, i64 rows, i64 width,
    C scale, i64 stripe_rows, C* sums) {
    layer_norm_gradient_in_registers<WARP>(x, x_rows, gamma, means, rstds, dy, dy_rows, dx, rows, (int) width, scale,
        stripe_rows, sums);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(layer_norm_backward_block, T)(const T* x, Rows x_rows, const P* gamma,
    const C* means, const C* rstds, const T* dy, Rows dy_rows, T* dx, i64 rows, i64 width, C scale, i64 stripe_rows,
    C* sums) {
    layer_norm_gradient_in_registers<BLOCK>(x, x_rows, gamma, means, rstds, dy, dy_rows, dx, rows, (int) width, scale,
        stripe_rows, sums);
}

// Of long rows, dx alone.
KERNEL __launch_bounds__(BLOCK) SYMBOL(layer_norm_backward_long, T)(const T* x, Rows x_rows, const P* gamma,
    const C* means, const C* rstds, const T* dy, Rows dy_rows, T* dx, i64 rows, i64 width, C scale) {
    typedef Team<BLOCK> Team;
    i64 row = Team::row();
    const T* source = x + row_start(x_rows, row);
    const T* cotangent = dy + row_start(dy_rows, row);
    C mean = means[row];
    C rstd = rstds[row];
    C normalized[VECTOR];
    C scaled[VECTOR];
    C factors[VECTOR];
    C sum = 0;
    C products = 0;
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(source + Team::position(k), normalized);
        load_vector(cotangent + Team::position(k), scaled);
        load_vector(gamma + Team::position(k), factors);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            C g = scaled[i] * factors[i];
            sum += g;
            products += g * ((normalized[i] - mean) * rstd);
        }
    }
    C offset = Team::sum(sum) * scale;
    C slope = Team::sum(products) * scale;
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(source + Team::position(k), normalized);
        load_vector(cotangent + Team::position(k), scaled);
        load_vector(gamma + Team::position(k), factors);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            C g = scaled[i] * factors[i];
            scaled[i] = rstd * (g - offset - (normalized[i] - mean) * rstd * slope);
        }
        store_vector(scaled, dx + row * width + Team::position(k));
    }
}

// Of long rows, the sums over a stripe, blockIdx.y, for 32 vectors of columns. A warp takes every eighth row of the
// stripe; the warps' sums are added in order.
KERNEL __launch_bounds__(BLOCK, 2) SYMBOL(layer_norm_backward_stripes, T)(const T* x, Rows x_rows, const C* means,
    const C* rstds, const T* dy, Rows dy_rows, i64 rows, i64 width, i64 stripe_rows, C* sums) {
    i64 column = ((i64) blockIdx.x * WARP + (threadIdx.x & 31)) * VECTOR;
    C dgamma[VECTOR] = {};
    C dbeta[VECTOR] = {};
    if (column < width) {
        i64 first = blockIdx.y * stripe_rows;
        i64 end = first + stripe_rows < rows ? first + stripe_rows : rows;
#pragma unroll 4
        for (i64 row = first + (threadIdx.x >> 5); row < end; row += WARPS) {
            C normalized[VECTOR];
            C cotangent[VECTOR];
            load_vector(x + row_start(x_rows, row) + column, normalized);
            load_vector(dy + row_start(dy_rows, row) + column, cotangent);
            C mean = means[row];
            C rstd = rstds[row];
#pragma unroll
            for (int i = 0; i < VECTOR; i++) {
                dgamma[i] += cotangent[i] * ((normalized[i] - mean) * rstd);
                dbeta[i] += cotangent[i];
            }
        }
    }
    i64 first_column = (i64) blockIdx.x * WARP * VECTOR;
    C* target = sums + (i64) blockIdx.y * 2 * width;
    store_column_sums(dgamma, first_column, width, target);
    store_column_sums(dbeta, first_column, width, target + width);
}

// Adds the stripes' sums, of the 2 width columns.
KERNEL __launch_bounds__(FOLD_WARPS * WARP, 1) SYMBOL(layer_norm_backward_fold, T)(const C* sums, i64 stripes,
    i64 width, P* dgamma, P* dbeta) {
    i64 column = fold_column();
    C total = fold_stripes(sums, stripes, 2 * width, column);
    if (threadIdx.x < WARP && column < 2 * width) {
        P* target = column < width ? dgamma + column : dbeta + (column - width);
        *target = narrow<P>(total);
    }
}

// Root mean square normalization along the last axis: y = x rstd gamma, rstd = 1 / sqrt(mean(x^2) + epsilon), and its
// gradient. P: the parameter's dtype, of T's compute type. Rows are shared and memory is moved as in layer_norm.cu:
// forward reads x once and writes y once, backward reads x and dy once and writes dx once. Long rows are read again,
// from the L2 cache.
#include "rows.cuh"
#include "stripes.cuh"

// Forward

// y = x rstd gamma
__device__ inline void scale(C* values, C rstd, const P* gamma, i64 at, T* y) {
    C factors[VECTOR];
    load_vector(gamma + at, factors);
#pragma unroll
    for (int i = 0; i < VECTOR; i++) {
        values[i] = values[i] * rstd * factors[i];
    }
    store_vector(values, y + at);
}

template <int THREADS>
__device__ inline void rms_norm_in_registers(const T* x, Rows x_rows, const P* gamma, T* y, C* rstds, i64 rows,
    int width, C inverse_width, C epsilon) {
    typedef Team<THREADS> Team;
    i64 row = Team::row();
    if (row >= rows) {
        return;
    }
    C values[VALUES];
    load_row<THREADS>(x + row_start(x_rows, row), width, 0, values);
    C squares = 0;
#pragma unroll
    for (int i = 0; i < VALUES; i++) {
        squares = op::fused(values[i], values[i], squares);
    }
    C rstd = 1 / op::sqrt(Team::sum(squares) * inverse_width + epsilon);
#pragma unroll
    for (int k = 0; k < VECTORS; k++) {
        if (Team::position(k) < width) {
            scale(values + k * VECTOR, rstd, gamma, Team::position(k), y + row * width);
        }
    }
    if (Team::rank() == 0) {
        rstds[row] = rstd;
    }
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(rms_norm_forward_warp, T)(const T* x, Rows x_rows, const P* gamma, T* y,
    C* rstds, i64 rows, i64 width, C inverse_width, C epsilon) {
    rms_norm_in_registers<WARP>(x, x_rows, gamma, y, rstds, rows, (int) width, inverse_width, epsilon);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(rms_norm_forward_block, T)(const T* x, Rows x_rows, const P* gamma, T* y,
    C* rstds, i64 rows, i64 width, C inverse_width, C epsilon) {
    rms_norm_in_registers<BLOCK>(x, x_rows, gamma, y, rstds, rows, (int) width, inverse_width, epsilon);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(rms_norm_forward_long, T)(const T* x, Rows x_rows, const P* gamma, T* y,
    C* rstds, i64 rows, i64 width, C inverse_width, C epsilon) {
    typedef Team<BLOCK> Team;
    i64 row = Team::row();
    const T* source = x + row_start(x_rows, row);
    C values[VECTOR];
    C squares = 0;
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(source + Team::position(k), values);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            squares = op::fused(values[i], values[i], squares);
        }
    }
    C rstd = 1 / op::sqrt(Team::sum(squares) * inverse_width + epsilon);
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(source + Team::position(k), values);
        scale(values, rstd, gamma, Team::position(k), y + row * width);
    }
    if (Team::rank() == 0) {
        rstds[row] = rstd;
    }
}

// Backward: dx = rstd (g - n mean(g n)) with g = dy gamma and n = x rstd, dgamma = sum over rows of dy n.
// sums: (stripes, width), those of dgamma over each stripe of stripe_rows rows.

// Blocks of a multiprocessor. Addresses of loads of less than 16 bytes, and the most values, take too many registers
// for two.
constexpr int BLOCKS = VECTOR * sizeof(T) == 16 && VALUES * sizeof(C) <= 96 ? 2 : 1;

// A stripe of rows, of which a team takes one after the other.
template <int THREADS>
__device__ inline void rms_norm_gradient_in_registers(const T* x, Rows x_rows, const P* gamma, const C* rstds,
    const T* dy, Rows dy_rows, T* dx, i64 rows, int width, C inverse_width, i64 stripe_rows, C* sums) {
    typedef Team<THREADS> Team;
    i64 first = blockIdx.x * stripe_rows;
    i64 end = first + stripe_rows < rows ? first + stripe_rows : rows;
    C dgamma[VALUES] = {};
    i64 step = blockDim.x / THREADS;
    for (i64 row = first + threadIdx.x / THREADS; row < end; row += step) {
        if (row + step < end) {
            prefetch_row<THREADS>(x + row_start(x_rows, row + step), width);
            prefetch_row<THREADS>(dy + row_start(dy_rows, row + step), width);
        }
        C rstd = rstds[row];
        C normalized[VALUES];
        C scaled[VALUES];
        load_row<THREADS>(x + row_start(x_rows, row), width, 0, normalized);
        load_row<THREADS>(dy + row_start(dy_rows, row), width, 0, scaled);
        C products = 0;
#pragma unroll
        for (int k = 0; k < VECTORS; k++) {
            if (Team::position(k) < width) {
                C factors[VECTOR];
                load_vector(gamma + Team::position(k), factors);
#pragma unroll
                for (int i = 0; i < VECTOR; i++) {
                    int at = k * VECTOR + i;
                    normalized[at] *= rstd;
                    dgamma[at] = op::fused(scaled[at], normalized[at], dgamma[at]);
                    scaled[at] *= factors[i];
                    products = op::fused(scaled[at], normalized[at], products);
                }
            }
        }
        C slope = Team::sum(products) * inverse_width;
#pragma unroll
        for (int i = 0; i < VALUES; i++) {
            scaled[i] = rstd * op::fused(-normalized[i], slope, scaled[i]);
        }
        store_row<THREADS>(scaled, width, dx + row * width);
    }
    if constexpr (THREADS == WARP) {
        store_sums_of_warps(dgamma, width, sums + (i64) blockIdx.x * width);
    } else {
        store_row<THREADS>(dgamma, width, sums + (i64) blockIdx.x * width);
    }
}

KERNEL __launch_bounds__(GRADIENT_WARPS * WARP, GRADIENT_BLOCKS) SYMBOL(rms_norm_backward_warp, T)(const T* x,
    Rows x_rows, const P* gamma, const C* rstds, const T* dy, Rows dy_rows, T* dx, i64 rows, i64 width, C inverse_width,
    i64 stripe_rows, C* sums) {
    rms_norm_gradient_in_registers<WARP>(x, x_rows, gamma, rstds, dy, dy_rows, dx, rows, (int) width, inverse_width,
        stripe_rows, sums);
}

KERNEL __launch_bounds__(BLOCK, BLOCKS) SYMBOL(rms_norm_backward_block, T)(const T* x, Rows x_rows, const P* gamma,
    const C* rstds, const T* dy, Rows dy_rows, T* dx, i64 rows, i64 width, C inverse_width, i64 stripe_rows, C* sums) {
    rms_norm_gradient_in_registers<BLOCK>(x, x_rows, gamma, rstds, dy, dy_rows, dx, rows, (int) width, inverse_width,
        stripe_rows, sums);
}

// Of long rows, dx alone.
KERNEL __launch_bounds__(BLOCK) SYMBOL(rms_norm_backward_long, T)(const T* x, Rows x_rows, const P* gamma,
    const C* rstds, const T* dy, Rows dy_rows, T* dx, i64 rows, i64 width, C inverse_width) {
    typedef Team<BLOCK> Team;
    i64 row = Team::row();
    const T* source = x + row_start(x_rows, row);
    const T* cotangent = dy + row_start(dy_rows, row);
    C rstd = rstds[row];
    C normalized[VECTOR];
    C scaled[VECTOR];
    C factors[VECTOR];
    C products = 0;
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(source + Team::position(k), normalized);
        load_vector(cotangent + Team::position(k), scaled);
        load_vector(gamma + Team::position(k), factors);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            products += scaled[i] * factors[i] * (normalized[i] * rstd);
        }
    }
    C slope = Team::sum(products) * inverse_width;
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(source + Team::position(k), normalized);
        load_vector(cotangent + Team::position(k), scaled);
        load_vector(gamma + Team::position(k), factors);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            scaled[i] = rstd * (scaled[i] * factors[i] - normalized[i] * rstd * slope);
        }
        store_vector(scaled, dx + row * width + Team::position(k));
    }
}

// Of long rows, the sums over a stripe, blockIdx.y, for 32 vectors of columns. A warp takes every eighth row.
KERNEL __launch_bounds__(BLOCK) SYMBOL(rms_norm_backward_stripes, T)(const T* x, Rows x_rows, const C* rstds,
    const T* dy, Rows dy_rows, i64 rows, i64 width, i64 stripe_rows, C* sums) {
    i64 column = ((i64) blockIdx.x * WARP + (threadIdx.x & 31)) * VECTOR;
    C dgamma[VECTOR] = {};
    if (column < width) {
        i64 first = blockIdx.y * stripe_rows;
        i64 end = first + stripe_rows < rows ? first + stripe_rows : rows;
#pragma unroll 2
        for (i64 row = first + (threadIdx.x >> 5); row < end; row += WARPS) {
            C values[VECTOR];
            C cotangent[VECTOR];
            load_vector(x + row_start(x_rows, row) + column, values);
            load_vector(dy + row_start(dy_rows, row) + column, cotangent);
            C rstd = rstds[row];
#pragma unroll
            for (int i = 0; i < VECTOR; i++) {
                dgamma[i] += cotangent[i] * (values[i] * rstd);
            }
        }
    }
    store_column_sums(dgamma, (i64) blockIdx.x * WARP * VECTOR, width, sums + (i64) blockIdx.y * width);
}

// Adds the stripes' sums.
KERNEL __launch_bounds__(FOLD_WARPS * WARP, 1) SYMBOL(rms_norm_backward_fold, T)(const C* sums, i64 stripes, i64 width,
    P* dgamma) {
    i64 column = fold_column();
    C total = fold_stripes(sums, stripes, width, column);
    if (threadIdx.x < WARP && column < width) {
        dgamma[column] = narrow<P>(total);
    }
}

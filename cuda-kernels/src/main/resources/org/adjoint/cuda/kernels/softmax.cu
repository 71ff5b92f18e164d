// softmax and logSoftmax along the last axis: y = exp(x - max) / sum(exp(x - max)), or its logarithm,
// x - max - log(sum(exp(x - max))); and the gradients: dx = y (dy - sum(y dy)) and dx = dy - exp(y) sum(dy).
// A row of up to 1,024 elements (512 of f64) is shared by a warp, one of up to 8,192 (4,096) by a block, in registers:
// memory is read once and written once. A longer row is read twice, by a block, the second time from the L2 cache where
// the rows of all blocks fit there. Bound by memory: 13 instructions an element of bf16, 27 of f32, of about 30 and 60
// that are issued while it is read and written (on sm_90, counted in the machine code).
#include "rows.cuh"

template <int THREADS, bool LOG>
__device__ inline void softmax_in_registers(const T* x, Rows x_rows, T* y, i64 rows, int width) {
    typedef Team<THREADS> Team;
    i64 row = Team::row();
    if (row >= rows) {
        return;
    }
    C values[VALUES];
    load_row<THREADS>(x + row_start(x_rows, row), width, negative_infinity(), values);
    C maximum = negative_infinity();
#pragma unroll
    for (int i = 0; i < VALUES; i++) {
        maximum = Larger::fold(maximum, values[i]);
    }
    maximum = Team::template fold<Larger>(maximum, negative_infinity());
    C sum = 0;
#pragma unroll
    for (int i = 0; i < VALUES; i++) {
        values[i] -= maximum;
        C e = row_exp(values[i]);
        sum += e;
        values[i] = LOG ? values[i] : e;
    }
    sum = Team::sum(sum);
    C scale = LOG ? op::log(sum) : 1 / sum;
#pragma unroll
    for (int i = 0; i < VALUES; i++) {
        values[i] = LOG ? values[i] - scale : values[i] * scale;
    }
    store_row<THREADS>(values, width, y + row * width);
}

template <bool LOG>
__device__ inline void softmax_of_long_row(const T* x, Rows x_rows, T* y, i64 width) {
    typedef Team<BLOCK> Team;
    i64 row = Team::row();
    const T* source = x + row_start(x_rows, row);
    T* target = y + row * width;
    ExponentialSum total = exponential_sum<BLOCK>(source, width);
    C scale = LOG ? op::log(total.sum) : 1 / total.sum;
    for (i64 k = 0; Team::position(k) < width; k++) {
        i64 at = Team::position(k);
        C values[VECTOR];
        load_vector(source + at, values);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            C shifted = values[i] - total.maximum;
            values[i] = LOG ? shifted - scale : row_exp(shifted) * scale;
        }
        store_vector(values, target + at);
    }
}

// Softmax

KERNEL __launch_bounds__(BLOCK) SYMBOL(softmax_forward_warp, T)(const T* x, Rows x_rows, T* y, i64 rows, i64 width) {
    softmax_in_registers<WARP, false>(x, x_rows, y, rows, (int) width);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(softmax_forward_block, T)(const T* x, Rows x_rows, T* y, i64 rows, i64 width) {
    softmax_in_registers<BLOCK, false>(x, x_rows, y, rows, (int) width);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(softmax_forward_long, T)(const T* x, Rows x_rows, T* y, i64 rows, i64 width) {
    softmax_of_long_row<false>(x, x_rows, y, width);
}

// Log-softmax

KERNEL __launch_bounds__(BLOCK) SYMBOL(log_softmax_forward_warp, T)(const T* x, Rows x_rows, T* y, i64 rows,
    i64 width) {
    softmax_in_registers<WARP, true>(x, x_rows, y, rows, (int) width);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(log_softmax_forward_block, T)(const T* x, Rows x_rows, T* y, i64 rows,
    i64 width) {
    softmax_in_registers<BLOCK, true>(x, x_rows, y, rows, (int) width);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(log_softmax_forward_long, T)(const T* x, Rows x_rows, T* y, i64 rows,
    i64 width) {
    softmax_of_long_row<true>(x, x_rows, y, width);
}

// Gradients. y: the softmax, or its logarithm.

// What is summed over a row.
template <bool LOG> __device__ inline C term(C y, C dy) { return LOG ? dy : y * dy; }

template <bool LOG> __device__ inline C differentiated(C y, C dy, C sum) {
    return LOG ? dy - row_exp(y) * sum : y * (dy - sum);
}

template <int THREADS, bool LOG>
__device__ inline void softmax_gradient_in_registers(const T* y, Rows y_rows, const T* dy, Rows dy_rows, T* dx,
    i64 rows, int width) {
    typedef Team<THREADS> Team;
    i64 row = Team::row();
    if (row >= rows) {
        return;
    }
    C results[VALUES];
    C cotangents[VALUES];
    load_row<THREADS>(y + row_start(y_rows, row), width, 0, results);
    load_row<THREADS>(dy + row_start(dy_rows, row), width, 0, cotangents);
    C sum = 0;
#pragma unroll
    for (int i = 0; i < VALUES; i++) {
        sum += term<LOG>(results[i], cotangents[i]);
    }
    sum = Team::sum(sum);
#pragma unroll
    for (int i = 0; i < VALUES; i++) {
        cotangents[i] = differentiated<LOG>(results[i], cotangents[i], sum);
    }
    store_row<THREADS>(cotangents, width, dx + row * width);
}

template <bool LOG>
__device__ inline void softmax_gradient_of_long_row(const T* y, Rows y_rows, const T* dy, Rows dy_rows, T* dx,
    i64 width) {
    typedef Team<BLOCK> Team;
    i64 row = Team::row();
    const T* result = y + row_start(y_rows, row);
    const T* cotangent = dy + row_start(dy_rows, row);
    C results[VECTOR];
    C cotangents[VECTOR];
    C sum = 0;
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(cotangent + Team::position(k), cotangents);
        if constexpr (!LOG) {
            load_vector(result + Team::position(k), results);
        }
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            sum += term<LOG>(LOG ? 0 : results[i], cotangents[i]);
        }
    }
    sum = Team::sum(sum);
    for (i64 k = 0; Team::position(k) < width; k++) {
        load_vector(result + Team::position(k), results);
        load_vector(cotangent + Team::position(k), cotangents);
#pragma unroll
        for (int i = 0; i < VECTOR; i++) {
            cotangents[i] = differentiated<LOG>(results[i], cotangents[i], sum);
        }
        store_vector(cotangents, dx + row * width + Team::position(k));
    }
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(softmax_backward_warp, T)(const T* y, Rows y_rows, const T* dy, Rows dy_rows,
    T* dx, i64 rows, i64 width) {
    softmax_gradient_in_registers<WARP, false>(y, y_rows, dy, dy_rows, dx, rows, (int) width);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(softmax_backward_block, T)(const T* y, Rows y_rows, const T* dy, Rows dy_rows,
    T* dx, i64 rows, i64 width) {
    softmax_gradient_in_registers<BLOCK, false>(y, y_rows, dy, dy_rows, dx, rows, (int) width);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(softmax_backward_long, T)(const T* y, Rows y_rows, const T* dy, Rows dy_rows,
    T* dx, i64 rows, i64 width) {
    softmax_gradient_of_long_row<false>(y, y_rows, dy, dy_rows, dx, width);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(log_softmax_backward_warp, T)(const T* y, Rows y_rows, const T* dy, Rows dy_rows,
    T* dx, i64 rows, i64 width) {
    softmax_gradient_in_registers<WARP, true>(y, y_rows, dy, dy_rows, dx, rows, (int) width);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(log_softmax_backward_block, T)(const T* y, Rows y_rows, const T* dy,
    Rows dy_rows, T* dx, i64 rows, i64 width) {
    softmax_gradient_in_registers<BLOCK, true>(y, y_rows, dy, dy_rows, dx, rows, (int) width);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(log_softmax_backward_long, T)(const T* y, Rows y_rows, const T* dy, Rows dy_rows,
    T* dx, i64 rows, i64 width) {
    softmax_gradient_of_long_row<true>(y, y_rows, dy, dy_rows, dx, width);
}

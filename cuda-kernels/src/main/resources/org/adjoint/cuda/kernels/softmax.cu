// softmax and logSoftmax along the last axis: y = exp(x - max) / sum(exp(x - max)), or its logarithm,
// x - max - log(sum(exp(x - max))).
// A row of up to 1,024 elements (512 of f64) is shared by a warp, one of up to 8,192 (4,096) by a block, in registers:
// memory is read once and written once. A longer row is read twice, by a block, the second time from the L2 cache.
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
        C e = op::exp(values[i]);
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
            values[i] = LOG ? shifted - scale : op::exp(shifted) * scale;
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

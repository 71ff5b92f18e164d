// The negative log-likelihood of each row's target class, and the row's statistics:
// loss = log(sum) + (max - x[target]), sum = sum(exp(x - max)). I: the targets' dtype.
// The logits are read once and nothing of their size is written. A row of up to 1,024 classes is shared by a warp, a
// longer one by a block. Bound by memory: 8 instructions an element of bf16, 7 of f32, of about 15 and 30 that are
// issued while it is read, and one of them the exponential, of about 2 and 4 (on sm_90, counted in the machine code).
#include "rows.cuh"

template <int THREADS>
__device__ inline void cross_entropy(const T* logits, Rows logits_rows, const I* targets, i64 targets_stride, C* losses,
    C* maxima, C* sums, i64 rows, i64 classes, Status* status, i32 step) {
    i64 row = Team<THREADS>::row();
    if (row >= rows) {
        return;
    }
    const T* source = logits + row_start(logits_rows, row);
    ExponentialSum total = exponential_sum<THREADS>(source, classes);
    if (Team<THREADS>::rank() == 0) {
        i64 target = targets[row * targets_stride];
        C picked = 0;
        if (target >= 0 && target < classes) {
            picked = widen(source[target]);
        } else {
            bad_index(status, step, row);
        }
        losses[row] = op::log(total.sum) + (total.maximum - picked);
        maxima[row] = total.maximum;
        sums[row] = total.sum;
    }
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(cross_entropy_forward_warp, T)(const T* logits, Rows logits_rows,
    const I* targets, i64 targets_stride, C* losses, C* maxima, C* sums, i64 rows, i64 classes, Status* status,
    i32 step) {
    cross_entropy<WARP>(logits, logits_rows, targets, targets_stride, losses, maxima, sums, rows, classes, status,
        step);
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(cross_entropy_forward_block, T)(const T* logits, Rows logits_rows,
    const I* targets, i64 targets_stride, C* losses, C* maxima, C* sums, i64 rows, i64 classes, Status* status,
    i32 step) {
    cross_entropy<BLOCK>(logits, logits_rows, targets, targets_stride, losses, maxima, sums, rows, classes, status,
        step);
}

// Factorizations of matrices of up to 32 columns, and systems of as many equations: what the decompositions of larger
// ones end in, most of whose work is products. Traffic: a is read once and the results are written once; of
// householder's panel, which the cache holds, twice each for every column. Errors grow with the columns, not with the
// matrix around them.
#include "elementwise.cuh"
#include "axes.cuh"

typedef Compute<T>::type C;

const int WIDTH = 32;
const int GROUPS = 8;
const int COLUMNS = 64;

// A lane of a warp per row. axes: of the batch, a for its first elements
KERNEL SYMBOL(cholesky, T)(const T* __restrict__ a, T* __restrict__ l, i32 n, i64 row_stride, i64 column_stride,
    Axes axes) {
    __shared__ C x[WIDTH][WIDTH + 1];
    int row = threadIdx.x;
    a += offsets(axes, blockIdx.x).a;
    l += (i64) blockIdx.x * n * n;
    for (int j = 0; j <= row && row < n; j++) {
        x[row][j] = a[row * row_stride + j * column_stride];
    }
    __syncthreads();
    for (int j = 0; j < n; j++) {
        C sum = 0;
        if (row >= j && row < n) {
            sum = x[row][j];
            for (int k = 0; k < j; k++) {
                sum = op::fused(-x[row][k], x[j][k], sum);
            }
        }
        C pivot = __shfl_sync(0xffffffffu, sum, j);
        C root = pivot > 0 ? op::sqrt(pivot) : op::not_a_number<C>();
        if (row >= j && row < n) {
            x[row][j] = row == j ? root : sum / root;
        }
        __syncthreads();
    }
    // Rows are written whole, a lane per column.
    for (int i = 0; i < n && row < n; i++) {
        l[i * n + row] = row <= i ? x[i][row] : 0;
    }
}

// A thread per column of b, some columns per block; an upper triangle is a lower one read from the end.
// axes: of the batch, a for a and b for b
KERNEL SYMBOL(triangular_solve, T)(const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ x, i32 n,
    i64 columns,
    i64 tiles, i64 a_row_stride, i64 a_column_stride, i64 b_row_stride, i64 b_column_stride, i32 upper,
    i32 unit_diagonal,
    Axes axes) {
    __shared__ C triangle[WIDTH][WIDTH + 1];
    __shared__ C solved[WIDTH][COLUMNS];
    i64 matrix = blockIdx.x / tiles;
    i64 column = (blockIdx.x - matrix * tiles) * COLUMNS + threadIdx.x;
    Offsets at = offsets(axes, matrix);
    for (int i = threadIdx.x; i < n * n; i += COLUMNS) {
        int row = i / n;
        int other = i - row * n;
        if (other < row || (other == row && !unit_diagonal)) {
            i64 y = upper ? n - 1 - row : row;
            i64 z = upper ? n - 1 - other : other;
            triangle[row][other] = a[at.a + y * a_row_stride + z * a_column_stride];
        }
    }
    __syncthreads();
    if (column >= columns) {
        return;
    }
    for (int i = 0; i < n; i++) {
        i64 row = upper ? n - 1 - i : i;
        C sum = b[at.b + row * b_row_stride + column * b_column_stride];
        for (int k = 0; k < i; k++) {
            sum = op::fused(-triangle[i][k], solved[k][threadIdx.x], sum);
        }
        C value = unit_diagonal ? sum : sum / triangle[i][i];
        solved[i][threadIdx.x] = value;
        x[(matrix * n + row) * columns + column] = value;
    }
}

// A block per matrix: a lane of each warp per column, rows dealt to the warps in turn, so that a thread sees no element
// of the panel but its own. For column j, one pass takes the dot products of its lower part with those of all columns:
// its norm, what reflecting the later columns needs, and what t needs of the earlier ones. y holds the panel on the
// way. axes: of the batch, a for its first elements
KERNEL SYMBOL(householder, T)(const T* __restrict__ a, T* __restrict__ y, T* __restrict__ t, T* __restrict__ r, i64 m,
    i32 n,
    i64 row_stride, i64 column_stride, Axes axes) {
    __shared__ C partial[GROUPS][WIDTH];
    __shared__ C top[WIDTH];
    __shared__ C triangle[WIDTH][WIDTH + 1];
    int lane = threadIdx.x;
    int group = threadIdx.y;
    bool is_column = lane < n;
    a += offsets(axes, blockIdx.x).a;
    y += blockIdx.x * m * n;
    t += (i64) blockIdx.x * n * n;
    r += (i64) blockIdx.x * n * n;
    for (i64 i = group; i < m && is_column; i += GROUPS) {
        y[i * n + lane] = a[i * row_stride + lane * column_stride];
    }
    C pivot = 0;
    for (int j = 0; j < n; j++) {
        // The first row of this warp's below row j.
        i64 first = j + 1 + (group - (j + 1) % GROUPS + GROUPS) % GROUPS;
        C sum = 0;
        for (i64 i = first; i < m; i += GROUPS) {
            C own = is_column ? y[i * n + lane] : 0;
            sum = op::fused(__shfl_sync(0xffffffffu, own, j), own, sum);
        }
        partial[group][lane] = sum;
        if (group == j % GROUPS) {
            top[lane] = is_column ? y[(i64) j * n + lane] : 0;
        }
        __syncthreads();
        C product = 0;
        for (int i = 0; i < GROUPS; i++) {
            product += partial[i][lane];
        }
        C squares = __shfl_sync(0xffffffffu, product, j);
        C alpha = top[j];
        bool done = squares == 0;
        C norm = op::sqrt(op::fused(alpha, alpha, squares));
        C beta = alpha < 0 ? norm : -norm;
        C tau = done ? 0 : (beta - alpha) / beta;
        C scale = done ? 1 : alpha - beta;
        if (lane == j) {
            pivot = done ? alpha : beta;
        }
        // y_j^T of this lane's column, which below row j is an earlier reflection or still to be reflected
        C along = top[lane] + product / scale;
        C step = lane > j ? -tau * along : 0;
        if (group == j % GROUPS && is_column && lane > j) {
            y[(i64) j * n + lane] += step;
        }
        for (i64 i = first; i < m; i += GROUPS) {
            C own = is_column ? y[i * n + lane] : 0;
            C v = __shfl_sync(0xffffffffu, own, j) / scale;
            if (is_column && lane >= j) {
                y[i * n + lane] = lane == j ? v : op::fused(step, v, own);
            }
        }
        // Column j of t: -tau t y^T y_j above tau.
        if (group == 0) {
            C entry = 0;
            for (int k = 0; k < j; k++) {
                C other = __shfl_sync(0xffffffffu, along, k);
                entry = k >= lane ? op::fused(triangle[lane][k], other, entry) : entry;
            }
            triangle[lane][j] = lane < j ? -tau * entry : lane == j ? tau : 0;
        }
        __syncthreads();
    }
    for (i64 i = group; i < n && is_column; i += GROUPS) {
        C own = y[i * n + lane];
        r[i * n + lane] = lane > i ? own : lane == i ? pivot : 0;
        t[i * n + lane] = triangle[i][lane];
        y[i * n + lane] = lane > i ? 0 : lane == i ? 1 : own;
    }
}

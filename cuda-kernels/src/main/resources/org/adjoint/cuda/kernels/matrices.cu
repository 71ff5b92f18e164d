// Factorizations of matrices of up to 32 columns, and systems of as many equations: what the decompositions of larger
// ones end in, most of whose work is products. Traffic: a is read once and the results are written once; of
// householder's panel, which the cache holds, once each for every column. Errors grow with the columns, not with the
// matrix around them.
#include "elementwise.cuh"
#include "axes.cuh"

typedef Compute<T>::type C;

const int WIDTH = 32;
// Of rows, at most, and how many of its rows a warp has under way.
const int GROUPS = 32;
const int EACH = sizeof(C) == 8 ? 2 : 4;
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
    i64 columns, i64 tiles, i64 a_row_stride, i64 a_column_stride, i64 b_row_stride, i64 b_column_stride, i32 upper,
    i32 unit_diagonal, Axes axes) {
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

// The power of two at or below a magnitude, for one that has a reciprocal; 1 for what is not finite.
__device__ inline f32 binade(f32 size) {
    u32 exponent = bits_of(size) & 0x7f800000u;
    return f32_of(exponent == 0x7f800000u ? 0x3f800000u : exponent > 0x00800000u ? exponent : 0x00800000u);
}
__device__ inline f64 binade(f64 size) {
    u64 exponent = bits_of(size) & 0x7ff0000000000000ull;
    return f64_of(exponent == 0x7ff0000000000000ull ? 0x3ff0000000000000ull
        : exponent > 0x0010000000000000ull ? exponent : 0x0010000000000000ull);
}

// A block per matrix: a lane of each warp per column, rows dealt to the warps in turn, so that a thread sees no element
// of the panel but its own. Columns are divided by powers of two, so that no square overflows or vanishes: reflections
// are the same, and r is multiplied again. For column j, the dot products of its lower part with those of all columns
// are its norm, what reflecting the later columns needs, and what t needs of the earlier ones; the pass that reflects
// takes those of column j + 1. y holds the panel on the way. blockDim: (WIDTH, a power of two). axes: of the batch, a
// for its first elements
KERNEL __launch_bounds__(WIDTH * GROUPS) SYMBOL(householder, T)(const T* __restrict__ a, T* __restrict__ y,
    T* __restrict__ t, T* __restrict__ r, i64 m, i32 n, i64 row_stride, i64 column_stride, Axes axes) {
    __shared__ C partial[2][GROUPS][WIDTH];
    __shared__ C top[2][WIDTH];
    __shared__ C triangle[WIDTH][WIDTH + 1];
    int lane = threadIdx.x;
    int group = threadIdx.y;
    int groups = blockDim.y;
    bool is_column = lane < n;
    a += offsets(axes, blockIdx.x).a;
    y += blockIdx.x * m * n;
    t += (i64) blockIdx.x * n * n;
    r += (i64) blockIdx.x * n * n;

    C largest = 0;
#pragma unroll 4
    for (i64 i = group; i < m; i += groups) {
        C size = is_column ? op::magnitude(a[i * row_stride + lane * column_stride]) : 0;
        largest = size > largest ? size : largest;
    }
    partial[1][group][lane] = largest;
    __syncthreads();
    for (int i = 0; i < groups; i++) {
        largest = partial[1][i][lane] > largest ? partial[1][i][lane] : largest;
    }
    C unit = binade(largest);
    C sum = 0;
#pragma unroll 4
    for (i64 i = group; i < m; i += groups) {
        C own = is_column ? a[i * row_stride + lane * column_stride] * (1 / unit) : 0;
        C other = __shfl_sync(0xffffffffu, own, 0);
        if (is_column) {
            y[i * n + lane] = own;
        }
        if (i == 0) {
            top[0][lane] = own;
        } else {
            sum = op::fused(other, own, sum);
        }
    }
    partial[0][group][lane] = sum;
    __syncthreads();

    C pivot = 0;
    for (int j = 0; j < n; j++) {
        int now = j & 1;
        C product = 0;
        for (int i = 0; i < groups; i++) {
            product += partial[now][i][lane];
        }
        C squares = __shfl_sync(0xffffffffu, product, j);
        C alpha = top[now][j];
        bool done = squares == 0;
        C norm = op::sqrt(op::fused(alpha, alpha, squares));
        C beta = alpha < 0 ? norm : -norm;
        C tau = done ? 0 : (beta - alpha) / beta;
        C scale = done ? 1 : alpha - beta;
        if (lane == j) {
            pivot = done ? alpha : beta;
        }
        // y_j^T of this lane's column, which below row j is an earlier reflection or still to be reflected
        C along = top[now][lane] + product / scale;
        C step = lane > j ? -tau * along : 0;
        if (group == (j & (groups - 1)) && is_column && lane > j) {
            y[(i64) j * n + lane] += step;
        }
        // From this warp's first row below row j on; loads are not held up by stores.
        sum = 0;
        for (i64 base = j + 1 + ((group - (j + 1)) & (groups - 1)); base < m; base += (i64) EACH * groups) {
            C panel[EACH];
#pragma unroll
            for (int k = 0; k < EACH; k++) {
                i64 i = base + k * groups;
                panel[k] = is_column && i < m ? y[i * n + lane] : 0;
            }
#pragma unroll
            for (int k = 0; k < EACH; k++) {
                i64 i = base + k * groups;
                C own = panel[k];
                C v = __shfl_sync(0xffffffffu, own, j) / scale;
                own = lane > j ? op::fused(step, v, own) : lane == j ? v : own;
                C other = __shfl_sync(0xffffffffu, own, (j + 1) & (WIDTH - 1));
                if (i < m && is_column && lane >= j) {
                    y[i * n + lane] = own;
                }
                if (i == j + 1) {
                    top[now ^ 1][lane] = own;
                } else if (i < m) {
                    sum = op::fused(other, own, sum);
                }
            }
        }
        partial[now ^ 1][group][lane] = sum;
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
    for (i64 i = group; i < n && is_column; i += groups) {
        C own = y[i * n + lane];
        r[i * n + lane] = lane > i ? own * unit : lane == i ? pivot * unit : 0;
        t[i * n + lane] = triangle[i][lane];
        y[i * n + lane] = lane > i ? 0 : lane == i ? 1 : own;
    }
}

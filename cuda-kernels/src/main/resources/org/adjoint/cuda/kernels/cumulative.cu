// Running results along an axis. FUNCTION is Sum, Prod, ArgMax, ArgMin (the index of the last largest or smallest element
// so far, or of the last NaN) or Linear: h[i] = a[i] h[i - 1] + b[i], as the composition of the steps x -> a x + b.
// Traffic: every element is read and written once; of lines that are cut into parts it is read twice, for the parts' totals
// are folded first. All folds are in a fixed order: of 32 elements as a tree, of these in turn, of parts likewise.
#include "common.cuh"
#include "axes.cuh"

typedef Compute<T>::type C;

// Elements of a line for one warp, and for one thread.
const i64 ROW_PART = 4096;
const i64 COLUMN_PART = 256;

// Integers wrap.
__device__ inline i32 plus(i32 a, i32 b) { return (i32) ((u32) a + (u32) b); }
__device__ inline i64 plus(i64 a, i64 b) { return (i64) ((u64) a + (u64) b); }
template <typename X> __device__ inline X plus(X a, X b) { return a + b; }
__device__ inline i32 times(i32 a, i32 b) { return (i32) ((u32) a * (u32) b); }
__device__ inline i64 times(i64 a, i64 b) { return (i64) ((u64) a * (u64) b); }
template <typename X> __device__ inline X times(X a, X b) { return a * b; }

// What some consecutive elements come to. x and b: the inputs, read at i * stride; b is a linear recurrence's alone.
struct SumState {
    typedef T Result;
    C value;
    __device__ static inline SumState load(const T* x, const T*, i64 at, i64, i64) { return {widen(x[at])}; }
    __device__ inline SumState then(SumState later) const { return {plus(value, later.value)}; }
    __device__ inline SumState shuffle_up(int lanes) const { return {(C) __shfl_up_sync(0xffffffffu, value, lanes)}; }
    __device__ inline SumState shuffle(int lane) const { return {(C) __shfl_sync(0xffffffffu, value, lane)}; }
    __device__ inline Result result() const { return narrow<T>(value); }
};

struct ProdState {
    typedef T Result;
    C value;
    __device__ static inline ProdState load(const T* x, const T*, i64 at, i64, i64) { return {widen(x[at])}; }
    __device__ inline ProdState then(ProdState later) const { return {times(value, later.value)}; }
    __device__ inline ProdState shuffle_up(int lanes) const { return {(C) __shfl_up_sync(0xffffffffu, value, lanes)}; }
    __device__ inline ProdState shuffle(int lane) const { return {(C) __shfl_sync(0xffffffffu, value, lane)}; }
    __device__ inline Result result() const { return narrow<T>(value); }
};

template <bool LARGEST> struct ArgState {
    typedef i64 Result;
    C value;
    i64 index;
    __device__ static inline ArgState load(const T* x, const T*, i64 at, i64, i64 i) { return {widen(x[at]), i}; }
    __device__ inline ArgState then(ArgState later) const {
        bool not_worse = LARGEST ? later.value >= value : later.value <= value;
        return not_worse || later.value != later.value ? later : *this;
    }
    __device__ inline ArgState shuffle_up(int lanes) const {
        return {(C) __shfl_up_sync(0xffffffffu, value, lanes), __shfl_up_sync(0xffffffffu, index, lanes)};
    }
    __device__ inline ArgState shuffle(int lane) const {
        return {(C) __shfl_sync(0xffffffffu, value, lane), __shfl_sync(0xffffffffu, index, lane)};
    }
    __device__ inline Result result() const { return index; }
};

struct LinearState {
    typedef T Result;
    C a, b;
    // The first a has nothing to act on, and may be infinite.
    __device__ static inline LinearState load(const T* x, const T* y, i64 at, i64 at_y, i64 i) {
        return {i == 0 ? C(0) : widen(x[at]), widen(y[at_y])};
    }
    __device__ inline LinearState then(LinearState later) const { 
        return {(C) (later.a * a), (C) (later.a * b + later.b)};
    }
    __device__ inline LinearState shuffle_up(int lanes) const {
        return {(C) __shfl_up_sync(0xffffffffu, a, lanes), (C) __shfl_up_sync(0xffffffffu, b, lanes)};
    }
    __device__ inline LinearState shuffle(int lane) const {
        return {(C) __shfl_sync(0xffffffffu, a, lane), (C) __shfl_sync(0xffffffffu, b, lane)};
    }
    __device__ inline Result result() const { return narrow<T>(b); }
};

typedef ArgState<true> ArgMaxState;
typedef ArgState<false> ArgMinState;
#define STATE_(function) function##State
#define STATE(function) STATE_(function)
typedef STATE(FUNCTION) State;
typedef State::Result Result;

// States in memory, field by field: what lies between the fields of some is nobody's.
template <typename S> __device__ inline S read(const S* from) { return *from; }
template <typename S> __device__ inline void write(S* to, const S& state) { *to = state; }
template <bool LARGEST> __device__ inline ArgState<LARGEST> read(const ArgState<LARGEST>* from) {
    return {from->value, from->index};
}
template <bool LARGEST> __device__ inline void write(ArgState<LARGEST>* to, const ArgState<LARGEST>& state) {
    to->value = state.value;
    to->index = state.index;
}

// A line and where its elements lie: x and b read at i * stride, y written at i * inner.
struct Line {
    const T* x;
    const T* b;
    Result* y;
    i64 stride, stride_b, inner;
    __device__ inline State load(i64 i) const { return State::load(x, b, i * stride, i * stride_b, i); }
};

__device__ inline Line line_of(const T* x, const T* b, Result* y, i64 extent, i64 stride, i64 stride_b, i64 inner,
    const Axes& axes, i64 number) {
    Offsets at = offsets(axes, number);
    i64 outer = number / inner;
    return {x + at.a, b + at.b, y + outer * extent * inner + (number - outer * inner), stride, stride_b, inner};
}

// The state after elements first to end, of which this warp takes 32 at a time; with them after those of before, where
// there is one.
template <bool STORE> __device__ inline State scan_row(Line line, i64 first, i64 end, const State* before) {
    i64 lane = threadIdx.x & 31;
    State carry = line.load(first);
    bool has_carry = before != nullptr;
    if (has_carry) {
        carry = read(before);
    }
    for (i64 base = first; base < end; base += 32) {
        i64 i = base + lane;
        State state = line.load(i < end ? i : base);
#pragma unroll
        for (int lanes = 1; lanes < 32; lanes <<= 1) {
            State earlier = state.shuffle_up(lanes);
            state = lane >= lanes ? earlier.then(state) : state;
        }
        state = has_carry ? carry.then(state) : state;
        if (STORE && i < end) {
            line.y[i * line.inner] = state.result();
        }
        carry = state.shuffle((int) (end - base < 32 ? end - base - 1 : 31));
        has_carry = true;
    }
    return carry;
}

template <bool STORE> __device__ inline State scan_column(Line line, i64 first, i64 end, const State* before) {
    State state = line.load(first);
    state = before != nullptr ? read(before).then(state) : state;
    if (STORE) {
        line.y[first * line.inner] = state.result();
    }
#pragma unroll 4
    for (i64 i = first + 1; i < end; i++) {
        state = state.then(line.load(i));
        if (STORE) {
            line.y[i * line.inner] = state.result();
        }
    }
    return state;
}

#define PARAMETERS                                                                                                     \
    const T *__restrict__ x, const T *__restrict__ b, Result *__restrict__ y, State *__restrict__ totals, i64 lines,   \
        i64 extent, i64 stride, i64 stride_b, i64 inner, i64 parts, Axes axes

// A warp per part of a line: for lines whose elements lie close together. totals: (lines, parts)
KERNEL SYMBOL(cumulative_total_rows, T)(PARAMETERS) {
    i64 warp = ((i64) blockIdx.x * blockDim.x + threadIdx.x) >> 5;
    if (warp >= lines * parts) {
        return;
    }
    i64 first = warp % parts * ROW_PART;
    i64 end = first + ROW_PART < extent ? first + ROW_PART : extent;
    Line line = line_of(x, b, y, extent, stride, stride_b, inner, axes, warp / parts);
    State total = scan_row<false>(line, first, end, nullptr);
    if ((threadIdx.x & 31) == 0) {
        write(totals + warp, total);
    }
}

// A thread per part of a line: for lines that lie side by side. totals: (lines, parts)
KERNEL SYMBOL(cumulative_total_columns, T)(PARAMETERS) {
    i64 thread = (i64) blockIdx.x * blockDim.x + threadIdx.x;
    if (thread >= lines * parts) {
        return;
    }
    i64 part = thread / lines;
    i64 number = thread - part * lines;
    i64 first = part * COLUMN_PART;
    i64 end = first + COLUMN_PART < extent ? first + COLUMN_PART : extent;
    Line line = line_of(x, b, y, extent, stride, stride_b, inner, axes, number);
    write(totals + number * parts + part, scan_column<false>(line, first, end, nullptr));
}

// A warp per line: each part's total becomes that of all up to it.
KERNEL SYMBOL(cumulative_join, T)(State* totals, i64 lines, i64 parts) {
    i64 number = ((i64) blockIdx.x * blockDim.x + threadIdx.x) >> 5;
    i64 lane = threadIdx.x & 31;
    if (number >= lines) {
        return;
    }
    State* line = totals + number * parts;
    State carry = read(line);
    for (i64 base = 0; base < parts; base += 32) {
        i64 i = base + lane;
        State state = read(line + (i < parts ? i : base));
        __syncwarp();
#pragma unroll
        for (int lanes = 1; lanes < 32; lanes <<= 1) {
            State earlier = state.shuffle_up(lanes);
            state = lane >= lanes ? earlier.then(state) : state;
        }
        state = base > 0 ? carry.then(state) : state;
        if (i < parts) {
            write(line + i, state);
        }
        carry = state.shuffle(31);
    }
}

// As cumulative_total_rows, with results; joined totals are read where there is more than one part.
KERNEL SYMBOL(cumulative_rows, T)(PARAMETERS) {
    i64 warp = ((i64) blockIdx.x * blockDim.x + threadIdx.x) >> 5;
    if (warp >= lines * parts) {
        return;
    }
    i64 part = warp % parts;
    i64 first = part * ROW_PART;
    i64 end = first + ROW_PART < extent ? first + ROW_PART : extent;
    Line line = line_of(x, b, y, extent, stride, stride_b, inner, axes, warp / parts);
    scan_row<true>(line, first, end, part > 0 ? totals + warp - 1 : nullptr);
}

// As cumulative_total_columns, with results; joined totals are read where there is more than one part.
KERNEL SYMBOL(cumulative_columns, T)(PARAMETERS) {
    i64 thread = (i64) blockIdx.x * blockDim.x + threadIdx.x;
    if (thread >= lines * parts) {
        return;
    }
    i64 part = thread / lines;
    i64 number = thread - part * lines;
    i64 first = part * COLUMN_PART;
    i64 end = first + COLUMN_PART < extent ? first + COLUMN_PART : extent;
    Line line = line_of(x, b, y, extent, stride, stride_b, inner, axes, number);
    scan_column<true>(line, first, end, part > 0 ? totals + number * parts + part - 1 : nullptr);
}

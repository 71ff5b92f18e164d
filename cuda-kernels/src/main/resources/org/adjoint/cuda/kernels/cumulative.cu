// Running results along an axis. FUNCTION is Sum, Prod, ArgMax, ArgMin (the index of the last largest or smallest
// element so far, or of the last NaN) or Linear: h[i] = a[i] h[i - 1] + b[i], as the composition of the steps x -> a x
// + b. VECTOR: elements of a row that a thread loads at once, 16 bytes of them where rows allow. Traffic, which bounds
// it: every element is read and written once; of lines that are cut into parts, which are few, it is read twice, for
// the parts' totals are folded first. All folds are in a fixed order: the elements of a thread in turn, then threads of
// a warp as a tree (side by side: of a column in turn), chunks of a warp in turn, then warps, tiles and parts.
#include "common.cuh"
#include "axes.cuh"

typedef Compute<T>::type C;

const int WARP = 32;
// Of lines side by side: threads that share a line.
const int MOST_DEPTH = 16;
const int MOST_WARPS = 8;
// Vectors that a thread has on their way at once.
const int CHUNKS = VECTOR >= 16 ? 1 : VECTOR == 8 ? 2 : 4;

// Integers wrap.
__device__ inline i32 plus(i32 a, i32 b) { return (i32) ((u32) a + (u32) b); }
__device__ inline i64 plus(i64 a, i64 b) { return (i64) ((u64) a + (u64) b); }
template <typename X> __device__ inline X plus(X a, X b) { return a + b; }
__device__ inline i32 times(i32 a, i32 b) { return (i32) ((u32) a * (u32) b); }
__device__ inline i64 times(i64 a, i64 b) { return (i64) ((u64) a * (u64) b); }
template <typename X> __device__ inline X times(X a, X b) { return a * b; }

// What some consecutive elements come to. x and b: the inputs; b is a linear recurrence's alone.
struct SumState {
    typedef T Result;
    static const bool BINARY = false;
    C value;
    __device__ static inline SumState of(T x, T, i64) { return {widen(x)}; }
    __device__ inline SumState then(SumState later) const { return {plus(value, later.value)}; }
    __device__ inline SumState shuffle_up(int lanes) const { return {(C) __shfl_up_sync(0xffffffffu, value, lanes)}; }
    __device__ inline SumState shuffle(int lane) const { return {(C) __shfl_sync(0xffffffffu, value, lane)}; }
    __device__ inline Result result() const { return narrow<T>(value); }
};

struct ProdState {
    typedef T Result;
    static const bool BINARY = false;
    C value;
    __device__ static inline ProdState of(T x, T, i64) { return {widen(x)}; }
    __device__ inline ProdState then(ProdState later) const { return {times(value, later.value)}; }
    __device__ inline ProdState shuffle_up(int lanes) const { return {(C) __shfl_up_sync(0xffffffffu, value, lanes)}; }
    __device__ inline ProdState shuffle(int lane) const { return {(C) __shfl_sync(0xffffffffu, value, lane)}; }
    __device__ inline Result result() const { return narrow<T>(value); }
};

template <bool LARGEST> struct ArgState {
    typedef i64 Result;
    static const bool BINARY = false;
    C value;
    i64 index;
    __device__ static inline ArgState of(T x, T, i64 i) { return {widen(x), i}; }
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
    static const bool BINARY = true;
    C a, b;
    // The first a has nothing to act on, and may be infinite.
    __device__ static inline LinearState of(T x, T b, i64 i) { return {i == 0 ? C(0) : widen(x), widen(b)}; }
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

// Elements of a tile for one thread, of lines side by side: as many as registers hold.
const int COLUMN_STEP = sizeof(State) > 4 ? 4 : 16;

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

template <typename X> struct __align__(sizeof(X) * VECTOR < 16 ? sizeof(X) * VECTOR : 16) Pack { X values[VECTOR]; };

// A line and where its elements lie: x and b read at i * stride, y written at i * inner; side by side, where a thread
// takes several.
struct Line {
    const T* x;
    const T* b;
    Result* y;
    i64 stride, stride_b, inner;
    static const int WIDTH = VECTOR;

    __device__ inline State load(i64 i) const {
        T x_i = x[i * stride];
        return State::of(x_i, State::BINARY ? b[i * stride_b] : x_i, i);
    }

    __device__ inline void load(i64 i, State (&states)[VECTOR]) const {
        if (VECTOR == 1) {
            states[0] = load(i);
            return;
        }
        Pack<T> xs = *(const Pack<T>*) (x + i);
        Pack<T> bs = xs;
        if (State::BINARY) {
            bs = *(const Pack<T>*) (b + i);
        }
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            states[k] = State::of(xs.values[k], bs.values[k], i + k);
        }
    }

    __device__ inline void store(i64 i, const State (&states)[VECTOR]) const {
        Pack<Result> results;
#pragma unroll
        for (int k = 0; k < VECTOR; k++) {
            results.values[k] = states[k].result();
        }
        if (VECTOR == 1) {
            y[i * inner] = results.values[0];
        } else {
            *(Pack<Result>*) (y + i) = results;
        }
    }
};

// The totals of a line's parts.
struct Totals {
    State* at;
    static const int WIDTH = 1;
    __device__ inline void load(i64 i, State (&states)[1]) const { states[0] = read(at + i); }
    __device__ inline void store(i64 i, const State (&states)[1]) const { write(at + i, states[0]); }
};

__device__ inline Line line_of(const T* x, const T* b, Result* y, i64 extent, i64 stride, i64 stride_b, i64 inner,
    const Axes& axes, i64 number) {
    Offsets at = offsets(axes, number);
    i64 outer = number / inner;
    return {x + at.a, b + at.b, y + outer * extent * inner + (number - outer * inner), stride, stride_b, inner};
}

// What comes before a state, if anything does.
struct Before {
    bool exists;
    State state;
    __device__ inline State then(State later) const { return exists ? state.then(later) : later; }
    __device__ inline void add(State later) {
        state = then(later);
        exists = true;
    }
};

// The state after elements first to end of a line, for a team, a warp or a block; with them after those of before,
// where there is one. A tile is CHUNKS vectors of each thread, those of a warp side by side. Without a meaning where the last
// tile is not full: nothing comes after it.
template <bool STORE, typename Elements> __device__ inline State scan_row(const Elements& elements, i64 first, i64 end,
    const State* before) {
    const int WIDTH = Elements::WIDTH;
    const int CHUNK = WARP * WIDTH;
    // Tiles take turns, so that a barrier per tile is enough.
    __shared__ State totals[2][MOST_WARPS];
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    int warps = blockDim.x / WARP;
    int turn = 0;
    Before carry = {before != nullptr, State {}};
    if (before != nullptr) {
        carry.state = read(before);
    }
    for (i64 tile = first; tile < end; tile += warps * CHUNKS * CHUNK) {
        i64 mine = tile + warp * (CHUNKS * CHUNK) + lane * WIDTH;
        State states[CHUNKS][WIDTH];
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            if (mine + c * CHUNK < end) {
                elements.load(mine + c * CHUNK, states[c]);
            } else {
#pragma unroll
                for (int k = 0; k < WIDTH; k++) {
                    states[c][k] = State {};
                }
            }
        }
        // What comes before the thread's states within its warp's chunk, and whole chunks.
        State within[CHUNKS];
        State chunk[CHUNKS];
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
#pragma unroll
            for (int k = 1; k < WIDTH; k++) {
                states[c][k] = states[c][k - 1].then(states[c][k]);
            }
            State sum = states[c][WIDTH - 1];
#pragma unroll
            for (int lanes = 1; lanes < WARP; lanes <<= 1) {
                State earlier = sum.shuffle_up(lanes);
                sum = lane >= lanes ? earlier.then(sum) : sum;
            }
            within[c] = sum.shuffle_up(1);
            chunk[c] = sum.shuffle(WARP - 1);
        }
        Before start = carry;
        if (warps > 1) {
            State total = chunk[0];
#pragma unroll
            for (int c = 1; c < CHUNKS; c++) {
                total = total.then(chunk[c]);
            }
            if (lane == 0) {
                write(&totals[turn][warp], total);
            }
            __syncthreads();
            for (int w = 0; w < warps; w++) {
                if (w == warp) {
                    start = carry;
                }
                carry.add(read(&totals[turn][w]));
            }
            turn ^= 1;
        }
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            if (STORE) {
                Before mine_before = start;
                if (lane > 0) {
                    mine_before.add(within[c]);
                }
#pragma unroll
                for (int k = 0; k < WIDTH; k++) {
                    states[c][k] = mine_before.then(states[c][k]);
                }
                i64 i = mine + c * CHUNK;
                if (i < end) {
                    elements.store(i, states[c]);
                }
            }
            start.add(chunk[c]);
        }
        if (warps == 1) {
            carry = start;
        }
    }
    return carry.state;
}

// Elements of a line from first on, all COLUMN_STEP or the first few.
template <bool ALL> __device__ inline void load_column(const Line& line, i64 first, i32 count,
    State (&states)[COLUMN_STEP]) {
    const T* x = line.x + first * line.stride;
    const T* b = line.b + first * line.stride_b;
#pragma unroll
    for (int k = 0; k < COLUMN_STEP; k++) {
        states[k] = State {};
        if (ALL || k < count) {
            T element = *x;
            states[k] = State::of(element, State::BINARY ? *b : element, first + k);
        }
        x += line.stride;
        b += line.stride_b;
    }
}

template <bool ALL> __device__ inline void store_column(const Line& line, i64 first, i32 count,
    const State (&states)[COLUMN_STEP]) {
    Result* y = line.y + first * line.inner;
#pragma unroll
    for (int k = 0; k < COLUMN_STEP; k++) {
        if (ALL || k < count) {
            *y = states[k].result();
        }
        y += line.inner;
    }
}

// The same for a block's 32 lines side by side: threads one below the other take COLUMN_STEP elements each of a tile.
// exists: whether the thread has a line; all of the block come along.
template <bool STORE> __device__ inline State scan_column(bool exists, Line line, i64 first, i64 end,
    const State* before) {
    __shared__ State totals[2][MOST_DEPTH][WARP];
    int depth = blockDim.y;
    int turn = 0;
    Before carry = {exists && before != nullptr, State {}};
    if (carry.exists) {
        carry.state = read(before);
    }
    for (i64 tile = first; tile < end; tile += depth * COLUMN_STEP) {
        i64 mine = tile + threadIdx.y * COLUMN_STEP;
        i32 count = !exists || mine >= end ? 0 : end - mine < COLUMN_STEP ? (i32) (end - mine) : COLUMN_STEP;
        State states[COLUMN_STEP];
        if (count == COLUMN_STEP) {
            load_column<true>(line, mine, count, states);
        } else {
            load_column<false>(line, mine, count, states);
        }
#pragma unroll
        for (int k = 1; k < COLUMN_STEP; k++) {
            states[k] = states[k - 1].then(states[k]);
        }
        write(&totals[turn][threadIdx.y][threadIdx.x], states[COLUMN_STEP - 1]);
        __syncthreads();
        Before start = carry;
#pragma unroll 4
        for (int above = 0; above < depth; above++) {
            if (above == threadIdx.y) {
                start = carry;
            }
            carry.add(read(&totals[turn][above][threadIdx.x]));
        }
        turn ^= 1;
        if (start.exists) {
#pragma unroll
            for (int k = 0; k < COLUMN_STEP; k++) {
                states[k] = start.state.then(states[k]);
            }
        }
        if (STORE && count == COLUMN_STEP) {
            store_column<true>(line, mine, count, states);
        } else if (STORE) {
            store_column<false>(line, mine, count, states);
        }
    }
    return carry.state;
}

#define PARAMETERS                                                                                                     \
    const T *__restrict__ x, const T *__restrict__ b, Result *__restrict__ y, State *__restrict__ totals, i64 lines,   \
        i64 extent, i64 stride, i64 stride_b, i64 inner, i64 line_part, i64 parts, Axes axes
#define ARGUMENTS x, b, y, totals, lines, extent, stride, stride_b, inner, line_part, parts, axes

// A team per part of a line: for lines whose elements lie close together. totals: (lines, parts)
template <bool STORE> __device__ inline void scan_part(PARAMETERS) {
    i64 task = (i64) blockIdx.x * blockDim.y + threadIdx.y;
    if (task >= lines * parts) {
        return;
    }
    i64 number = parts == 1 ? task : task / parts;
    i64 part = task - number * parts;
    i64 first = part * line_part;
    i64 end = first + line_part < extent ? first + line_part : extent;
    Line line = line_of(x, b, y, extent, stride, stride_b, inner, axes, number);
    State total = scan_row<STORE>(line, first, end, STORE && part > 0 ? totals + task - 1 : nullptr);
    if (!STORE && threadIdx.x == 0) {
        write(totals + task, total);
    }
}

KERNEL SYMBOL(cumulative_total_rows, T)(PARAMETERS) { scan_part<false>(ARGUMENTS); }

// With results; joined totals are read where there is more than one part.
KERNEL SYMBOL(cumulative_rows, T)(PARAMETERS) { scan_part<true>(ARGUMENTS); }

// A block per part of 32 lines that lie side by side. totals: (lines, parts)
template <bool STORE> __device__ inline void scan_columns(PARAMETERS) {
    i64 number = (i64) blockIdx.x * WARP + threadIdx.x;
    i64 part = blockIdx.y;
    bool exists = number < lines;
    i64 first = part * line_part;
    i64 end = first + line_part < extent ? first + line_part : extent;
    Line line = line_of(x, b, y, extent, stride, stride_b, inner, axes, exists ? number : 0);
    State* total = totals + number * parts + part;
    State state = scan_column<STORE>(exists, line, first, end, STORE && part > 0 ? total - 1 : nullptr);
    if (!STORE && exists && threadIdx.y == 0) {
        write(total, state);
    }
}

KERNEL __launch_bounds__(WARP * MOST_DEPTH) SYMBOL(cumulative_total_columns, T)(PARAMETERS) {
    scan_columns<false>(ARGUMENTS);
}

// With results; joined totals are read where there is more than one part.
KERNEL __launch_bounds__(WARP * MOST_DEPTH) SYMBOL(cumulative_columns, T)(PARAMETERS) {
    scan_columns<true>(ARGUMENTS);
}

// A team per line: each part's total becomes that of all up to it.
KERNEL SYMBOL(cumulative_join, T)(State* totals, i64 lines, i64 parts) {
    i64 number = (i64) blockIdx.x * blockDim.y + threadIdx.y;
    if (number < lines) {
        scan_row<true>(Totals {totals + number * parts}, 0, parts, nullptr);
    }
}

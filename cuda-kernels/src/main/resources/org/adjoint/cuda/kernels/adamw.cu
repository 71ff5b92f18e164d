// A step of AdamW over many tensors: for parameter p, moments m and v, gradient g, rate r, weight decay w,
// m' = beta1 m + (1 - beta1) g, v' = beta2 v + (1 - beta2) g^2,
// p' = p (1 - r w) - r (m' c1) / (sqrt(v' c2) + epsilon).
// With MASTERED 1, p is computed from a copy in the arithmetic's dtype, which keeps what is rounded off, where that
// rounds to p. Each of p, m, v and the copy is read and written once, g is read once. Each operation is rounded as the
// decomposition's is. T: the parameters' dtype, G: the gradients', M: that of the moments and the arithmetic, S: that
// of the scalars r, c1, c2. Bound by memory: 44 instructions an element of f32, 53 of bf16 with a copy, of about 210 and
// 225 that are issued while its 28 or 30 bytes are moved (on sm_90, counted in the machine code).
#include "common.cuh"

constexpr int BLOCK = 256;
// Elements that a thread handles at once: 16 bytes of a moment.
constexpr int VECTOR = 16 / sizeof(M);
// Elements that a block handles; the launch counts on it.
constexpr int CHUNK = 4096;
// Tensors of a launch, whose parameters take at most 4 KiB.
constexpr int TENSORS = 44;

struct Tensors {
    const T* parameter[TENSORS];
    const M* first[TENSORS];
    const M* second[TENSORS];
    const G* gradient[TENSORS];
    const M* master[TENSORS];
    // These may be the above.
    T* new_parameter[TENSORS];
    M* new_first[TENSORS];
    M* new_second[TENSORS];
    M* new_master[TENSORS];
    i64 count[TENSORS];
    // The first block of each tensor; those that are not there have one past the last.
    i32 block[TENSORS];
};

struct Settings {
    M beta1;
    M beta1_rest;  // 1 - beta1
    M beta2;
    M beta2_rest;  // 1 - beta2
    M epsilon;
    M weight_decay;
};

template <typename X> struct alignas(sizeof(X) * VECTOR < 16 ? sizeof(X) * VECTOR : 16) Vector {
    X at[VECTOR];
};

__device__ inline f32 square_root(f32 x) { return __fsqrt_rn(x); }
__device__ inline f64 square_root(f64 x) { return __dsqrt_rn(x); }

struct Element {
    M parameter;  // or its copy
    M first;
    M second;
};

__device__ inline Element update(Element old, M gradient, const Settings& settings, M rate, M kept, M correction1,
    M correction2) {
    M first = old.first * settings.beta1 + gradient * settings.beta1_rest;
    M second = old.second * settings.beta2 + gradient * gradient * settings.beta2_rest;
    M denominator = square_root(second * correction2) + settings.epsilon;
    M step = first * correction1 / denominator;
    return {old.parameter * kept - rate * step, first, second};
}

__device__ inline M precise(T parameter, M master) {
    return widen(narrow<T>(master)) == widen(parameter) ? master : (M) widen(parameter);
}

template <typename X> __device__ inline bool is_aligned(const X* address) {
    return (u64) address % alignof(Vector<X>) == 0;
}

KERNEL __launch_bounds__(BLOCK) SYMBOL(adamw_update, T)(const __grid_constant__ Tensors tensors, i32 count,
    const __grid_constant__ Settings settings, const S* rate_scalar, const S* correction1_scalar,
    const S* correction2_scalar) {
    // The last tensor that begins at or before this block.
    int low = 0;
    int high = count;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (tensors.block[middle] <= (i32) blockIdx.x) {
            low = middle;
        } else {
            high = middle;
        }
    }
    int t = low;
    const T* parameter = tensors.parameter[t];
    const M* first = tensors.first[t];
    const M* second = tensors.second[t];
    const G* gradient = tensors.gradient[t];
    const M* master = tensors.master[t];
    T* new_parameter = tensors.new_parameter[t];
    M* new_first = tensors.new_first[t];
    M* new_second = tensors.new_second[t];
    M* new_master = tensors.new_master[t];
    M rate = (M) widen(*rate_scalar);
    M correction1 = (M) widen(*correction1_scalar);
    M correction2 = (M) widen(*correction2_scalar);
    M kept = settings.weight_decay == 0 ? (M) 1 : 1 - rate * settings.weight_decay;
    i64 begin = (i64) ((i32) blockIdx.x - tensors.block[t]) * CHUNK;
    i64 end = begin + CHUNK < tensors.count[t] ? begin + CHUNK : tensors.count[t];
    i64 at = begin + threadIdx.x * VECTOR;
    bool aligned = is_aligned(parameter) && is_aligned(first) && is_aligned(second) && is_aligned(gradient)
        && is_aligned(new_parameter) && is_aligned(new_first) && is_aligned(new_second) && is_aligned(master)
        && is_aligned(new_master);
    if (aligned) {
#pragma unroll 2
        for (; at + VECTOR <= end; at += BLOCK * VECTOR) {
            Vector<T> p = *(const Vector<T>*) (parameter + at);
            Vector<M> m = *(const Vector<M>*) (first + at);
            Vector<M> v = *(const Vector<M>*) (second + at);
            Vector<G> g = *(const Vector<G>*) (gradient + at);
            Vector<M> w;
            if constexpr (MASTERED) {
                w = *(const Vector<M>*) (master + at);
            }
#pragma unroll
            for (int i = 0; i < VECTOR; i++) {
                M old = MASTERED ? precise(p.at[i], w.at[i]) : (M) widen(p.at[i]);
                Element element = update({old, m.at[i], v.at[i]}, (M) widen(g.at[i]), settings, rate, kept,
                    correction1, correction2);
                p.at[i] = narrow<T>(element.parameter);
                w.at[i] = element.parameter;
                m.at[i] = element.first;
                v.at[i] = element.second;
            }
            *(Vector<T>*) (new_parameter + at) = p;
            *(Vector<M>*) (new_first + at) = m;
            *(Vector<M>*) (new_second + at) = v;
            if constexpr (MASTERED) {
                *(Vector<M>*) (new_master + at) = w;
            }
        }
    }
    // What is left of the tensor's last chunk, or all of one that is not aligned.
    for (; at < end; at += BLOCK * VECTOR) {
        for (i64 i = at; i < at + VECTOR && i < end; i++) {
            M old = MASTERED ? precise(parameter[i], master[i]) : (M) widen(parameter[i]);
            Element element = update({old, first[i], second[i]}, (M) widen(gradient[i]), settings, rate, kept,
                correction1, correction2);
            new_parameter[i] = narrow<T>(element.parameter);
            if constexpr (MASTERED) {
                new_master[i] = element.parameter;
            }
            new_first[i] = element.first;
            new_second[i] = element.second;
        }
    }
}

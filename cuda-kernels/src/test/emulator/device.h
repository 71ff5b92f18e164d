// CUDA C for g++: included before each kernel source that the emulator compiles. It includes no other header, for
// thousands of small programs are compiled with it. Memory accesses of kernels reach the device through the hooks that
// -fsanitize=thread inserts; here is the rest of the language: indices, barriers, shuffles, atomics, intrinsics.
#pragma once

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __constant__ static
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
#define __restrict__ __restrict

typedef __SIZE_TYPE__ size_t;

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x, y, z; };

extern "C" {
// The thread's own indices never change while it runs, hence "const": one call per function, outside its loops.
__attribute__((const)) uint3 emulator_thread_index();
__attribute__((const)) uint3 emulator_block_index();
__attribute__((const)) dim3 emulator_block_extent();
__attribute__((const)) dim3 emulator_grid_extent();
void* emulator_shared(void* variable, size_t bytes, size_t alignment, const char* name);
void* emulator_dynamic();
void emulator_barrier(int kind, int predicate, int* result, int line);
unsigned long long emulator_warp(int kind, unsigned mask, unsigned long long value, int argument, int width, int line);
unsigned long long emulator_atomic(int kind, void* address, int bytes, unsigned long long value,
    unsigned long long other);
void emulator_trap(int line);
}

#define threadIdx (emulator_thread_index())
#define blockIdx (emulator_block_index())
#define blockDim (emulator_block_extent())
#define gridDim (emulator_grid_extent())
static const int warpSize = 32;

// What the compiler's stand-in writes in place of __shared__ declarations, and adds to sources.

struct EmulatorShared { unsigned long long block; unsigned offset; };
template <typename T> struct EmulatorType;
template <typename T> struct EmulatorType<void(T)> { typedef T type; };
#define EMULATOR_SHARED_ALIGNED(alignment, T, name, extents) \
    typedef typename EmulatorType<void T>::type name##_element extents; \
    static EmulatorShared name##_place; \
    name##_element& name = *(name##_element*) emulator_shared(&name##_place, sizeof(name##_element), alignment, #name)
#define EMULATOR_SHARED(T, name, extents) \
    EMULATOR_SHARED_ALIGNED(alignof(typename EmulatorType<void T>::type), T, name, extents)
#define EMULATOR_DYNAMIC(T, name) \
    typename EmulatorType<void T>::type* name = (typename EmulatorType<void T>::type*) emulator_dynamic()

// What the emulator looks up in a compiled program; all else of it may be left out where nothing needs it.
#define EMULATOR_VISIBLE __attribute__((visibility("default"), externally_visible))

struct EmulatorKernel {
    const char* name;
    void (*call)(void** parameters);
    int parameters;
    const unsigned* sizes;
    const unsigned* alignments;
    unsigned most_threads;
};

template <size_t... I> struct EmulatorIndices { };
template <size_t N, size_t... I> struct EmulatorRange : EmulatorRange<N - 1, N - 1, I...> { };
template <size_t... I> struct EmulatorRange<0, I...> { typedef EmulatorIndices<I...> type; };
template <typename T> struct EmulatorValue { typedef T type; };
template <typename T> struct EmulatorValue<const T> { typedef T type; };

template <auto F> struct EmulatorCall;
template <typename... A, void (*F)(A...)> struct EmulatorCall<F> {
    static constexpr int parameters = sizeof...(A);
    static constexpr unsigned sizes[] = {sizeof(A)..., 0};
    static constexpr unsigned alignments[] = {alignof(A)..., 0};

    template <size_t... I>
    __attribute__((no_sanitize("thread"))) static void spread(void** parameters, EmulatorIndices<I...>) {
        F(*(typename EmulatorValue<A>::type*) parameters[I]...);
    }

    __attribute__((no_sanitize("thread"))) static void call(void** parameters) {
        spread(parameters, typename EmulatorRange<sizeof...(A)>::type());
    }
};

#define EMULATOR_KERNEL_BOUNDED(kernel, most) \
    extern "C" EMULATOR_VISIBLE const EmulatorKernel emulator_kernel_##kernel; \
    const EmulatorKernel emulator_kernel_##kernel = {#kernel, EmulatorCall<&kernel>::call, \
        EmulatorCall<&kernel>::parameters, EmulatorCall<&kernel>::sizes, EmulatorCall<&kernel>::alignments, most};
#define EMULATOR_KERNEL(kernel) EMULATOR_KERNEL_BOUNDED(kernel, 1024)

// Functions that were entered: a record {name, entered} per function, and per inlined copy, in a section of its own.
// The sanitizer sees no access in an asm store.
#if defined(__x86_64__)
#define EMULATOR_ENTER(file, function) \
    asm volatile( \
        ".pushsection emulator_names,\"aMS\",@progbits,1\n771: .asciz \"" file ":" function "\"\n.popsection\n" \
        ".pushsection emulator_entries,\"aw\",@progbits\n.balign 8\n772: .quad 771b, 0\n.popsection\n" \
        "movb $1, 772b+8(%rip)")
#else
#define EMULATOR_ENTER(file, function)
#endif
struct EmulatorEntry { const char* name; unsigned long long entered; };
struct EmulatorModule { const EmulatorEntry* first; const EmulatorEntry* last; };
#define EMULATOR_MODULE \
    extern "C" __attribute__((weak, visibility("hidden"))) const EmulatorEntry __start_emulator_entries[]; \
    extern "C" __attribute__((weak, visibility("hidden"))) const EmulatorEntry __stop_emulator_entries[]; \
    extern "C" EMULATOR_VISIBLE const EmulatorModule emulator_module; \
    const EmulatorModule emulator_module = {__start_emulator_entries, __stop_emulator_entries};

// Barriers. Kinds: 0 plain, 1 count, 2 and, 3 or.

static inline void __syncthreads(int line = __builtin_LINE()) {
    emulator_barrier(0, 0, nullptr, line);
}
static inline int __syncthreads_count(int predicate, int line = __builtin_LINE()) {
    int result;
    emulator_barrier(1, predicate, &result, line);
    return result;
}
static inline int __syncthreads_and(int predicate, int line = __builtin_LINE()) {
    int result;
    emulator_barrier(2, predicate, &result, line);
    return result;
}
static inline int __syncthreads_or(int predicate, int line = __builtin_LINE()) {
    int result;
    emulator_barrier(3, predicate, &result, line);
    return result;
}
static inline void __threadfence() { asm volatile("" ::: "memory"); }
static inline void __threadfence_block() { asm volatile("" ::: "memory"); }
static inline void __trap(int line = __builtin_LINE()) { emulator_trap(line); }

// Warp collectives. Kinds: 0 from lane, 1 up, 2 down, 3 xor, 4 ballot, 5 syncwarp, 6 match any.

template <typename T>
static inline T emulator_shuffle(int kind, unsigned mask, T value, int argument, int width, int line) {
    static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(T));
    bits = emulator_warp(kind, mask, bits, argument, width, line);
    __builtin_memcpy(&value, &bits, sizeof(T));
    return value;
}
template <typename T>
static inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32, int line = __builtin_LINE()) {
    return emulator_shuffle(0, mask, value, lane, width, line);
}
template <typename T>
static inline T __shfl_up_sync(unsigned mask, T value, unsigned lanes, int width = 32, int line = __builtin_LINE()) {
    return emulator_shuffle(1, mask, value, (int) lanes, width, line);
}
template <typename T>
static inline T __shfl_down_sync(unsigned mask, T value, unsigned lanes, int width = 32, int line = __builtin_LINE()) {
    return emulator_shuffle(2, mask, value, (int) lanes, width, line);
}
template <typename T>
static inline T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, int line = __builtin_LINE()) {
    return emulator_shuffle(3, mask, value, lanes, width, line);
}
static inline unsigned __ballot_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    return (unsigned) emulator_warp(4, mask, predicate != 0, 0, 32, line);
}
static inline int __any_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    return emulator_warp(4, mask, predicate != 0, 0, 32, line) != 0;
}
static inline int __all_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
    return emulator_warp(4, mask, predicate == 0, 0, 32, line) == 0;
}
template <typename T>
static inline unsigned __match_any_sync(unsigned mask, T value, int line = __builtin_LINE()) {
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(T));
    return (unsigned) emulator_warp(6, mask, bits, 0, 32, line);
}
static inline void __syncwarp(unsigned mask = 0xffffffffu, int line = __builtin_LINE()) {
    emulator_warp(5, mask, 0, 0, 32, line);
}

// Atomics. Kinds: 0 add, 1 smaller (signed), 2 smaller (unsigned), 3 larger (signed), 4 larger (unsigned), 5 exchange,
// 6 compare and swap, 7 and, 8 or, 9 xor. None of floats: their result would depend on the order.

#define EMULATOR_ATOMIC(name, type, kind) \
    static inline type name(type* address, type value) { \
        return (type) emulator_atomic(kind, address, sizeof(type), (unsigned long long) value, 0); \
    }
EMULATOR_ATOMIC(atomicAdd, int, 0)
EMULATOR_ATOMIC(atomicAdd, unsigned, 0)
EMULATOR_ATOMIC(atomicAdd, unsigned long long, 0)
EMULATOR_ATOMIC(atomicMin, int, 1)
EMULATOR_ATOMIC(atomicMin, unsigned, 2)
EMULATOR_ATOMIC(atomicMin, long long, 1)
EMULATOR_ATOMIC(atomicMin, unsigned long long, 2)
EMULATOR_ATOMIC(atomicMax, int, 3)
EMULATOR_ATOMIC(atomicMax, unsigned, 4)
EMULATOR_ATOMIC(atomicMax, long long, 3)
EMULATOR_ATOMIC(atomicMax, unsigned long long, 4)
EMULATOR_ATOMIC(atomicExch, int, 5)
EMULATOR_ATOMIC(atomicExch, unsigned, 5)
EMULATOR_ATOMIC(atomicExch, unsigned long long, 5)
EMULATOR_ATOMIC(atomicAnd, int, 7)
EMULATOR_ATOMIC(atomicAnd, unsigned, 7)
EMULATOR_ATOMIC(atomicAnd, unsigned long long, 7)
EMULATOR_ATOMIC(atomicOr, int, 8)
EMULATOR_ATOMIC(atomicOr, unsigned, 8)
EMULATOR_ATOMIC(atomicOr, unsigned long long, 8)
EMULATOR_ATOMIC(atomicXor, int, 9)
EMULATOR_ATOMIC(atomicXor, unsigned, 9)
EMULATOR_ATOMIC(atomicXor, unsigned long long, 9)
static inline int atomicSub(int* address, int value) { return atomicAdd(address, -value); }
static inline unsigned atomicSub(unsigned* address, unsigned value) { return atomicAdd(address, 0u - value); }
#define EMULATOR_SWAP(type) \
    static inline type atomicCAS(type* address, type expected, type value) { \
        return (type) emulator_atomic(6, address, sizeof(type), (unsigned long long) value, \
            (unsigned long long) expected); \
    }
EMULATOR_SWAP(int)
EMULATOR_SWAP(unsigned)
EMULATOR_SWAP(unsigned long long)

// Loads with a cache hint are loads.

template <typename T> static inline T __ldg(const T* address) { return *address; }
template <typename T> static inline T __ldcs(const T* address) { return *address; }
template <typename T> static inline T __ldcg(const T* address) { return *address; }
template <typename T> static inline void __stcs(T* address, T value) { *address = value; }
template <typename T> static inline void __stcg(T* address, T value) { *address = value; }

// Bits

template <typename To, typename From> static inline To emulator_bits(From from) {
    To to;
    static_assert(sizeof(To) == sizeof(From), "bits keep their number");
    __builtin_memcpy(&to, &from, sizeof(To));
    return to;
}
static inline unsigned __float_as_uint(float x) { return emulator_bits<unsigned>(x); }
static inline int __float_as_int(float x) { return emulator_bits<int>(x); }
static inline float __uint_as_float(unsigned x) { return emulator_bits<float>(x); }
static inline float __int_as_float(int x) { return emulator_bits<float>(x); }
static inline long long __double_as_longlong(double x) { return emulator_bits<long long>(x); }
static inline double __longlong_as_double(long long x) { return emulator_bits<double>(x); }
static inline int __double2hiint(double x) { return (int) (emulator_bits<long long>(x) >> 32); }
static inline int __double2loint(double x) { return (int) emulator_bits<long long>(x); }
static inline double __hiloint2double(int high, int low) {
    return emulator_bits<double>((long long) ((unsigned long long) (unsigned) high << 32 | (unsigned) low));
}
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned) ((unsigned long long) a * b >> 32); }
static inline int __mulhi(int a, int b) { return (int) ((long long) a * b >> 32); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long) ((unsigned __int128) a * b >> 64);
}
static inline long long __mul64hi(long long a, long long b) { return (long long) ((__int128) a * b >> 64); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz((unsigned) x); }
static inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll((unsigned long long) x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __ffsll(long long x) { return __builtin_ffsll(x); }
static inline unsigned __brev(unsigned x) {
    x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
    x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
    return __builtin_bswap32(x);
}
static inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
    shift &= 31;
    return shift == 0 ? high : high << shift | low >> (32 - shift);
}
static inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
    shift &= 31;
    return shift == 0 ? low : high << (32 - shift) | low >> shift;
}

// Arithmetic with one IEEE result

static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __frcp_rn(float a) { return 1.0f / a; }
static inline float __fsqrt_rn(float a) { return __builtin_sqrtf(a); }
static inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline double __dsub_rn(double a, double b) { return a - b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __ddiv_rn(double a, double b) { return a / b; }
static inline double __drcp_rn(double a) { return 1.0 / a; }
static inline double __dsqrt_rn(double a) { return __builtin_sqrt(a); }
static inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }

static inline float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline float sqrtf(float a) { return __builtin_sqrtf(a); }
static inline double sqrt(double a) { return __builtin_sqrt(a); }
static inline float fabsf(float a) { return __builtin_fabsf(a); }
static inline double fabs(double a) { return __builtin_fabs(a); }
static inline float floorf(float a) { return __builtin_floorf(a); }
static inline double floor(double a) { return __builtin_floor(a); }
static inline float ceilf(float a) { return __builtin_ceilf(a); }
static inline double ceil(double a) { return __builtin_ceil(a); }
static inline float truncf(float a) { return __builtin_truncf(a); }
static inline double trunc(double a) { return __builtin_trunc(a); }
static inline float rintf(float a) { return __builtin_rintf(a); }
static inline double rint(double a) { return __builtin_rint(a); }
static inline float fmodf(float a, float b) { return __builtin_fmodf(a, b); }
static inline double fmod(double a, double b) { return __builtin_fmod(a, b); }
static inline float copysignf(float a, float b) { return __builtin_copysignf(a, b); }
static inline double copysign(double a, double b) { return __builtin_copysign(a, b); }
static inline float fmaxf(float a, float b) { return __builtin_fmaxf(a, b); }
static inline double fmax(double a, double b) { return __builtin_fmax(a, b); }
static inline float fminf(float a, float b) { return __builtin_fminf(a, b); }
static inline double fmin(double a, double b) { return __builtin_fmin(a, b); }
static inline int abs(int a) { return a < 0 ? -a : a; }
template <typename T> static inline T min(T a, T b) { return b < a ? b : a; }
template <typename T> static inline T max(T a, T b) { return a < b ? b : a; }

// Conversions that round as named

static inline int __float2int_rn(float a) { return (int) __builtin_rintf(a); }
static inline int __float2int_rz(float a) { return (int) a; }
static inline long long __float2ll_rz(float a) { return (long long) a; }
static inline int __double2int_rn(double a) { return (int) __builtin_rint(a); }
static inline int __double2int_rz(double a) { return (int) a; }
static inline long long __double2ll_rn(double a) { return (long long) __builtin_rint(a); }
static inline long long __double2ll_rz(double a) { return (long long) a; }
static inline float __int2float_rn(int a) { return (float) a; }
static inline float __uint2float_rn(unsigned a) { return (float) a; }
static inline float __ll2float_rn(long long a) { return (float) a; }
static inline double __int2double_rn(int a) { return a; }
static inline double __ll2double_rn(long long a) { return (double) a; }
static inline float __double2float_rn(double a) { return (float) a; }

// Stands in for cuBLAS, under its name, symbol versions and ABI: the products of gemm.cpp, put on the emulator's
// streams. Operands must lie within live memory, factors must have been written, and the result may overlap neither.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "emulator.h"
#include "gemm.h"

#ifndef EMULATOR_CUBLAS_VERSION
#define EMULATOR_CUBLAS_VERSION 120803
#endif

using emulator::Operand;
using emulator::Type;

namespace {

enum Status {
    SUCCESS = 0,
    NOT_INITIALIZED = 1,
    INVALID_VALUE = 7,
    EXECUTION_FAILED = 13,
    NOT_SUPPORTED = 15,
};

enum Compute {
    COMPUTE_32F = 68,
    COMPUTE_32F_PEDANTIC = 69,
    COMPUTE_64F = 70,
    COMPUTE_64F_PEDANTIC = 71,
    COMPUTE_32F_FAST_TF32 = 77,
};

constexpr int TF32_TENSOR_OP_MATH = 3;
constexpr int DISALLOW_REDUCED_PRECISION_REDUCTION = 0x10;
// From this k on sums are split where they may be.
constexpr int64_t LONG_SUM = 1024;
constexpr uint64_t MAGIC = 0x73616c6275637565;

struct Handle {
    uint64_t magic;
    void* stream;
    int pointer_mode;  // 0: alpha and beta lie on the host, 1: on the device
    int math_mode;
};

// One matrix per member of the batch: at a fixed distance, or by a table of addresses on the device.
struct Batch {
    void* first;
    void* const* table;
    int64_t stride;  // elements

    char* at(int64_t i, Type type) const {
        return table != nullptr ? static_cast<char*>(table[i]) : static_cast<char*>(first) + i * stride * size_of(type);
    }
};

struct Product {
    bool transposed_a;
    bool transposed_b;
    int64_t m;
    int64_t n;
    int64_t k;
    Batch a;
    Batch b;
    Batch c;
    Type factors;
    Type result;
    int64_t leading_a;
    int64_t leading_b;
    int64_t leading_c;
    int64_t batch;
    bool tf32;
    bool split;  // whether the sums of two halves of k are rounded to the result's type before they are added
    double alpha;
    double beta;
    const void* device_alpha;  // null if the host gave them
    const void* device_beta;
};

bool reads(const void* address, int64_t bytes, const char* what) {
    auto check = emulator::imported<int (*)(const void*, size_t, const char*)>("emulator_reads");
    return check == nullptr || check(address, (size_t) bytes, what) == 0;
}

bool writes(const void* address, int64_t bytes, const char* what) {
    auto check = emulator::imported<int (*)(const void*, size_t, const char*)>("emulator_writes");
    return check == nullptr || check(address, (size_t) bytes, what) == 0;
}

void fault(const char* message) {
    if (auto report = emulator::imported<void (*)(int, const char*, const char*)>("emulator_fault")) {
        report(719, "overlap", message);
    }
}

typedef bool (*Check)(const void*, int64_t, const char*);

// (rows, columns) in column-major order.
bool each_column(Check check, const char* data, Type type, int64_t rows, int64_t columns, int64_t leading,
    const char* what) {
    if (rows == leading) {
        return check(data, rows * columns * size_of(type), what);
    }
    for (int64_t column = 0; column < columns; column++) {
        if (!check(data + column * leading * size_of(type), rows * size_of(type), what)) {
            return false;
        }
    }
    return true;
}

// The columns of a matrix, as ranges of bytes.
struct Columns {
    const char* data;
    int64_t column_bytes;
    int64_t count;
    int64_t pitch;

    Columns(const char* data, Type type, int64_t rows, int64_t columns, int64_t leading)
        : data(data), column_bytes(rows * size_of(type)), count(columns), pitch(leading * size_of(type)) {}

    bool overlap(const Columns& other) const {
        int64_t i = 0;
        int64_t j = 0;
        while (i < count && j < other.count) {
            const char* here = data + i * pitch;
            const char* there = other.data + j * other.pitch;
            if (here + column_bytes <= there) {
                i++;
            } else if (there + other.column_bytes <= here) {
                j++;
            } else {
                return true;
            }
        }
        return false;
    }
};

double scalar(const void* address, Type type) {
    double x = 0;
    float y = 0;
    std::memcpy(type == Type::F64 ? (void*) &x : &y, address, type == Type::F64 ? sizeof x : sizeof y);
    return type == Type::F64 ? x : y;
}

void run_one(const Product& p, int64_t i, double alpha, double beta) {
    const char* a = p.a.at(i, p.factors);
    const char* b = p.b.at(i, p.factors);
    char* c = p.c.at(i, p.result);
    int64_t rows_a = p.transposed_a ? p.k : p.m;
    int64_t columns_a = p.transposed_a ? p.m : p.k;
    int64_t rows_b = p.transposed_b ? p.n : p.k;
    int64_t columns_b = p.transposed_b ? p.k : p.n;
    int64_t k = alpha == 0 ? 0 : p.k;
    if (k > 0) {
        Columns result(c, p.result, p.m, p.n, p.leading_c);
        if (result.overlap(Columns(a, p.factors, rows_a, columns_a, p.leading_a))
            || result.overlap(Columns(b, p.factors, rows_b, columns_b, p.leading_b))) {
            return fault("cuBLAS: the result of a product overlaps a factor");
        }
        if (!each_column(reads, a, p.factors, rows_a, columns_a, p.leading_a, "cuBLAS: factor A")
            || !each_column(reads, b, p.factors, rows_b, columns_b, p.leading_b, "cuBLAS: factor B")) {
            return;
        }
    }
    if ((beta != 0 && !each_column(reads, c, p.result, p.m, p.n, p.leading_c, "cuBLAS: result C, which beta scales"))
        || !each_column(writes, c, p.result, p.m, p.n, p.leading_c, "cuBLAS: result C")) {
        return;
    }
    int64_t split = p.split ? k / 2 : 0;
    if (split > 0) {
        gemm(p.m, p.n, split, alpha, Operand {a, p.factors, p.leading_a, p.transposed_a},
            Operand {b, p.factors, p.leading_b, p.transposed_b}, beta, c, p.result, p.leading_c, p.tf32);
        a += split * (p.transposed_a ? 1 : p.leading_a) * size_of(p.factors);
        b += split * (p.transposed_b ? p.leading_b : 1) * size_of(p.factors);
        beta = 1;
    }
    gemm(p.m, p.n, k - split, alpha, Operand {a, p.factors, p.leading_a, p.transposed_a},
        Operand {b, p.factors, p.leading_b, p.transposed_b}, beta, c, p.result, p.leading_c, p.tf32);
}

bool readable(const Batch& batch, int64_t count) {
    return batch.table == nullptr || reads(batch.table, count * (int64_t) sizeof(void*), "cuBLAS: table of matrices");
}

void run(const void* data) {
    const Product& p = *static_cast<const Product*>(data);
    if (!readable(p.a, p.batch) || !readable(p.b, p.batch) || !readable(p.c, p.batch)) {
        return;
    }
    double alpha = p.alpha;
    double beta = p.beta;
    if (p.device_alpha != nullptr) {
        int64_t bytes = p.factors == Type::F64 ? 8 : 4;
        if (!reads(p.device_alpha, bytes, "cuBLAS: alpha") || !reads(p.device_beta, bytes, "cuBLAS: beta")) {
            return;
        }
        alpha = scalar(p.device_alpha, p.factors);
        beta = scalar(p.device_beta, p.factors);
    }
    for (int64_t i = 0; i < p.batch; i++) {
        run_one(p, i, alpha, beta);
    }
}

bool supported(int a, int b, int c, int compute) {
    auto is = [](int type, Type expected) { return type == (int) expected; };
    if (a != b) {
        return false;
    }
    if (compute == COMPUTE_64F || compute == COMPUTE_64F_PEDANTIC) {
        return is(a, Type::F64) && is(c, Type::F64);
    }
    bool single = compute == COMPUTE_32F || compute == COMPUTE_32F_PEDANTIC;
    if (is(a, Type::F32)) {
        return is(c, Type::F32) && (single || compute == COMPUTE_32F_FAST_TF32);
    }
    return (is(a, Type::F16) || is(a, Type::BF16)) && (c == a || is(c, Type::F32)) && single;
}

bool live(const Handle* handle) { return handle != nullptr && handle->magic == MAGIC; }

int enqueue(Handle* handle, int op_a, int op_b, int64_t m, int64_t n, int64_t k, const void* alpha, Batch a, int type_a,
    int64_t leading_a, Batch b, int type_b, int64_t leading_b, const void* beta, Batch c, int type_c, int64_t leading_c,
    int64_t batch, int compute) {
    if (!live(handle)) {
        return NOT_INITIALIZED;
    }
    auto at_least = [](int64_t leading, int64_t rows) { return leading >= 1 && leading >= rows; };
    if (op_a < 0 || op_a > 2 || op_b < 0 || op_b > 2 || m < 0 || n < 0 || k < 0 || batch < 0 || alpha == nullptr
        || beta == nullptr || !at_least(leading_a, op_a == 0 ? m : k) || !at_least(leading_b, op_b == 0 ? k : n)
        || !at_least(leading_c, m)) {
        return INVALID_VALUE;
    }
    if (!supported(type_a, type_b, type_c, compute)) {
        return NOT_SUPPORTED;
    }
    if (m == 0 || n == 0 || batch == 0) {
        return SUCCESS;
    }
    Type factors = (Type) type_a;
    bool on_host = handle->pointer_mode == 0;
    bool tf32 = factors == Type::F32 && (compute == COMPUTE_32F_FAST_TF32
        || (compute == COMPUTE_32F && (handle->math_mode & 0xf) == TF32_TENSOR_OP_MATH));
    bool split = (type_c == (int) Type::F16 || type_c == (int) Type::BF16) && k >= LONG_SUM
        && (handle->math_mode & DISALLOW_REDUCED_PRECISION_REDUCTION) == 0;
    Product product = {op_a != 0, op_b != 0, m, n, k, a, b, c, factors, (Type) type_c, leading_a, leading_b, leading_c,
        batch, tf32, split, on_host ? scalar(alpha, factors) : 0, on_host ? scalar(beta, factors) : 0,
        on_host ? nullptr : alpha, on_host ? nullptr : beta};
    auto put = emulator::imported<int (*)(void*, void (*)(const void*), const void*, size_t, const char*)>(
        "emulator_enqueue");
    return put != nullptr && put(handle->stream, run, &product, sizeof product, "cuBLAS product") == 0 ? SUCCESS
        : EXECUTION_FAILED;
}

Batch one(const void* data) { return {const_cast<void*>(data), nullptr, 0}; }

Batch strided(const void* data, long long stride) { return {const_cast<void*>(data), nullptr, stride}; }

Batch listed(const void* const* table) { return {nullptr, const_cast<void* const*>(table), 0}; }

}  // namespace

#define INJECTED(call) \
    if (int status = emulator::injected(call)) { \
        return status; \
    }
#define REQUIRE(handle) \
    if (!live(handle)) { \
        return NOT_INITIALIZED; \
    }

extern "C" {

int cublasCreate_v2(Handle** handle) {
    INJECTED("cublasCreate")
    auto current = emulator::imported<int (*)(void**)>("cuCtxGetCurrent");
    void* context = nullptr;
    if (handle == nullptr) {
        return INVALID_VALUE;
    }
    if (current == nullptr || current(&context) != 0 || context == nullptr) {
        return NOT_INITIALIZED;
    }
    *handle = new Handle {MAGIC, nullptr, 0, 0};
    return SUCCESS;
}

int cublasDestroy_v2(Handle* handle) {
    INJECTED("cublasDestroy")
    REQUIRE(handle)
    handle->magic = 0;
    delete handle;
    return SUCCESS;
}

int cublasGetVersion_v2(Handle*, int* version) {
    INJECTED("cublasGetVersion")
    *version = EMULATOR_CUBLAS_VERSION;
    return SUCCESS;
}

// 0 major, 1 minor, 2 patch
int cublasGetProperty(int type, int* value) {
    INJECTED("cublasGetProperty")
    if (type < 0 || type > 2) {
        return INVALID_VALUE;
    }
    *value = type == 0 ? EMULATOR_CUBLAS_VERSION / 10000 : type == 1 ? EMULATOR_CUBLAS_VERSION / 100 % 100
        : EMULATOR_CUBLAS_VERSION % 100;
    return SUCCESS;
}

size_t cublasGetCudartVersion() {
    return EMULATOR_CUBLAS_VERSION / 10000 * 1000 + EMULATOR_CUBLAS_VERSION / 100 % 100 * 10;
}

int cublasSetStream_v2(Handle* handle, void* stream) {
    INJECTED("cublasSetStream")
    REQUIRE(handle)
    handle->stream = stream;
    return SUCCESS;
}

int cublasGetStream_v2(Handle* handle, void** stream) {
    INJECTED("cublasGetStream")
    REQUIRE(handle)
    *stream = handle->stream;
    return SUCCESS;
}

int cublasSetWorkspace_v2(Handle* handle, void* workspace, size_t bytes) {
    INJECTED("cublasSetWorkspace")
    REQUIRE(handle)
    return (workspace == nullptr && bytes > 0) || (uintptr_t) workspace % 256 != 0 ? INVALID_VALUE : SUCCESS;
}

int cublasSetPointerMode_v2(Handle* handle, int mode) {
    INJECTED("cublasSetPointerMode")
    REQUIRE(handle)
    if (mode != 0 && mode != 1) {
        return INVALID_VALUE;
    }
    handle->pointer_mode = mode;
    return SUCCESS;
}

int cublasGetPointerMode_v2(Handle* handle, int* mode) {
    INJECTED("cublasGetPointerMode")
    REQUIRE(handle)
    *mode = handle->pointer_mode;
    return SUCCESS;
}

int cublasSetMathMode(Handle* handle, int mode) {
    INJECTED("cublasSetMathMode")
    REQUIRE(handle)
    int math = mode & ~DISALLOW_REDUCED_PRECISION_REDUCTION;
    if (math < 0 || math > TF32_TENSOR_OP_MATH) {
        return INVALID_VALUE;
    }
    handle->math_mode = mode;
    return SUCCESS;
}

int cublasGetMathMode(Handle* handle, int* mode) {
    INJECTED("cublasGetMathMode")
    REQUIRE(handle)
    *mode = handle->math_mode;
    return SUCCESS;
}

const char* cublasGetStatusName(int status) {
    switch (status) {
        case SUCCESS: return "CUBLAS_STATUS_SUCCESS";
        case NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
        case 3: return "CUBLAS_STATUS_ALLOC_FAILED";
        case INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
        case 8: return "CUBLAS_STATUS_ARCH_MISMATCH";
        case 11: return "CUBLAS_STATUS_MAPPING_ERROR";
        case EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
        case 14: return "CUBLAS_STATUS_INTERNAL_ERROR";
        case NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
        default: return "CUBLAS_STATUS unknown";
    }
}

const char* cublasGetStatusString(int status) { return cublasGetStatusName(status); }

#define GEMM(suffix, I) \
    int cublasGemmEx##suffix(Handle* handle, int op_a, int op_b, I m, I n, I k, const void* alpha, const void* a, \
        int type_a, I leading_a, const void* b, int type_b, I leading_b, const void* beta, void* c, int type_c, \
        I leading_c, int compute, int) { \
        INJECTED("cublasGemmEx" #suffix) \
        return enqueue(handle, op_a, op_b, m, n, k, alpha, one(a), type_a, leading_a, one(b), type_b, leading_b, beta, \
            one(c), type_c, leading_c, 1, compute); \
    } \
    int cublasGemmStridedBatchedEx##suffix(Handle* handle, int op_a, int op_b, I m, I n, I k, const void* alpha, \
        const void* a, int type_a, I leading_a, long long stride_a, const void* b, int type_b, I leading_b, \
        long long stride_b, const void* beta, void* c, int type_c, I leading_c, long long stride_c, I batch, \
        int compute, int) { \
        INJECTED("cublasGemmStridedBatchedEx" #suffix) \
        return enqueue(handle, op_a, op_b, m, n, k, alpha, strided(a, stride_a), type_a, leading_a, \
            strided(b, stride_b), type_b, leading_b, beta, strided(c, stride_c), type_c, leading_c, batch, compute); \
    } \
    int cublasGemmBatchedEx##suffix(Handle* handle, int op_a, int op_b, I m, I n, I k, const void* alpha, \
        const void* const* a, int type_a, I leading_a, const void* const* b, int type_b, I leading_b, \
        const void* beta, void* const* c, int type_c, I leading_c, I batch, int compute, int) { \
        INJECTED("cublasGemmBatchedEx" #suffix) \
        return enqueue(handle, op_a, op_b, m, n, k, alpha, listed(a), type_a, leading_a, listed(b), type_b, \
            leading_b, beta, listed((const void* const*) c), type_c, leading_c, batch, compute); \
    }

GEMM(, int)
GEMM(_64, int64_t)

}  // extern "C"

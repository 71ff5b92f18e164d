// The products that the stand-in of cuBLAS computes.
#pragma once
#include <cstdint>

namespace emulator {

enum class Type { F32 = 0, F64 = 1, F16 = 2, BF16 = 14 };  // values of cudaDataType

inline int64_t size_of(Type type) { return type == Type::F64 ? 8 : type == Type::F32 ? 4 : 2; }

// op(matrix), column-major: element (row, column) lies at row + column * leading; with transposed, the other way round.
struct Operand {
    const void* data;
    Type type;
    int64_t leading;
    bool transposed;
};

// c (m, n) = alpha * a (m, k) . b (k, n) + beta * c, which is column-major and not read if beta is 0. Sums are taken in
// f32, or f64 if the types are F64, and rounded once. tf32: whether factors are rounded to 10 bits of fraction first.
void gemm(int64_t m, int64_t n, int64_t k, double alpha, const Operand& a, const Operand& b, double beta, void* c,
    Type type, int64_t leading, bool tf32);

}  // namespace emulator

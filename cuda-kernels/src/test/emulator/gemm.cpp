// Both factors are packed into panels, converted to the type of the sum; a tile of the result stays in vector registers
// while it runs over k. Sums of 256 products are added up: errors grow with k / 256 + 256, not with k.
#include "gemm.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace emulator {
namespace {

constexpr int64_t BLOCK = 256;
constexpr int COLUMNS = 4;

template <typename C> struct Lanes;
template <> struct Lanes<float> {
    typedef float vector __attribute__((vector_size(64)));
};
template <> struct Lanes<double> {
    typedef double vector __attribute__((vector_size(64)));
};
template <typename C> constexpr int LANES = 64 / sizeof(C);
template <typename C> constexpr int ROWS = 2 * LANES<C>;

float float_of(uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

uint32_t bits_of(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

float half(uint16_t h) {
    uint32_t magnitude = (uint32_t) (h & 0x7fff) << 13;
    uint32_t bits = magnitude > 0x0f7fffffu ? magnitude | 0x7f800000u : bits_of(float_of(magnitude) * 0x1p112f);
    return float_of(bits | (uint32_t) (h & 0x8000) << 16);
}

uint16_t to_half(float x) {
    uint32_t bits = bits_of(x);
    uint32_t magnitude = bits & 0x7fffffffu;
    uint32_t normal = (magnitude + (uint32_t) ((15 - 127) * 0x800000 + 0xfff) + (magnitude >> 13 & 1)) >> 13;
    uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
    uint32_t finite = magnitude < 0x38800000u ? subnormal : normal;
    uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
    return (uint16_t) ((bits >> 16 & 0x8000u) | (magnitude > 0x477fffffu ? special : finite));
}

uint16_t to_bfloat(float x) {
    uint32_t bits = bits_of(x);
    return (uint16_t) (x != x ? bits >> 16 | 0x40u : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

// To nearest, ties away from zero: what cvt.rna.tf32.f32 does.
float to_tf32(float x) {
    return x - x != 0 ? x : float_of((bits_of(x) + 0x1000u) & ~0x1fffu);
}

template <typename C> C load(const void* data, Type type, int64_t i) {
    switch (type) {
        case Type::F16: return half(static_cast<const uint16_t*>(data)[i]);
        case Type::BF16: return float_of((uint32_t) static_cast<const uint16_t*>(data)[i] << 16);
        case Type::F32: return static_cast<const float*>(data)[i];
        case Type::F64: return (C) static_cast<const double*>(data)[i];
    }
    return 0;
}

template <typename C> void store(void* data, Type type, int64_t i, C x) {
    switch (type) {
        case Type::F16: static_cast<uint16_t*>(data)[i] = to_half((float) x); break;
        case Type::BF16: static_cast<uint16_t*>(data)[i] = to_bfloat((float) x); break;
        case Type::F32: static_cast<float*>(data)[i] = (float) x; break;
        case Type::F64: static_cast<double*>(data)[i] = x; break;
    }
}

// Panels of `width` rows of op(matrix), (rows, k); within a panel the elements of one k lie side by side. Rows past the
// last are zeros.
template <typename C>
std::vector<C> pack(const Operand& matrix, int64_t rows, int64_t k, int width, bool tf32) {
    std::vector<C> packed((size_t) ((rows + width - 1) / width * width * k));
    int64_t row_step = matrix.transposed ? matrix.leading : 1;
    int64_t k_step = matrix.transposed ? 1 : matrix.leading;
    for (int64_t row = 0; row < rows; row++) {
        C* panel = packed.data() + row / width * width * k + row % width;
        for (int64_t i = 0; i < k; i++) {
            C x = load<C>(matrix.data, matrix.type, row * row_step + i * k_step);
            panel[i * width] = tf32 ? (C) to_tf32((float) x) : x;
        }
    }
    return packed;
}

template <typename C> void tile(const C* a, const C* b, int64_t k, C (&result)[COLUMNS][ROWS<C>]) {
    typedef typename Lanes<C>::vector V;
    V total[COLUMNS][2] = {};
    for (int64_t from = 0; from < k; from += BLOCK) {
        V sum[COLUMNS][2] = {};
        for (int64_t i = from; i < std::min(k, from + BLOCK); i++) {
            V a0;
            V a1;
            std::memcpy(&a0, a + i * ROWS<C>, sizeof a0);
            std::memcpy(&a1, a + i * ROWS<C> + LANES<C>, sizeof a1);
            for (int column = 0; column < COLUMNS; column++) {
                C factor = b[i * COLUMNS + column];
                sum[column][0] += a0 * factor;
                sum[column][1] += a1 * factor;
            }
        }
        for (int column = 0; column < COLUMNS; column++) {
            total[column][0] += sum[column][0];
            total[column][1] += sum[column][1];
        }
    }
    std::memcpy(result, total, sizeof result);
}

template <typename C>
void multiply(int64_t m, int64_t n, int64_t k, C alpha, const Operand& a, const Operand& b, C beta, void* c, Type type,
    int64_t leading, bool tf32) {
    std::vector<C> rows = pack<C>(a, m, k, ROWS<C>, tf32);
    Operand turned = {b.data, b.type, b.leading, !b.transposed};
    std::vector<C> columns = pack<C>(turned, n, k, COLUMNS, tf32);
    for (int64_t j = 0; j < n; j += COLUMNS) {
        for (int64_t i = 0; i < m; i += ROWS<C>) {
            C result[COLUMNS][ROWS<C>];
            tile<C>(rows.data() + i * k, columns.data() + j * k, k, result);
            for (int64_t column = j; column < std::min(n, j + COLUMNS); column++) {
                for (int64_t row = i; row < std::min(m, i + ROWS<C>); row++) {
                    int64_t at = row + column * leading;
                    C x = alpha * result[column - j][row - i];
                    store(c, type, at, beta == 0 ? x : x + beta * load<C>(c, type, at));
                }
            }
        }
    }
}

}  // namespace

void gemm(int64_t m, int64_t n, int64_t k, double alpha, const Operand& a, const Operand& b, double beta, void* c,
    Type type, int64_t leading, bool tf32) {
    if (type == Type::F64) {
        multiply<double>(m, n, k, alpha, a, b, beta, c, type, leading, false);
    } else {
        multiply<float>(m, n, k, (float) alpha, a, b, (float) beta, c, type, leading, tf32);
    }
}

}  // namespace emulator

// Where the elements of strided tensors lie.
#pragma once

const int MAX_AXES = 16;

// A domain in row-major order, outermost axis first, and the strides of two tensors over it, 0 where one is broadcast.
// inverse: what divides by each extent, 0 for points of 2^31 and more
struct Axes {
    i64 rank;
    i64 extent[MAX_AXES];
    i64 a[MAX_AXES];
    i64 b[MAX_AXES];
    u64 inverse[MAX_AXES];
};

struct Offsets { i64 a, b; };

// A point below 2^31 divided by an extent, by multiplication (Granlund and Montgomery, "Division by invariant integers
// using multiplication", 1994): the lower half of inverse is the multiplier less 2^32, the upper half the shift.
__device__ inline u32 quotient(u32 point, u64 inverse) {
    return (__umulhi(point, (u32) inverse) + point) >> (u32) (inverse >> 32);
}

// Both tensors' offsets of a point of the domain, given by its number. The outermost axis needs no division.
__device__ inline Offsets offsets(const Axes& axes, i64 point) {
    Offsets at = {0, 0};
#pragma unroll 1
    for (i32 axis = (i32) axes.rank - 1; axis > 0; axis--) {
        u64 inverse = axes.inverse[axis];
        i64 outer;
        i64 i;
        if (inverse != 0) {
            u32 narrow = quotient((u32) point, inverse);
            i = (u32) point - narrow * (u32) axes.extent[axis];
            outer = narrow;
        } else {
            outer = point / axes.extent[axis];
            i = point - outer * axes.extent[axis];
        }
        at.a += i * axes.a[axis];
        at.b += i * axes.b[axis];
        point = outer;
    }
    if (axes.rank > 0) {
        at.a += point * axes.a[0];
        at.b += point * axes.b[0];
    }
    return at;
}

// What a thread moves at once, whatever it means.
typedef u8 bytes1;
typedef unsigned short bytes2;
typedef u32 bytes4;
typedef u64 bytes8;
struct __align__(16) bytes16 { u64 low, high; };

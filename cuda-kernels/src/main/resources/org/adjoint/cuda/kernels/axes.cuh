// Where the elements of strided tensors lie.
#pragma once
#include "divisor.cuh"

const int MAX_AXES = 16;

// A domain in row-major order, outermost axis first, and the strides of two tensors over it, 0 where one is broadcast.
// divisors: of each extent, 0 for points of 2^31 and more
struct Axes {
    i64 rank;
    i64 extent[MAX_AXES];
    i64 a[MAX_AXES];
    i64 b[MAX_AXES];
    Divisor divisors[MAX_AXES];
};

struct Offsets { i64 a, b; };

// Both tensors' offsets of a point of the domain, given by its number. The outermost axis needs no division.
__device__ inline Offsets offsets(const Axes& axes, i64 point) {
    Offsets at = {0, 0};
#pragma unroll 1
    for (i32 axis = (i32) axes.rank - 1; axis > 0; axis--) {
        Divisor divisor = axes.divisors[axis];
        i64 outer;
        i64 i;
        if (divisor.multiplier != 0) {
            u32 narrow = divisor.quotient((u32) point);
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

// Division by an extent that is known when a kernel is launched.
#pragma once
#include "common.cuh"

// Divides numbers below 2^31 by an extent of at least 2, exactly: multiplies by its reciprocal, rounded up (Granlund and
// Montgomery, "Division by invariant integers using multiplication", 1994). org.adjoint.cuda.kernel.Divisor makes it.
struct Divisor {
    u32 multiplier;
    u32 shift;

    __device__ inline u32 quotient(u32 point) const { return __umulhi(point, multiplier) >> shift; }
};

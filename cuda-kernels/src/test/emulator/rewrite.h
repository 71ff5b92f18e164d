// Preprocessed CUDA C, made into C++ that the emulator can run and watch: see program.cpp.
#pragma once
#include <string>

namespace emulator {

// preprocessed: with line markers, "# 12 \"softmax.cu\"", which stay. folder: prefix that is taken off their names.
// Declarations keep their lines, so that compiler and emulator report those of the source.
//
// What the result says in place of the source, with words that device.h defines:
//   __shared__ T a[2][3];      EMULATOR_SHARED((T), a, [2][3]);
//   extern __shared__ T a[];   EMULATOR_DYNAMIC((T), a);
//   __device__ T f(T x) {      __device__ T f(T x) { EMULATOR_ENTER("softmax.cu:12", "f");
//   extern "C" __global__ k    EMULATOR_KERNEL(k) behind it; with __launch_bounds__(9) EMULATOR_KERNEL_BOUNDED(k, 9)
// and last EMULATOR_MODULE. The table emulator_declared names each function as EMULATOR_ENTER does, "softmax.cu:12:f",
// whether it is called or not; kernels as "softmax.cu:20:kernel k". A null ends it.
std::string rewrite(const std::string& preprocessed, const std::string& folder);

}  // namespace emulator

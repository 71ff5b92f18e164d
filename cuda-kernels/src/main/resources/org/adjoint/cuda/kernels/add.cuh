// Sums in compute types; integers wrap.
#pragma once

__device__ inline f32 add(f32 a, f32 b) { return a + b; }
__device__ inline f64 add(f64 a, f64 b) { return a + b; }
__device__ inline u8 add(u8 a, u8 b) { return (u8) (a + b); }
__device__ inline i32 add(i32 a, i32 b) { return (i32) ((u32) a + (u32) b); }
__device__ inline i64 add(i64 a, i64 b) { return (i64) ((u64) a + (u64) b); }

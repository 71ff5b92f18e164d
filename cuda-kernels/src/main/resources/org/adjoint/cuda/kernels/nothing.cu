// A kernel without work, for measuring what a launch costs. Traffic: none.
#include "common.cuh"

KERNEL nothing() { }

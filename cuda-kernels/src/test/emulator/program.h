// CUDA C compiled by g++ into a shared object that the emulator runs.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace emulator {

struct Program {
    std::string name;
    std::string text;
    std::vector<std::pair<std::string, std::string>> headers;  // name, text
};

struct Compiled {
    bool success;
    std::string image;  // the shared object
    std::string log;
};

// architecture: 75 for sm_75. fused: whether a*b+c may become one rounding, as it may unless --fmad=false.
Compiled compile(const Program& program, const std::vector<std::string>& definitions, int architecture, bool fused);

}  // namespace emulator

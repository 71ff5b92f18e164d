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

struct Options {
    std::vector<std::string> definitions;
    int architecture;  // 75 for sm_75
    bool fused;        // whether a*b+c may become one rounding, as it may unless --fmad=false
};

struct Compiled {
    bool success;
    std::string image;  // the shared object
    std::string log;
};

// What the program compiles to, or compiled to before. Usable from any thread.
Compiled compile(const Program& program, const Options& options);

// Compiles programs into one shared object, a file of each target's name. Several must have the same headers and
// inclusions, and no other directives.
Compiled build(const std::vector<const Program*>& programs, const Options& options,
    const std::vector<std::string>& targets);

// The lines of a text that include headers.
std::string inclusions(const std::string& text);

// All of a file; false if there is none.
bool read(const std::string& path, std::string& text);

}  // namespace emulator

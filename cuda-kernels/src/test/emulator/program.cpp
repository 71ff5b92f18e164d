// How a program becomes a shared object:
//   cc1plus -E       macros and includes are resolved: no header but those given, as with NVRTC
//   rewrite          shared memory, coverage and kernels are made known to the emulator
//   cc1plus | as     with ThreadSanitizer's instrumentation, whose hooks are the emulator's; device.h before all else
//   ld               against nothing: the emulator, which the hooks come from, is in the process that loads it
// The parts of g++ are started one by one: its driver takes longer than they do.
#include "program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "rewrite.h"

#if !defined(EMULATOR_FOLDER) || !defined(EMULATOR_CC1PLUS) || !defined(EMULATOR_AS) || !defined(EMULATOR_LD)
#error "EmulatorBuild.java defines the folder of the libraries and the parts of g++"
#endif

extern char** environ;

namespace emulator {
namespace {

const std::string FOLDER = EMULATOR_FOLDER;

const char* const MACHINE = __builtin_cpu_supports("fma") ? "-mfma" : "-march=x86-64";

bool write(const std::string& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary);
    out.write(text.data(), (std::streamsize) text.size());
    return out.flush().good();
}

// A folder of one compilation, removed with it.
class Scratch {
public:
    explicit Scratch(const std::string& parent) {
        std::string pattern = parent + "/compiling-XXXXXX";
        path = mkdtemp(pattern.data()) != nullptr ? pattern : "";
    }

    ~Scratch() {
        for (const std::string& file : files) {
            unlink(file.c_str());
        }
        if (!path.empty()) {
            rmdir(path.c_str());
        }
    }

    Scratch(const Scratch&) = delete;

    std::string file(const std::string& name) {
        files.push_back(path + "/" + name);
        return files.back();
    }

    std::string path;

private:
    std::vector<std::string> files;
};

// Starts a program; descriptors of -1 are inherited. What it says on stderr is appended to the file log.
pid_t start(std::vector<std::string> words, int in, int out, const std::string& log) {
    std::vector<char*> arguments;
    for (std::string& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (in >= 0) {
        posix_spawn_file_actions_adddup2(&actions, in, 0);
    }
    if (out >= 0) {
        posix_spawn_file_actions_adddup2(&actions, out, 1);
    }
    posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    pid_t child = -1;
    int error = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? child : -1;
}

bool succeeded(pid_t child) {
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// A program is whole but for what is marked externally_visible: functions that nothing calls cost no time. Without
// -fno-tree-sra a copy of 16 bytes would become four of 4, whose misalignment passes; addr2line reads DWARF 4 best, and
// -gdwarf-4 after -g1 would raise that to -g2.
std::vector<std::string> compiler(bool fused) {
    return {EMULATOR_CC1PLUS, "-quiet", "-std=c++17", "-O1", "-fPIC", "-fsanitize=thread",
        "--param", "tsan-instrument-func-entry-exit=0", fused ? "-ffp-contract=fast" : "-ffp-contract=off",
        "-fno-math-errno", "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti", "-fno-asynchronous-unwind-tables",
        "-fwhole-program", "-fno-tree-sra", "-gdwarf-4", "-g1", "-w", "-ftrack-macro-expansion=0", "-mtune=generic",
        MACHINE, "-nostdinc", "-include", FOLDER + "/device.h"};
}

// cc1plus | as
bool assemble(const std::string& source, bool fused, const std::string& object, const std::string& log) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    std::vector<std::string> words = compiler(fused);
    words.insert(words.end(), {source, "-o", "-"});
    pid_t compiling = start(words, -1, ends[1], log);
    pid_t assembling = start({EMULATOR_AS, "-o", object, "-"}, ends[0], -1, log);
    close(ends[0]);
    close(ends[1]);
    bool compiled = succeeded(compiling);
    return succeeded(assembling) && compiled;
}

// With two segments, not five: a process has at most 65530 mappings, and loads thousands of programs.
std::vector<std::string> linker(const std::string& object, const std::string& library) {
    return {EMULATOR_LD, "-shared", "-z", "noseparate-code", "-z", "norelro", "-o", library, object};
}

void replace(std::string& text, const std::string& what, const std::string& with) {
    for (size_t i = text.find(what); i != std::string::npos; i = text.find(what, i + with.size())) {
        text.replace(i, what.size(), with);
    }
}

// "softmax.cu:12:3: error: ..." becomes "softmax.cu(12): error: ...", as NVRTC says it.
std::string in_words_of_nvrtc(const std::string& log) {
    std::istringstream in(log);
    std::string out;
    for (std::string line; std::getline(in, line);) {
        for (const char* kind : {": fatal error: ", ": error: ", ": warning: ", ": note: "}) {
            size_t end = line.find(kind);
            size_t file = line.find(':');
            if (end != std::string::npos && file < end) {
                std::string row = line.substr(file + 1, line.find(':', file + 1) - file - 1);
                std::string severity = kind[2] == 'f' ? ": catastrophic error: " : kind;
                line = line.substr(0, file) + "(" + row + ")" + severity + line.substr(end + std::strlen(kind));
                break;
            }
        }
        out += line + "\n";
    }
    return out;
}

// One text of all programs, each in a namespace of its own: headers are read, and what they define is compiled, once.
std::string joined(const std::vector<const Program*>& programs) {
    if (programs.size() == 1) {
        return "# 1 \"" + programs[0]->name + "\"\n" + programs[0]->text;
    }
    std::string text = inclusions(programs[0]->text);
    for (size_t i = 0; i < programs.size(); i++) {
        text += "namespace program_" + std::to_string(i) + " {\n# 1 \"" + programs[i]->name + "\"\n"
            + programs[i]->text + "\n}\n";
    }
    return text;
}

}  // namespace

bool read(const std::string& path, std::string& text) {
    std::ifstream in(path, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    return in.good() || in.eof();
}

std::string inclusions(const std::string& text) {
    std::istringstream in(text);
    std::string lines;
    for (std::string line; std::getline(in, line);) {
        lines += line.compare(0, 8, "#include") == 0 ? line + "\n" : "";
    }
    return lines;
}

Compiled build(const std::vector<const Program*>& programs, const Options& options,
    const std::vector<std::string>& targets) {
    std::string folder = targets[0].substr(0, targets[0].rfind('/'));
    mkdir(folder.c_str(), 0755);
    Scratch scratch(folder);
    if (scratch.path.empty()) {
        return {false, "", "the emulator can't write to " + folder + ": " + std::strerror(errno)};
    }
    std::string log = scratch.file("log");
    std::string source = scratch.file("program.cu");
    write(source, joined(programs));
    for (const auto& [name, text] : programs[0]->headers) {
        write(scratch.file(name), text);
    }
    std::string preprocessed = scratch.file("program.ii");
    std::vector<std::string> words = {EMULATOR_CC1PLUS, "-E", "-quiet", "-std=c++17", "-nostdinc", "-I", scratch.path,
        "-DADJOINT_EMULATED", "-D__CUDACC__", "-D__CUDACC_RTC__",
        "-D__CUDA_ARCH__=" + std::to_string(options.architecture) + "0"};
    words.insert(words.end(), options.definitions.begin(), options.definitions.end());
    words.insert(words.end(), {source, "-o", preprocessed});

    Compiled compiled {succeeded(start(words, -1, -1, log)), "", ""};
    if (compiled.success) {
        std::string text;
        read(preprocessed, text);
        std::string rewritten = scratch.file("program.cpp");
        std::string object = scratch.file("program.o");
        std::string library = scratch.file("program.so");
        write(rewritten, rewrite(text, scratch.path + "/")
            + "\nextern \"C\" EMULATOR_VISIBLE const int emulator_architecture;\n"
            "const int emulator_architecture = " + std::to_string(options.architecture) + ";\n");
        compiled.success = assemble(rewritten, options.fused, object, log)
            && succeeded(start(linker(object, library), -1, -1, log));
        if (compiled.success) {
            compiled.success = read(library, compiled.image);
            for (const std::string& target : targets) {
                link(library.c_str(), target.c_str());
            }
        }
    }
    read(log, compiled.log);
    replace(compiled.log, scratch.path + "/", "");
    compiled.log = in_words_of_nvrtc(compiled.log);
    return compiled;
}

}  // namespace emulator

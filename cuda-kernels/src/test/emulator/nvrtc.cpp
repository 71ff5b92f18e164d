// Stands in for NVRTC, under its name, symbol versions and ABI: programs are compiled by g++ for the emulator, see
// program.cpp. The cubin is a shared object.
#include <cstring>
#include <string>
#include <vector>

#include "emulator.h"
#include "program.h"

#ifndef EMULATOR_NVRTC_MAJOR
#define EMULATOR_NVRTC_MAJOR 12
#define EMULATOR_NVRTC_MINOR 8
#endif

namespace {

enum Result {
    SUCCESS = 0,
    PROGRAM_CREATION_FAILURE = 2,
    INVALID_INPUT = 3,
    INVALID_PROGRAM = 4,
    INVALID_OPTION = 5,
    COMPILATION = 6,
    NO_NAME_EXPRESSIONS_AFTER_COMPILATION = 8,
    NO_LOWERED_NAMES_BEFORE_COMPILATION = 9,
    NAME_EXPRESSION_NOT_VALID = 10,
    INTERNAL_ERROR = 11,
};

const char* const NAMES[] = {"NVRTC_SUCCESS", "NVRTC_ERROR_OUT_OF_MEMORY", "NVRTC_ERROR_PROGRAM_CREATION_FAILURE",
    "NVRTC_ERROR_INVALID_INPUT", "NVRTC_ERROR_INVALID_PROGRAM", "NVRTC_ERROR_INVALID_OPTION",
    "NVRTC_ERROR_COMPILATION", "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE",
    "NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION", "NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION",
    "NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID", "NVRTC_ERROR_INTERNAL_ERROR", "NVRTC_ERROR_TIME_FILE_WRITE_FAILED"};

#if EMULATOR_NVRTC_MAJOR >= 13
const int ARCHITECTURES[] = {75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121};
#else
const int ARCHITECTURES[] = {50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90, 100, 101, 120};
#endif
const int ARCHITECTURE_COUNT = sizeof ARCHITECTURES / sizeof *ARCHITECTURES;

struct Handle {
    emulator::Program program;
    emulator::Compiled compiled;
    bool real;  // sm_90, which gives a cubin, not compute_90, which gives PTX only
};

bool starts(const std::string& text, const char* prefix, std::string& rest) {
    bool is = text.compare(0, std::strlen(prefix), prefix) == 0;
    rest = is ? text.substr(std::strlen(prefix)) : rest;
    return is;
}

struct Words {
    emulator::Options options {{}, ARCHITECTURES[0], true};
    bool real = false;
    std::string wrong;

    Words(int count, const char* const* words) {
        for (int i = 0; i < count && wrong.empty(); i++) {
            std::string option = words[i];
            std::string value;
            if (starts(option, "-D", value) || starts(option, "--define-macro=", value)) {
                options.definitions.push_back("-D" + value);
            } else if (starts(option, "--gpu-architecture=", value) || starts(option, "-arch=", value)) {
                choose(value);
            } else if (starts(option, "--fmad=", value) || starts(option, "-fmad=", value)) {
                options.fused = value == "true";
            } else if (!known(option)) {
                wrong = "unrecognized option " + option + " found";
            }
        }
    }

private:
    void choose(const std::string& value) {
        std::string number;
        real = starts(value, "sm_", number);
        bool known = real || starts(value, "compute_", number);
        options.architecture = std::atoi(number.c_str());
        bool supported = false;
        for (int candidate : ARCHITECTURES) {
            supported |= candidate == options.architecture;
        }
        if (!known || !supported) {
            wrong = "invalid value for --gpu-architecture (-arch)";
        }
    }

    static bool known(const std::string& option) {
        for (const char* candidate : {"--std=c++17", "-std=c++17", "--generate-line-info", "-lineinfo",
                "--restrict", "-restrict", "-default-device", "--disable-warnings", "-w"}) {
            if (option == candidate) {
                return true;
            }
        }
        std::string value;
        return starts(option, "--diag-", value) || starts(option, "--ptxas-options=", value)
            || starts(option, "--split-compile=", value) || starts(option, "--maxrregcount=", value);
    }
};

// Images count all their bytes, texts their terminating zero as well.
int give(const std::string& text, size_t terminator, char* target) {
    if (target == nullptr) {
        return INVALID_INPUT;
    }
    std::memcpy(target, text.c_str(), text.size() + terminator);
    return SUCCESS;
}

int give_size(size_t size, size_t* target) {
    if (target == nullptr) {
        return INVALID_INPUT;
    }
    *target = size;
    return SUCCESS;
}

const std::string PTX = "// a program of the emulator\n";

}  // namespace

#define INJECTED(call) \
    if (int status = emulator::injected(call)) { \
        return status; \
    }
#define REQUIRE_PROGRAM(program) \
    if ((program) == nullptr) { \
        return INVALID_PROGRAM; \
    }

extern "C" {

const char* nvrtcGetErrorString(int result) {
    return result >= 0 && result <= 12 ? NAMES[result] : "NVRTC_ERROR unknown";
}

int nvrtcVersion(int* major, int* minor) {
    INJECTED("nvrtcVersion")
    if (major == nullptr || minor == nullptr) {
        return INVALID_INPUT;
    }
    *major = EMULATOR_NVRTC_MAJOR;
    *minor = EMULATOR_NVRTC_MINOR;
    return SUCCESS;
}

int nvrtcGetNumSupportedArchs(int* count) {
    INJECTED("nvrtcGetNumSupportedArchs")
    if (count == nullptr) {
        return INVALID_INPUT;
    }
    *count = ARCHITECTURE_COUNT;
    return SUCCESS;
}

int nvrtcGetSupportedArchs(int* architectures) {
    INJECTED("nvrtcGetSupportedArchs")
    if (architectures == nullptr) {
        return INVALID_INPUT;
    }
    std::memcpy(architectures, ARCHITECTURES, sizeof ARCHITECTURES);
    return SUCCESS;
}

int nvrtcCreateProgram(Handle** program, const char* source, const char* name, int header_count,
    const char* const* headers, const char* const* include_names) {
    INJECTED("nvrtcCreateProgram")
    if (program == nullptr || source == nullptr || header_count < 0
        || (header_count > 0 && (headers == nullptr || include_names == nullptr))) {
        return INVALID_INPUT;
    }
    *program = new Handle {{name == nullptr ? "default_program" : name, source, {}}, {false, "", ""}, false};
    for (int i = 0; i < header_count; i++) {
        (*program)->program.headers.emplace_back(include_names[i], headers[i]);
    }
    return SUCCESS;
}

int nvrtcDestroyProgram(Handle** program) {
    INJECTED("nvrtcDestroyProgram")
    if (program == nullptr) {
        return INVALID_PROGRAM;
    }
    delete *program;
    *program = nullptr;
    return SUCCESS;
}

int nvrtcCompileProgram(Handle* program, int count, const char* const* words) {
    INJECTED("nvrtcCompileProgram")
    REQUIRE_PROGRAM(program)
    Words read(count, words);
    if (!read.wrong.empty()) {
        program->compiled = {false, "", "nvrtc: error: " + read.wrong + "\n"};
        return INVALID_OPTION;
    }
    program->real = read.real;
    program->compiled = emulator::compile(program->program, read.options);
    return program->compiled.success ? SUCCESS : COMPILATION;
}

int nvrtcGetProgramLogSize(Handle* program, size_t* size) {
    INJECTED("nvrtcGetProgramLogSize")
    REQUIRE_PROGRAM(program)
    return give_size(program->compiled.log.size() + 1, size);
}

int nvrtcGetProgramLog(Handle* program, char* log) {
    INJECTED("nvrtcGetProgramLog")
    REQUIRE_PROGRAM(program)
    return give(program->compiled.log, 1, log);
}

int nvrtcGetCUBINSize(Handle* program, size_t* size) {
    INJECTED("nvrtcGetCUBINSize")
    REQUIRE_PROGRAM(program)
    return give_size(program->real ? program->compiled.image.size() : 0, size);
}

int nvrtcGetCUBIN(Handle* program, char* image) {
    INJECTED("nvrtcGetCUBIN")
    REQUIRE_PROGRAM(program)
    return program->real && program->compiled.success ? give(program->compiled.image, 0, image) : INVALID_PROGRAM;
}

int nvrtcGetPTXSize(Handle* program, size_t* size) {
    INJECTED("nvrtcGetPTXSize")
    REQUIRE_PROGRAM(program)
    return program->compiled.success ? give_size(PTX.size() + 1, size) : INVALID_PROGRAM;
}

int nvrtcGetPTX(Handle* program, char* text) {
    INJECTED("nvrtcGetPTX")
    REQUIRE_PROGRAM(program)
    return program->compiled.success ? give(PTX, 1, text) : INVALID_PROGRAM;
}

int nvrtcAddNameExpression(Handle* program, const char*) {
    REQUIRE_PROGRAM(program)
    return NAME_EXPRESSION_NOT_VALID;  // kernels are extern "C"
}

int nvrtcGetLoweredName(Handle* program, const char*, const char**) {
    REQUIRE_PROGRAM(program)
    return NO_LOWERED_NAMES_BEFORE_COMPILATION;
}

}  // extern "C"

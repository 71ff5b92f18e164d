// What the stand-ins of NVRTC and cuBLAS ask of the emulator, which is libcuda.so.1, loaded before them.
#pragma once
#include <dlfcn.h>
#include <cstddef>

namespace emulator {

// The function of that name in the emulator, or null where the process has loaded none.
template <typename F> F imported(const char* name) {
    static void* library = nullptr;
    if (library == nullptr) {
        library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    }
    return library == nullptr ? nullptr : reinterpret_cast<F>(dlsym(library, name));
}

// The status that a test asked this call to fail with, or 0.
inline int injected(const char* call) {
    auto called = imported<int (*)(const char*)>("emulator_called");
    return called == nullptr ? 0 : called(call);
}

}  // namespace emulator

// Modules, functions, launches.
#include "api.h"
#include <algorithm>
#include <cstring>

namespace {

// The parameters as the kernel declares them, from an array of pointers or from one buffer.
int take_parameters(const Kernel* launched, void** pointers, void** extra, Grid* grid) {
    size_t end = 0, widest = 1;
    for (int i = 0; i < launched->parameters; i++) {
        size_t alignment = launched->alignments[i];
        end = (end + alignment - 1) / alignment * alignment;
        grid->offsets.push_back(end);
        end += launched->sizes[i];
        widest = std::max(widest, alignment);
    }
    // The storage is aligned to 8 bytes only; wider parameters are copied to the thread's stack anyway.
    grid->storage.resize(end / 8 + 2);
    char* storage = (char*) grid->storage.data();
    if (extra != nullptr) {
        const void* buffer = nullptr;
        size_t size = 0;
        for (void** at = extra; (uintptr_t) *at != 0; at += 2) {
            if ((uintptr_t) *at == 1) {
                buffer = at[1];
            } else if ((uintptr_t) *at == 2) {
                size = *(size_t*) at[1];
            } else {
                return INVALID_VALUE;
            }
        }
        size_t rounded = (end + widest - 1) / widest * widest;
        if ((buffer == nullptr && end > 0) || size < end || size > std::max(rounded, (end + 7) / 8 * 8)) {
            refuse("wrong parameter size", "%s takes %d parameters of %zu bytes in all, not %zu bytes", launched->name,
                launched->parameters, end, size);
            return INVALID_VALUE;
        }
        memcpy(storage, buffer, end);
        return SUCCESS;
    }
    if (pointers == nullptr && launched->parameters > 0) {
        refuse("wrong parameter count", "%s takes %d parameters and got none", launched->name, launched->parameters);
        return INVALID_VALUE;
    }
    for (int i = 0; i < launched->parameters; i++) {
        if (pointers[i] == nullptr) {
            refuse("wrong parameter count", "%s takes %d parameters; number %d is null", launched->name,
                launched->parameters, i);
            return INVALID_VALUE;
        }
        memcpy(storage + grid->offsets[i], pointers[i], launched->sizes[i]);
    }
    return SUCCESS;
}

int launch(Function* function, Index grid, Index block, unsigned dynamic, void* handle, void** parameters,
        void** extra) {
    if (!is_function(function)) {
        return INVALID_HANDLE;
    }
    Stream* stream = stream_of(handle);
    if (stream == nullptr) {
        return INVALID_HANDLE;
    }
    if (int code = check_grid(function, grid, block, dynamic)) {
        return code;
    }
    auto work = std::make_shared<Grid>();
    work->function = function;
    work->grid = grid;
    work->block = block;
    work->dynamic = dynamic;
    if (int code = take_parameters(function->kernel, parameters, extra, work.get())) {
        return code;
    }
    return enqueue(stream, [work] { return run_grid(*work); });
}

int blocks_per_processor(const Function* function, int threads, size_t dynamic) {
    if (threads <= 0 || threads > (int) function->kernel->most_threads) {
        return 0;
    }
    int by_threads = 2048 / ((threads + 31) / 32 * 32);
    int by_memory = (int) (most_dynamic_shared() / (dynamic + 1024));
    return std::min({32, by_threads, by_memory});
}

}  // namespace

extern "C" {
#pragma GCC visibility push(default)

// Modules and functions

int cuModuleLoadData(Module** module, const void* image) {
    BEGIN(cuModuleLoadData)
    REFUSE_DURING_CAPTURE()
    int code;
    *module = load_module((const char*) image, &code);
    return code;
}

int cuModuleLoadDataEx(Module** module, const void* image, unsigned, int*, void**) {
    BEGIN(cuModuleLoadDataEx)
    REFUSE_DURING_CAPTURE()
    int code;
    *module = load_module((const char*) image, &code);
    return code;
}

int cuModuleUnload(Module* module) {
    BEGIN(cuModuleUnload)
    drain_all();
    unload_module(module);
    return failed ? sticky : SUCCESS;
}

int cuModuleGetFunction(Function** function, Module* module, const char* name) {
    BEGIN(cuModuleGetFunction)
    *function = find_function(module, name);
    return *function == nullptr ? NOT_FOUND : SUCCESS;
}

int cuModuleGetLoadingMode(int* mode) {
    BEGIN_WITHOUT_CONTEXT(cuModuleGetLoadingMode)
    *mode = 1;
    return SUCCESS;
}

int cuFuncGetModule(Module** module, Function* function) {
    BEGIN(cuFuncGetModule)
    if (!is_function(function)) {
        return INVALID_HANDLE;
    }
    *module = function->module;
    return SUCCESS;
}

int cuFuncGetAttribute(int* value, int attribute, Function* function) {
    BEGIN(cuFuncGetAttribute)
    if (!is_function(function)) {
        return INVALID_HANDLE;
    }
    switch (attribute) {
        case 0: *value = (int) function->kernel->most_threads; break;
        case 4: *value = 32; break;
        case 5: case 6: *value = settings.major * 10 + settings.minor; break;
        case 8: *value = (int) function->most_dynamic; break;
        default: *value = 0; break;
    }
    return SUCCESS;
}

int cuFuncSetAttribute(Function* function, int attribute, int value) {
    BEGIN(cuFuncSetAttribute)
    if (!is_function(function)) {
        return INVALID_HANDLE;
    }
    if (attribute == 8) {
        if (value < 0 || value > (int) most_dynamic_shared()) {
            refuse("too much shared memory", "%s asks for %d bytes of dynamic shared memory; the card allows %u",
                function->kernel->name, value, most_dynamic_shared());
            return INVALID_VALUE;
        }
        function->most_dynamic = std::max(value, (int) SHARED_STATIC_MOST);
        return SUCCESS;
    }
    return attribute == 9 ? SUCCESS : INVALID_VALUE;
}

int cuFuncSetCacheConfig(Function*, int) {
    BEGIN(cuFuncSetCacheConfig)
    return SUCCESS;
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Function* function, int threads, size_t dynamic) {
    BEGIN(cuOccupancyMaxActiveBlocksPerMultiprocessor)
    if (!is_function(function)) {
        return INVALID_HANDLE;
    }
    *blocks = blocks_per_processor(function, threads, dynamic);
    return SUCCESS;
}

int cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, Function* function, int threads, size_t dynamic,
        unsigned) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, dynamic);
}

// Launches

int cuLaunchKernel(Function* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
        unsigned block_y, unsigned block_z, unsigned dynamic, void* stream, void** parameters, void** extra) {
    BEGIN(cuLaunchKernel)
    return launch(function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic, stream, parameters, extra);
}

int cuLaunchHostFunc(void* handle, void (*run)(void*), void* data) {
    BEGIN(cuLaunchHostFunc)
    STREAM(handle)
    return enqueue(stream, [=] {
        run(data);
        return SUCCESS;
    });
}
#pragma GCC visibility pop
}

// Devices and contexts.
#include "api.h"
#include <algorithm>
#include <cstdio>
#include <cstring>

thread_local Context* current_context;
bool initialized;

namespace {

Context primary{0, 0, true};
std::vector<Context*> contexts;

unsigned most_shared() {
    int architecture = settings.major * 10 + settings.minor;
    return architecture < 80 ? 64 << 10 : architecture == 80 ? 163 << 10 : architecture < 90 ? 99 << 10 : SHARED_MOST;
}

// All that lived in the context ends with it.
void end_context() {
    drain_all();
    if (!memory.live.empty() && !failed) {
        auto first = memory.live.begin();
        refuse("leaked at context destroy",
            "%zu allocations of %zu bytes were not freed; the first is allocation %zu of %zu bytes",
            memory.live.size(), memory.live_bytes, (size_t) first->second.number, first->second.bytes);
    }
    drop_streams();
    drop_handles();
    forget_modules();
    release_all();
    sticky = 0;
    failed = false;
}

bool bad_device(int device) {
    return device < 0 || device >= settings.devices;
}

}  // namespace

bool is_context(const Context* context) {
    return (context == &primary && primary.retained > 0)
        || std::find(contexts.begin(), contexts.end(), context) != contexts.end();
}

void drop_contexts() {
    for (Context* context : contexts) {
        delete context;
    }
    contexts.clear();
    primary.retained = 0;
}

unsigned most_dynamic_shared() {
    return most_shared();
}

extern "C" {
#pragma GCC visibility push(default)

int cuInit(unsigned flags) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (int code = called("cuInit")) {
        return code;
    }
    if (flags != 0) {
        return INVALID_VALUE;
    }
    if (settings.devices == 0) {
        return 100;
    }
    map_arena();
    if (arena == nullptr) {
        return OUT_OF_MEMORY;
    }
    initialized = true;
    return SUCCESS;
}

int cuDriverGetVersion(int* version) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (int code = called("cuDriverGetVersion")) {
        return code;
    }
    *version = settings.driver;
    return SUCCESS;
}

int cuDeviceGetCount(int* count) {
    BEGIN_WITHOUT_CONTEXT(cuDeviceGetCount)
    *count = settings.devices;
    return SUCCESS;
}

int cuDeviceGet(int* device, int ordinal) {
    BEGIN_WITHOUT_CONTEXT(cuDeviceGet)
    if (bad_device(ordinal)) {
        return INVALID_DEVICE;
    }
    *device = ordinal;
    return SUCCESS;
}

int cuDeviceGetName(char* name, int length, int device) {
    BEGIN_WITHOUT_CONTEXT(cuDeviceGetName)
    if (bad_device(device)) {
        return INVALID_DEVICE;
    }
    snprintf(name, length, "Adjoint emulator");
    return SUCCESS;
}

int cuDeviceGetUuid(void* uuid, int device) {
    BEGIN_WITHOUT_CONTEXT(cuDeviceGetUuid)
    memset(uuid, 0xad, 16);
    return bad_device(device) ? INVALID_DEVICE : SUCCESS;
}

int cuDeviceGetPCIBusId(char* text, int length, int device) {
    BEGIN_WITHOUT_CONTEXT(cuDeviceGetPCIBusId)
    snprintf(text, length, "0000:%02x:00.0", device);
    return bad_device(device) ? INVALID_DEVICE : SUCCESS;
}

int cuDeviceTotalMem_v2(size_t* bytes, int device) {
    BEGIN_WITHOUT_CONTEXT(cuDeviceTotalMem)
    *bytes = settings.capacity;
    return bad_device(device) ? INVALID_DEVICE : SUCCESS;
}

int cuDeviceComputeCapability(int* major, int* minor, int device) {
    BEGIN_WITHOUT_CONTEXT(cuDeviceComputeCapability)
    *major = settings.major;
    *minor = settings.minor;
    return bad_device(device) ? INVALID_DEVICE : SUCCESS;
}

int cuDeviceGetAttribute(int* value, int attribute, int device) {
    BEGIN_WITHOUT_CONTEXT(cuDeviceGetAttribute)
    if (bad_device(device)) {
        return INVALID_DEVICE;
    }
    switch (attribute) {
        case 1: case 2: case 3: *value = 1024; break;      // threads of a block, block x, y
        case 4: *value = 64; break;                        // block z
        case 5: *value = 0x7fffffff; break;                // grid x
        case 6: case 7: *value = 65535; break;             // grid y, z
        case 8: *value = SHARED_STATIC_MOST; break;        // shared memory of a block
        case 9: *value = 65536; break;                     // constant memory
        case 10: *value = 32; break;                       // warp
        case 11: *value = 0x7fffffff; break;               // pitch
        case 12: case 82: *value = 65536; break;           // registers of a block, of a multiprocessor
        case 13: *value = 1980000; break;                  // clock, kHz
        case 16: *value = settings.processors; break;
        case 36: *value = 2619000; break;                  // memory clock, kHz
        case 37: *value = 5120; break;                     // memory bus, bits
        case 38: *value = 50 << 20; break;                 // L2
        case 39: *value = 2048; break;                     // threads of a multiprocessor
        case 40: *value = 3; break;                        // copy engines
        case 15: case 19: case 31: case 41: case 78: case 95: case 115: *value = 1; break;
        case 75: *value = settings.major; break;
        case 76: *value = settings.minor; break;
        case 81: *value = (int) most_shared() + 1024; break;
        case 97: *value = (int) most_shared(); break;
        case 106: *value = 32; break;                      // blocks of a multiprocessor
        case 111: *value = 1024; break;                    // shared memory that the system takes of a block
        default: *value = 0; break;
    }
    return SUCCESS;
}

int cuDevicePrimaryCtxRetain(Context** context, int device) {
    BEGIN_WITHOUT_CONTEXT(cuDevicePrimaryCtxRetain)
    if (bad_device(device)) {
        return INVALID_DEVICE;
    }
    primary.device = device;
    primary.retained++;
    *context = &primary;
    return SUCCESS;
}

int cuDevicePrimaryCtxRelease_v2(int device) {
    BEGIN_WITHOUT_CONTEXT(cuDevicePrimaryCtxRelease)
    if (bad_device(device)) {
        return INVALID_DEVICE;
    }
    if (primary.retained == 0) {
        return INVALID_CONTEXT;
    }
    if (--primary.retained == 0) {
        end_context();
    }
    return SUCCESS;
}

int cuDevicePrimaryCtxReset_v2(int device) {
    BEGIN_WITHOUT_CONTEXT(cuDevicePrimaryCtxReset)
    if (bad_device(device)) {
        return INVALID_DEVICE;
    }
    end_context();
    return SUCCESS;
}

int cuDevicePrimaryCtxSetFlags_v2(int device, unsigned) {
    BEGIN_WITHOUT_CONTEXT(cuDevicePrimaryCtxSetFlags)
    return bad_device(device) ? INVALID_DEVICE : SUCCESS;
}

int cuDevicePrimaryCtxGetState(int device, unsigned* flags, int* active) {
    BEGIN_WITHOUT_CONTEXT(cuDevicePrimaryCtxGetState)
    *flags = 0;
    *active = primary.retained > 0;
    return bad_device(device) ? INVALID_DEVICE : SUCCESS;
}

int cuCtxCreate_v2(Context** context, unsigned, int device) {
    BEGIN_WITHOUT_CONTEXT(cuCtxCreate)
    if (bad_device(device)) {
        return INVALID_DEVICE;
    }
    current_context = *context = new Context{device, 1, false};
    contexts.push_back(current_context);
    return SUCCESS;
}

int cuCtxDestroy_v2(Context* context) {
    BEGIN_WITHOUT_CONTEXT(cuCtxDestroy)
    auto found = std::find(contexts.begin(), contexts.end(), context);
    if (found == contexts.end()) {
        return INVALID_CONTEXT;
    }
    contexts.erase(found);
    if (current_context == context) {
        current_context = nullptr;
    }
    delete context;
    if (contexts.empty() && primary.retained == 0) {
        end_context();
    }
    return SUCCESS;
}

int cuCtxSetCurrent(Context* context) {
    BEGIN_WITHOUT_CONTEXT(cuCtxSetCurrent)
    if (context != nullptr && !is_context(context)) {
        return INVALID_CONTEXT;
    }
    current_context = context;
    return SUCCESS;
}

int cuCtxGetCurrent(Context** context) {
    BEGIN_WITHOUT_CONTEXT(cuCtxGetCurrent)
    *context = current_context;
    return SUCCESS;
}

int cuCtxPushCurrent_v2(Context* context) {
    return cuCtxSetCurrent(context);
}

int cuCtxPopCurrent_v2(Context** context) {
    BEGIN(cuCtxPopCurrent)
    if (context != nullptr) {
        *context = current_context;
    }
    current_context = nullptr;
    return SUCCESS;
}

int cuCtxGetDevice(int* device) {
    BEGIN(cuCtxGetDevice)
    *device = current_context->device;
    return SUCCESS;
}

int cuCtxGetApiVersion(Context*, unsigned* version) {
    BEGIN_WITHOUT_CONTEXT(cuCtxGetApiVersion)
    *version = 3020;
    return SUCCESS;
}

int cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    BEGIN(cuCtxGetStreamPriorityRange)
    *least = 0;
    *greatest = -5;
    return SUCCESS;
}

int cuCtxSetCacheConfig(int) {
    BEGIN(cuCtxSetCacheConfig)
    return SUCCESS;
}

int cuCtxSetLimit(int, size_t) {
    BEGIN(cuCtxSetLimit)
    return SUCCESS;
}

int cuCtxSynchronize() {
    BEGIN(cuCtxSynchronize)
    REFUSE_DURING_CAPTURE()
    return drain_all();
}
#pragma GCC visibility pop
}

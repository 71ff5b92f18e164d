// Allocating, copying, filling.
#include "api.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

// Page-locked host memory: copies from and to it are asynchronous.
std::map<uintptr_t, size_t> pinned;
std::map<uintptr_t, size_t> owned;

bool is_pinned(const void* host, size_t bytes) {
    auto next = pinned.upper_bound((uintptr_t) host);
    if (next == pinned.begin()) {
        return false;
    }
    auto found = std::prev(next);
    return (uintptr_t) host + bytes <= found->first + found->second;
}

// When the copy runs, its device side may be gone.
int run_copy(uintptr_t device, size_t bytes, const char* what, const std::function<void()>& copy) {
    if (int code = called("copy")) {
        sticky = code;
        failed = true;
        return code;
    }
    if (check_host_range(device, bytes, what) != SUCCESS) {
        sticky = ILLEGAL_ADDRESS;
        failed = true;
        return ILLEGAL_ADDRESS;
    }
    copy();
    return SUCCESS;
}

void copy_states(uintptr_t target, uintptr_t source, size_t bytes) {
    memmove(state + (target - (uintptr_t) arena), state + (source - (uintptr_t) arena), bytes);
    memmove((void*) target, (void*) source, bytes);
}

int to_device(uintptr_t target, const void* source, size_t bytes, Stream* stream, bool wait) {
    if (int code = check_host_range(target, bytes, "copy to the device")) {
        return code;
    }
    // Pageable memory is read before the call returns, page-locked memory when the copy runs.
    const void* from = source;
    std::shared_ptr<char> staged;
    if (!wait && !is_pinned(source, bytes) && !is_capturing(stream)) {
        staged = std::shared_ptr<char>((char*) malloc(bytes + 1), free);
        memcpy(staged.get(), source, bytes);
        from = staged.get();
    }
    int code = enqueue(stream, [=] {
        return run_copy(target, bytes, "copy to the device", [=] {
            memcpy((void*) target, staged ? staged.get() : from, bytes);
            set_initialized(target, bytes);
        });
    });
    return code == SUCCESS && wait ? drain(stream) : code;
}

int from_device(void* target, uintptr_t source, size_t bytes, Stream* stream, bool wait) {
    if (int code = check_host_range(source, bytes, "copy from the device")) {
        return code;
    }
    int code = enqueue(stream, [=] {
        return run_copy(source, bytes, "copy from the device", [=] { memcpy(target, (void*) source, bytes); });
    });
    wait |= !is_pinned(target, bytes) && !is_capturing(stream);
    return code == SUCCESS && wait ? drain(stream) : code;
}

int on_device(uintptr_t target, uintptr_t source, size_t bytes, Stream* stream, bool) {
    if (int code = check_host_range(target, bytes, "target of a copy")) {
        return code;
    }
    if (int code = check_host_range(source, bytes, "source of a copy")) {
        return code;
    }
    return enqueue(stream, [=] {
        return run_copy(target, bytes, "target of a copy", [=] { copy_states(target, source, bytes); });
    });
}

int any_copy(uintptr_t target, uintptr_t source, size_t bytes, Stream* stream, bool wait) {
    if (in_arena(target) && in_arena(source)) {
        return on_device(target, source, bytes, stream, wait);
    }
    if (in_arena(target)) {
        return to_device(target, (const void*) source, bytes, stream, wait);
    }
    return in_arena(source) ? from_device((void*) target, source, bytes, stream, wait) : INVALID_VALUE;
}

template <typename T> int fill(uintptr_t target, T value, size_t count, Stream* stream) {
    if (target % sizeof(T) != 0) {
        return INVALID_VALUE;
    }
    if (int code = check_host_range(target, count * sizeof(T), "fill")) {
        return code;
    }
    return enqueue(stream, [=] {
        return run_copy(target, count * sizeof(T), "fill", [=] {
            std::fill_n((T*) target, count, value);
            set_initialized(target, count * sizeof(T));
        });
    });
}

}  // namespace

void drop_host_memory() {
    for (auto& [address, bytes] : owned) {
        free((void*) address);
    }
    owned.clear();
    pinned.clear();
}

extern "C" {
#pragma GCC visibility push(default)

int cuMemAlloc_v2(uintptr_t* address, size_t bytes) {
    BEGIN(cuMemAlloc)
    REFUSE_DURING_CAPTURE()
    return allocate(address, bytes);
}

int cuMemFree_v2(uintptr_t address) {
    BEGIN(cuMemFree)
    REFUSE_DURING_CAPTURE()
    if (int code = drain_all()) {
        return code;
    }
    return release(address, "cuMemFree");
}

int cuMemAllocAsync(uintptr_t* address, size_t bytes, void* handle) {
    BEGIN(cuMemAllocAsync)
    STREAM(handle)
    return is_capturing(stream) ? (int) CAPTURE_UNSUPPORTED : allocate(address, bytes);
}

int cuMemFreeAsync(uintptr_t address, void* handle) {
    BEGIN(cuMemFreeAsync)
    STREAM(handle)
    if (is_capturing(stream)) {
        return CAPTURE_UNSUPPORTED;
    }
    if (int code = check_host_range(address, 1, "cuMemFreeAsync")) {
        return code;
    }
    return enqueue(stream, [=] { return release(address, "cuMemFreeAsync"); });
}

int cuMemGetInfo_v2(size_t* free_bytes, size_t* total) {
    BEGIN(cuMemGetInfo)
    *total = settings.capacity;
    *free_bytes = settings.capacity - std::min(settings.capacity, memory.live_bytes);
    return SUCCESS;
}

int cuMemGetAddressRange_v2(uintptr_t* base, size_t* bytes, uintptr_t address) {
    BEGIN(cuMemGetAddressRange)
    if (int code = check_host_range(address, 1, "cuMemGetAddressRange")) {
        return code;
    }
    auto found = std::prev(memory.live.upper_bound(address - (uintptr_t) arena));
    *base = (uintptr_t) arena + found->first;
    *bytes = found->second.bytes;
    return SUCCESS;
}

int cuMemHostAlloc(void** host, size_t bytes, unsigned) {
    BEGIN(cuMemHostAlloc)
    if (bytes == 0) {
        return INVALID_VALUE;
    }
    *host = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    if (*host == nullptr) {
        return OUT_OF_MEMORY;
    }
    memset(*host, 0xff, bytes);
    owned[(uintptr_t) *host] = bytes;
    pinned[(uintptr_t) *host] = bytes;
    return SUCCESS;
}

int cuMemAllocHost_v2(void** host, size_t bytes) {
    return cuMemHostAlloc(host, bytes, 0);
}

int cuMemFreeHost(void* host) {
    BEGIN(cuMemFreeHost)
    if (owned.erase((uintptr_t) host) == 0) {
        return INVALID_VALUE;
    }
    drain_all();
    pinned.erase((uintptr_t) host);
    free(host);
    return SUCCESS;
}

int cuMemHostRegister_v2(void* host, size_t bytes, unsigned) {
    BEGIN(cuMemHostRegister)
    if (bytes == 0) {
        return INVALID_VALUE;
    }
    return pinned.emplace((uintptr_t) host, bytes).second ? SUCCESS : ALREADY_REGISTERED;
}

int cuMemHostUnregister(void* host) {
    BEGIN(cuMemHostUnregister)
    if (owned.count((uintptr_t) host) || pinned.count((uintptr_t) host) == 0) {
        return NOT_REGISTERED;
    }
    drain_all();
    pinned.erase((uintptr_t) host);
    return SUCCESS;
}

int cuMemHostGetDevicePointer_v2(uintptr_t*, void*, unsigned) {
    BEGIN(cuMemHostGetDevicePointer)
    return NOT_SUPPORTED;
}

int cuMemcpyHtoD_v2(uintptr_t target, const void* source, size_t bytes) {
    BEGIN(cuMemcpyHtoD)
    REFUSE_DURING_CAPTURE()
    return to_device(target, source, bytes, &null_stream, true);
}

int cuMemcpyDtoH_v2(void* target, uintptr_t source, size_t bytes) {
    BEGIN(cuMemcpyDtoH)
    REFUSE_DURING_CAPTURE()
    return from_device(target, source, bytes, &null_stream, true);
}

int cuMemcpyDtoD_v2(uintptr_t target, uintptr_t source, size_t bytes) {
    BEGIN(cuMemcpyDtoD)
    REFUSE_DURING_CAPTURE()
    return on_device(target, source, bytes, &null_stream, false);
}

int cuMemcpy(uintptr_t target, uintptr_t source, size_t bytes) {
    BEGIN(cuMemcpy)
    REFUSE_DURING_CAPTURE()
    return any_copy(target, source, bytes, &null_stream, true);
}

int cuMemcpyHtoDAsync_v2(uintptr_t target, const void* source, size_t bytes, void* handle) {
    BEGIN(cuMemcpyHtoDAsync)
    STREAM(handle)
    return to_device(target, source, bytes, stream, false);
}

int cuMemcpyDtoHAsync_v2(void* target, uintptr_t source, size_t bytes, void* handle) {
    BEGIN(cuMemcpyDtoHAsync)
    STREAM(handle)
    return from_device(target, source, bytes, stream, false);
}

int cuMemcpyDtoDAsync_v2(uintptr_t target, uintptr_t source, size_t bytes, void* handle) {
    BEGIN(cuMemcpyDtoDAsync)
    STREAM(handle)
    return on_device(target, source, bytes, stream, false);
}

int cuMemcpyAsync(uintptr_t target, uintptr_t source, size_t bytes, void* handle) {
    BEGIN(cuMemcpyAsync)
    STREAM(handle)
    return any_copy(target, source, bytes, stream, false);
}

#define FILL(bits) \
    int cuMemsetD##bits##_v2(uintptr_t target, uint##bits##_t value, size_t count) { \
        BEGIN(cuMemsetD##bits) \
        return fill(target, value, count, &null_stream); \
    } \
    int cuMemsetD##bits##Async(uintptr_t target, uint##bits##_t value, size_t count, void* handle) { \
        BEGIN(cuMemsetD##bits##Async) \
        STREAM(handle) \
        return fill(target, value, count, stream); \
    }
FILL(8)
FILL(16)
FILL(32)
#pragma GCC visibility pop
}

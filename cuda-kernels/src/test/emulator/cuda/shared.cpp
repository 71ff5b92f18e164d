// Shared memory of the running block: the dynamic part at the start, static variables behind it as they are met, each
// behind a red zone.
#include "state.h"
#include <cstring>

unsigned shared_dynamic_bytes, shared_limit;
uint64_t block_serial;

namespace {

constexpr size_t RED_ZONE = 64;

// Bytes of static variables, as a card would lay them out; bytes from the start to the last one's end.
size_t shared_used, shared_dirty;

}  // namespace

void clear_shared() {
    if (shared_dirty > 0) {
        memset(state + SHARED_AT, 0, shared_dirty);
    }
    memset(arena + SHARED_AT, 0xff, shared_dynamic_bytes);
    memset(state + SHARED_AT, ALLOCATED, shared_dynamic_bytes);
    shared_used = 0;
    shared_dirty = shared_dynamic_bytes;
}

extern "C" {
#pragma GCC visibility push(default)

void* emulator_dynamic() { return arena + SHARED_AT; }

struct EmulatorShared { uint64_t block; unsigned offset; };

void* emulator_shared(EmulatorShared* variable, size_t bytes, size_t alignment, const char* name) {
    if (variable->block != block_serial) {
        uintptr_t pc = (uintptr_t) __builtin_return_address(0);
        size_t at = (SHARED_AT + shared_dirty + RED_ZONE + alignment - 1) / alignment * alignment;
        shared_used = (shared_used + alignment - 1) / alignment * alignment + bytes;
        if (shared_used > SHARED_STATIC_MOST || shared_used + shared_dynamic_bytes > shared_limit) {
            fault("too much shared memory", INVALID_VALUE, pc,
                "%s brings the block to %zu static and %u dynamic bytes; %zu static ones and %u in all are allowed",
                name, shared_used, shared_dynamic_bytes, SHARED_STATIC_MOST, shared_limit);
            abandon();
        }
        memset(arena + at, 0xff, bytes);
        memset(state + at, ALLOCATED, bytes);
        shared_dirty = at + bytes - SHARED_AT;
        variable->offset = (unsigned) at;
        variable->block = block_serial;
    }
    return arena + variable->offset;
}
#pragma GCC visibility pop
}

// Device memory: allocations with red zones, never reused while there is room, and a state per byte.
#include "state.h"
#include <cstring>
#include <sys/mman.h>

Memory memory;
char* arena;
uint8_t* state;
Cell* words;
Cell* bytes_of_words;
uint32_t* page_stamps;

namespace {

constexpr size_t RED_ZONE = 256;
constexpr size_t FIRST = SHARED_END + PAGE;
size_t cursor = FIRST;

void* reserve(size_t bytes) {
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? nullptr : at;
}

size_t padded(size_t bytes) {
    return (bytes + 255) / 256 * 256 + RED_ZONE;
}

// The next gap at or after the cursor; 0 if there is none.
size_t find_gap(size_t bytes) {
    for (int attempt = 0; attempt < 2; attempt++) {
        size_t at = attempt == 0 ? cursor : FIRST;
        auto next = memory.live.lower_bound(at);
        if (next != memory.live.begin()) {
            auto before = std::prev(next);
            at = std::max(at, before->first + padded(before->second.bytes));
        }
        for (; at + bytes <= ARENA; ++next) {
            if (next == memory.live.end() || at + bytes <= next->first) {
                return at;
            }
            at = next->first + padded(next->second.bytes);
        }
    }
    return 0;
}

// Gives whole pages back to the system, so that freed memory costs nothing.
void zero(void* from, size_t bytes) {
    uintptr_t first = ((uintptr_t) from + PAGE - 1) / PAGE * PAGE;
    uintptr_t last = ((uintptr_t) from + bytes) / PAGE * PAGE;
    if (bytes < 64 * PAGE || first >= last) {
        memset(from, 0, bytes);
        return;
    }
    memset(from, 0, first - (uintptr_t) from);
    madvise((void*) first, last - first, MADV_DONTNEED);
    memset((void*) last, 0, (uintptr_t) from + bytes - last);
}

}  // namespace

void map_arena() {
    if (arena == nullptr) {
        state = (uint8_t*) reserve(ARENA);
        words = (Cell*) reserve(ARENA / 4 * sizeof(Cell));
        bytes_of_words = (Cell*) reserve(ARENA * sizeof(Cell));
        page_stamps = (uint32_t*) reserve(ARENA / PAGE * sizeof(uint32_t));
        if (state != nullptr && words != nullptr && bytes_of_words != nullptr && page_stamps != nullptr) {
            arena = (char*) reserve(ARENA);
        }
    }
}

int allocate(uintptr_t* address, size_t bytes) {
    if (bytes == 0) {
        return INVALID_VALUE;
    }
    if (bytes > settings.capacity || memory.live_bytes > settings.capacity - bytes) {
        return OUT_OF_MEMORY;
    }
    size_t size = padded(bytes);
    size_t at = find_gap(size);
    if (at == 0) {
        return OUT_OF_MEMORY;
    }
    cursor = at + size;
    auto covered = memory.freed.lower_bound(at);
    if (covered != memory.freed.begin()) {
        auto before = std::prev(covered);
        if (before->first + padded(before->second.bytes) > at) {
            covered = before;
        }
    }
    while (covered != memory.freed.end() && covered->first < at + size) {
        covered = memory.freed.erase(covered);
    }
    memset(arena + at, 0xff, bytes);
    memset(state + at, ALLOCATED, bytes);
    memory.live[at] = Allocation{bytes, ++memory.allocations, false};
    memory.live_bytes += bytes;
    *address = (uintptr_t) arena + at;
    return SUCCESS;
}

int release(uintptr_t address, const char* call) {
    if (address == 0) {
        return SUCCESS;
    }
    size_t at = address - (uintptr_t) arena;
    auto found = memory.live.find(at);
    if (found == memory.live.end()) {
        refuse(memory.freed.count(at) ? "freed twice" : "freed what was not allocated", "%s of %#zx: %s", call,
            (size_t) address, describe(address).c_str());
        return INVALID_VALUE;
    }
    size_t bytes = found->second.bytes;
    zero(state + at, bytes);
    zero(arena + at, bytes);
    zero(words + at / 4, bytes / 4 * sizeof(Cell));
    zero(bytes_of_words + at, bytes * sizeof(Cell) < 64 * PAGE ? 0 : bytes * sizeof(Cell));
    memory.live_bytes -= bytes;
    memory.freed[at] = found->second;
    memory.live.erase(found);
    return SUCCESS;
}

void release_all() {
    while (!memory.live.empty()) {
        release((uintptr_t) arena + memory.live.begin()->first, "context");
    }
}

std::string describe(uintptr_t address) {
    if (!in_arena(address)) {
        return "not device memory";
    }
    size_t at = address - (uintptr_t) arena;
    if (at < SHARED_END) {
        return "offset " + std::to_string((long) at - (long) SHARED_AT) + " of shared memory";
    }
    auto within = [&](const std::map<size_t, Allocation>& map, size_t slack, const char* word) -> std::string {
        auto next = map.upper_bound(at);
        if (next == map.begin()) {
            return "";
        }
        auto found = std::prev(next);
        size_t offset = at - found->first, bytes = found->second.bytes;
        if (offset >= bytes + slack) {
            return "";
        }
        std::string of = std::string(word) + " " + std::to_string(found->second.number) + " of "
            + std::to_string(bytes) + " bytes";
        return offset < bytes ? "offset " + std::to_string(offset) + " of " + of
            : std::to_string(offset - bytes) + " bytes past the end of " + of;
    };
    std::string text = within(memory.live, 0, "allocation");
    if (text.empty()) {
        text = within(memory.freed, 0, "freed allocation");
    }
    if (text.empty()) {
        auto next = memory.live.upper_bound(at);
        if (next != memory.live.end() && next->first - at <= RED_ZONE) {
            text = std::to_string(next->first - at) + " bytes before allocation "
                + std::to_string(next->second.number) + " of " + std::to_string(next->second.bytes) + " bytes";
        }
        std::string past = within(memory.live, size_t(1) << 20, "allocation");
        if (!past.empty()) {
            text = past;
        }
    }
    return text.empty() ? "far from any allocation" : text;
}

int check_host_range(uintptr_t address, size_t bytes, const char* what) {
    if (bytes == 0) {
        return SUCCESS;
    }
    size_t at = address - (uintptr_t) arena;
    auto next = memory.live.upper_bound(at);
    if (in_arena(address) && next != memory.live.begin()) {
        auto found = std::prev(next);
        if (at + bytes <= found->first + found->second.bytes) {
            return SUCCESS;
        }
    }
    std::string where = describe(address);
    refuse(where.find("freed") != std::string::npos ? "use after free" : "out-of-bounds", "%s of %zu bytes at %#zx: %s",
        what, bytes, (size_t) address, where.c_str());
    return INVALID_VALUE;
}

void set_initialized(uintptr_t address, size_t bytes) {
    memset(state + (address - (uintptr_t) arena), INITIALIZED, bytes);
}

bool is_initialized(uintptr_t address, size_t bytes) {
    const uint8_t* at = state + (address - (uintptr_t) arena);
    return bytes == 0 || (at[0] == INITIALIZED && memcmp(at, at + 1, bytes - 1) == 0);
}

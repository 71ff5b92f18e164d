// How tests steer the card and ask what happened: the emulator_ functions.
#include "state.h"
#include <algorithm>
#include <cstring>

Settings settings;
std::recursive_mutex lock;

namespace {

struct Injection { std::string call; uint64_t remaining; int code; };
std::vector<Injection> injections;
std::vector<std::string> sequence;
constexpr size_t LONGEST_SEQUENCE = 1000000;

// What the last question was answered with; valid until the next.
std::string answer;

const char* lines(const std::vector<std::string>& list) {
    answer.clear();
    for (const std::string& line : list) {
        answer += line + "\n";
    }
    return answer.c_str();
}

}  // namespace

int called(const char* call) {
    if (sequence.size() < LONGEST_SEQUENCE) {
        sequence.push_back(call);
    }
    for (size_t i = 0; i < injections.size(); i++) {
        if ((injections[i].call == call || injections[i].call == "*") && --injections[i].remaining == 0) {
            int code = injections[i].code;
            injections.erase(injections.begin() + i);
            return code;
        }
    }
    return SUCCESS;
}

using Guard = std::lock_guard<std::recursive_mutex>;

extern "C" {
#pragma GCC visibility push(default)

// The card as new: no memory, no context, no faults, default settings, nothing counted.
void emulator_reset() {
    Guard guard(lock);
    drop_streams();
    drop_handles();
    drop_contexts();
    forget_modules();
    release_all();
    memory.allocations = 0;
    settings = Settings();
    injections.clear();
    sequence.clear();
    launches.clear();
    first_fault = Fault();
    sticky = 0;
    failed = false;
}

// The first fault since the last reset or emulator_forgive, or "":
// "kind: line (function): what; kernel, block, thread, order".
const char* emulator_report() {
    Guard guard(lock);
    return first_fault.text.c_str();
}

const char* emulator_kind() {
    Guard guard(lock);
    return first_fault.kind.c_str();
}

// Forgets the first fault; a context that failed stays so.
void emulator_forgive() {
    Guard guard(lock);
    first_fault = Fault();
}

// The nth call from now of that name ("cuMemAlloc", "*" for any; "kernel" and "copy" when they run) fails with code.
// A null name takes all such orders back.
void emulator_fail(const char* call, int nth, int code) {
    Guard guard(lock);
    if (call == nullptr) {
        injections.clear();
    } else {
        injections.push_back({call, (uint64_t) nth, code});
    }
}

// Every fallible call so far, in order, one per line.
const char* emulator_calls() {
    Guard guard(lock);
    return lines(sequence);
}

void emulator_forget_calls() {
    Guard guard(lock);
    sequence.clear();
}

void emulator_capacity(size_t bytes) {
    Guard guard(lock);
    settings.capacity = bytes;
}

// 1: each launch in forward, reverse and shuffled order; 0: forward only.
void emulator_orders(int all) {
    Guard guard(lock);
    settings.all_orders = all != 0;
}

void emulator_seed(unsigned seed) {
    Guard guard(lock);
    settings.seed = seed;
}

void emulator_device(int major, int minor, int processors) {
    Guard guard(lock);
    settings.major = major;
    settings.minor = minor;
    settings.processors = processors;
}

void emulator_devices(int count) {
    Guard guard(lock);
    settings.devices = count;
}

void emulator_driver(int version) {
    Guard guard(lock);
    settings.driver = version;
}

size_t emulator_live_bytes() {
    Guard guard(lock);
    return memory.live_bytes;
}

size_t emulator_live_allocations() {
    Guard guard(lock);
    return memory.live.size();
}

size_t emulator_allocations() {
    Guard guard(lock);
    return memory.allocations;
}

// "launches name" of every kernel launched.
const char* emulator_kernels() {
    Guard guard(lock);
    std::vector<std::string> list;
    for (const auto& [name, count] : launches) {
        list.push_back(std::to_string(count) + " " + name);
    }
    return lines(list);
}

// "file:function" of every function of a kernel source that was ever loaded, and of those that were entered.
const char* emulator_functions() {
    Guard guard(lock);
    return lines(known_functions());
}

const char* emulator_entered() {
    Guard guard(lock);
    return lines(entered_functions());
}

// A range within an allocation holds nothing now: touching it is a fault until it is live again. For those who divide
// allocations by themselves, as arenas do.
int emulator_dead(uintptr_t address, size_t bytes) {
    Guard guard(lock);
    drain_all();
    if (int code = check_host_range(address, bytes, "emulator_dead")) {
        return code;
    }
    memset(state + (address - (uintptr_t) arena), 0, bytes);
    memset((void*) address, 0xff, bytes);
    return SUCCESS;
}

// A range within an allocation is somebody's again, with nothing written to it yet.
int emulator_live(uintptr_t address, size_t bytes) {
    Guard guard(lock);
    drain_all();
    if (int code = check_host_range(address, bytes, "emulator_live")) {
        return code;
    }
    memset(state + (address - (uintptr_t) arena), ALLOCATED, bytes);
    memset((void*) address, 0xff, bytes);
    return SUCCESS;
}

// For the stand-ins of other libraries.

int emulator_called(const char* call) {
    Guard guard(lock);
    return called(call);
}

int emulator_enqueue(void* stream, void (*run)(const void*), const void* arguments, size_t bytes, const char*) {
    Guard guard(lock);
    Stream* found = stream_of(stream);
    if (found == nullptr) {
        return INVALID_HANDLE;
    }
    if (sticky) {
        return sticky;
    }
    std::shared_ptr<char> copy((char*) malloc(bytes + 1), free);
    memcpy(copy.get(), arguments, bytes);
    return enqueue(found, [copy, run] {
        run(copy.get());
        return sticky;
    });
}

static int check(const void* device, size_t bytes, const char* what, bool reads) {
    uintptr_t address = (uintptr_t) device;
    if (bytes == 0) {
        return SUCCESS;
    }
    size_t at = address - (uintptr_t) arena;
    if (!in_arena(address) || at + bytes > ARENA) {
        fault("host access in kernel", ILLEGAL_ADDRESS, 0, "%s: %zu bytes at %#zx are not device memory", what, bytes,
            (size_t) address);
        return sticky;
    }
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = state[at + i];
        if (!(byte & ALLOCATED)) {
            std::string where = describe(address + i);
            fault(where.find("freed") != std::string::npos ? "use after free" : "out-of-bounds", ILLEGAL_ADDRESS, 0,
                "%s: %zu bytes at %#zx: %s", what, bytes, (size_t) address, where.c_str());
            return sticky;
        }
        if (reads && byte != INITIALIZED) {
            fault("uninitialized read", LAUNCH_FAILED, 0, "%s: byte %zu of %zu at %#zx was never written: %s", what, i,
                bytes, (size_t) address, describe(address + i).c_str());
            return sticky;
        }
    }
    if (!reads) {
        set_initialized(address, bytes);
    }
    return SUCCESS;
}

void emulator_fault(int code, const char* kind, const char* message) {
    Guard guard(lock);
    fault(kind, code, 0, "%s", message);
}

int emulator_reads(const void* device, size_t bytes, const char* what) {
    Guard guard(lock);
    return check(device, bytes, what, true);
}

int emulator_writes(void* device, size_t bytes, const char* what) {
    Guard guard(lock);
    return check(device, bytes, what, false);
}
#pragma GCC visibility pop
}

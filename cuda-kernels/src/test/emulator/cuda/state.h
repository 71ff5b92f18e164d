// The emulated card: what its parts know of one another. One lock guards it all; kernels run under it, one at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

// What the parts know of one another stays within the library; the calls are exported one by one.
#pragma GCC visibility push(hidden)

// CUresult, as far as the card returns them.
enum Code {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101, INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201, NO_BINARY_FOR_GPU = 209, INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600,
    ILLEGAL_ADDRESS = 700, LAUNCH_OUT_OF_RESOURCES = 701, LAUNCH_TIMEOUT = 702, CONTEXT_IS_DESTROYED = 709,
    ALREADY_REGISTERED = 712, NOT_REGISTERED = 713, MISALIGNED_ADDRESS = 716, LAUNCH_FAILED = 719, NOT_SUPPORTED = 801,
    CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, CAPTURE_IMPLICIT = 906, UNKNOWN = 999
};

// Settings

struct Settings {
    int driver = 12080;
    int major = 9, minor = 0;
    int processors = 132;
    int devices = 1;
    size_t capacity = size_t(8) << 30;
    bool all_orders = true;
    unsigned seed = 12345;
};
extern Settings settings;
extern std::recursive_mutex lock;

// Faults (faults.cpp)

struct Fault { std::string kind, text; int code = 0; };
// The first since the last reset; kind is empty while there is none.
extern Fault first_fault;
// The code that a failed context answers every call with.
extern int sticky;
extern bool failed;

// Within a kernel: pc is an address in its code, 0 if unknown.
void fault(const char* kind, int code, uintptr_t pc, const char* format, ...) __attribute__((format(printf, 4, 5)));
// A call of the host was wrong; the context lives on.
void refuse(const char* kind, const char* format, ...) __attribute__((format(printf, 2, 3)));
std::string source_line(uintptr_t pc);
// The same from the low half of an address.
std::string source_line_of_half(uint32_t pc);

// Memory (memory.cpp): one range of addresses for all that kernels may touch, with its shadow beside it.

constexpr size_t ARENA = size_t(16) << 30;
constexpr size_t PAGE = 4096;
// Shared memory of the running block lies at the arena's start.
constexpr size_t SHARED_AT = PAGE;
constexpr size_t SHARED_END = size_t(1) << 20;
constexpr size_t SHARED_STATIC_MOST = 48 << 10;
constexpr size_t SHARED_MOST = 227 << 10;

// A byte's state; 0 is not addressable.
constexpr uint8_t ALLOCATED = 1, INITIALIZED = 3;

// Who touched four bytes last, and the low half of the address in the program where: see access.cpp.
struct Cell { uint64_t writer, reader; uint32_t writer_pc, reader_pc; };

extern char* arena;
extern uint8_t* state;
extern Cell* words;
extern Cell* bytes_of_words;
extern uint32_t* page_stamps;

struct Allocation { size_t bytes; uint64_t number; bool host; };
struct Memory {
    std::map<size_t, Allocation> live;   // by offset in the arena
    std::map<size_t, Allocation> freed;  // as long as nothing took their place
    size_t live_bytes = 0;
    uint64_t allocations = 0;
};
extern Memory memory;

void map_arena();
int allocate(uintptr_t* address, size_t bytes);
int release(uintptr_t address, const char* call);
void release_all();
inline bool in_arena(uintptr_t address) { return address - (uintptr_t) arena < ARENA; }
// "12 bytes past the end of allocation 3 (40 bytes)": for messages.
std::string describe(uintptr_t address);
// SUCCESS if all bytes are allocated, else a named fault.
int check_host_range(uintptr_t address, size_t bytes, const char* what);
void set_initialized(uintptr_t address, size_t bytes);
bool is_initialized(uintptr_t address, size_t bytes);

// Threads (threads.cpp)

struct Kernel {
    const char* name;
    void (*call)(void** parameters);
    int parameters;
    const unsigned* sizes;
    const unsigned* alignments;
    unsigned most_threads;
};
struct Index { unsigned x, y, z; };

enum class Running : uint8_t { NEW, READY, AT_BARRIER, AT_COLLECTIVE, DONE };

struct Thread {
    void* stack_pointer;
    Index index;
    unsigned linear;
    int stack;
    Running running;
    int kind, line, argument, width, predicate;
    int* result;
    unsigned mask;
    uint64_t value;
    uintptr_t pc;
};
extern Thread* current;
extern Index block_index, block_extent, grid_extent;
extern const Kernel* kernel;
extern char* stacks;
extern size_t stacks_bytes;
extern unsigned shared_dynamic_bytes, shared_limit;
extern int thread_order;  // 0 forward, 1 reverse, 2 shuffled
extern uint64_t block_serial;

void run_block(void** parameters, unsigned random);
// Of the block before, shared.cpp.
void clear_shared();
// Never returns: leaves the faulty thread where it stands.
[[noreturn]] void abandon();

// Time, as races see it: a number per stretch between two barriers of one block.
extern uint32_t interval, block_start, launch_start;
// interval, syncs of the warp so far, thread: of the thread that runs.
extern uint64_t now;
extern bool keep_pages;
void keep_page(size_t page);
void forget_races();

// A read of what nobody had written is judged when the block, for shared memory, or the launch has ended: if another
// thread wrote it meanwhile, that was a race. True: there was such a read, now a fault.
bool fault_of_unwritten();
void forget_unwritten();
bool unwritten_is_shared();

// Modules (modules.cpp)

struct Module {
    void* handle = nullptr;
    const std::string* image;
    uintptr_t low = 0, high = 0, base = 0;
};
struct Function {
    const Kernel* kernel;
    Module* module;
    unsigned most_dynamic = SHARED_STATIC_MOST;
};
Module* load_module(const char* image, int* code);
void unload_module(Module* module);
Function* find_function(Module* module, const char* name);
bool is_function(const Function* function);
Module* module_of(uintptr_t address);
// That of the kernel that runs.
extern const Module* program;
// The address in any module whose low half is this; 0 if there is none.
uintptr_t address_in_module(uint32_t half);
std::vector<std::string> entered_functions();
std::vector<std::string> known_functions();
void forget_modules();

// Launches (launch.cpp)

struct Grid {
    Function* function;
    Index grid, block;
    unsigned dynamic;
    std::vector<uint64_t> storage;  // the parameters' bytes
    std::vector<size_t> offsets;    // of each in storage's bytes
};
// SUCCESS, or why the driver refuses it at once.
int check_grid(const Function* function, Index grid, Index block, unsigned dynamic);
int run_grid(Grid& grid);
extern std::map<std::string, uint64_t> launches;

// Streams (streams.cpp)

using Work = std::function<int()>;
struct Graph { std::vector<Work> work; };
struct Stream;
struct Event {
    Stream* stream = nullptr;
    uint64_t position = 0;     // in the stream, of what it waits for
    bool recorded = false;
    bool timing = true;
    double time = 0;           // ms
    Graph* capturing = nullptr;
    int polls = 0;
};
struct Stream {
    struct Item { uint64_t sequence; Work work; };
    std::vector<Item> items;
    size_t done = 0;           // items before it have run
    uint64_t base = 0;         // position of items[0]
    bool blocking = true;      // orders with the null stream
    bool running = false;
    Graph* capture = nullptr;
    bool origin = false, invalid = false;
    int capture_mode = 0;      // 0 global, 1 of its thread, 2 relaxed
    std::thread::id capture_thread;
    int polls = 0;
};
extern Stream null_stream;
Stream* stream_of(void* handle);  // null if there is no such stream
bool is_capturing(Stream* stream);
int enqueue(Stream* stream, Work work);
int drain(Stream* stream);
int drain_to(Stream* stream, uint64_t position);
int drain_all();
void drop_streams();
Stream* make_stream(bool blocking);
void drop_stream(Stream* stream);

// Calls (control.cpp)

// Counts the call and answers what it must fail with, 0 for nothing.
int called(const char* call);
void drop_handles();
void drop_contexts();

#pragma GCC visibility pop

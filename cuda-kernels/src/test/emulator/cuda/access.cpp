// Every memory access of a kernel, as -fsanitize=thread reports it: bounds, initialization, alignment, races.
//
// A cell says who wrote and who read four bytes last, as 64 bits each:
//   63..32 interval (a number per stretch between two barriers of a block; it only grows)
//   31 atomic (writer), several threads of one warp (reader)
//   30 foreign: another block of this launch did so too
//   29 mixed: unordered threads of this block did so too (writer: atomics; reader: of several warps)
//   28..10 __syncwarp calls of its warp in this interval, 9..0 thread
// Four bytes that were touched one by one have a cell per byte: writer is then SPLIT.
#include "state.h"

uint32_t interval = 1, block_start = 1, launch_start = 1;
uint64_t now;
bool keep_pages;

namespace {

constexpr uint64_t ATOMIC = uint64_t(1) << 31, SEVERAL = ATOMIC, FOREIGN = uint64_t(1) << 30, MIXED = uint64_t(1) << 29;
constexpr uint64_t THREAD = 1023, SYNCS = 0x1ffffc00;
constexpr uint64_t SPLIT = ~uint64_t(0);

enum class Access { READ, WRITE, ATOMIC };

// The same block, the same interval: is what the cell tells ordered before this thread's now?
inline bool before(uint64_t told) {
    return ((told ^ now) & THREAD) == 0
        || (((told ^ now) & THREAD) < 32 && (told & SYNCS) < (now & SYNCS));
}

// The conflicting access, or 0.
inline uint64_t conflict_with_writer(uint64_t writer, uint32_t start, bool atomic) {
    uint32_t when = writer >> 32;
    if (when < start || (atomic && (writer & ATOMIC))) {
        return 0;
    }
    if (when < block_start || (writer & FOREIGN)) {
        return writer;
    }
    if (when < interval) {
        return 0;
    }
    return before(writer) && !(writer & MIXED) ? 0 : writer;
}

inline uint64_t conflict_with_reader(uint64_t reader, uint32_t start) {
    uint32_t when = reader >> 32;
    if (when < start) {
        return 0;
    }
    if (when < block_start || (reader & FOREIGN)) {
        return reader;
    }
    if (when < interval) {
        return 0;
    }
    if (reader & MIXED) {
        return reader;
    }
    if (reader & SEVERAL) {
        return ((reader ^ now) & THREAD) < 32 && (reader & SYNCS) < (now & SYNCS) ? 0 : reader;
    }
    return before(reader) ? 0 : reader;
}

inline uint64_t reader_after(uint64_t reader, uint32_t start) {
    uint32_t when = reader >> 32;
    if (when < start) {
        return now;
    }
    if (when < block_start) {
        return now | FOREIGN;
    }
    uint64_t foreign = reader & FOREIGN;
    if (when < interval) {
        return now | foreign;
    }
    if (reader & MIXED) {
        return reader;
    }
    if (((reader ^ now) & THREAD) >= 32) {
        return now | foreign | MIXED;
    }
    bool ordered = (reader & SEVERAL) ? (reader & SYNCS) < (now & SYNCS) : before(reader);
    return ordered ? now | foreign : now | foreign | SEVERAL;
}

inline uint64_t writer_after(uint64_t writer, uint32_t start, bool atomic) {
    if (!atomic) {
        return now;
    }
    uint32_t when = writer >> 32;
    uint64_t flags = ATOMIC;
    if (when >= start && (writer & ATOMIC)) {
        flags |= writer & FOREIGN;
        if (when < block_start) {
            flags |= FOREIGN;
        } else if (when == interval && (!before(writer) || (writer & MIXED))) {
            flags |= MIXED;
        }
    }
    return now | flags;
}

// The first read of bytes that nobody had written, until the block or the launch has shown whether it was a race.
struct Unwritten {
    uintptr_t pc;
    uintptr_t address;
    size_t size;
    Thread thread;
    Index block;
};
Unwritten unwritten;

[[noreturn]] __attribute__((noinline, cold)) void race(uintptr_t address, uint64_t other, const char* what,
        const char* others, uint32_t other_pc, uintptr_t pc) {
    bool same_block = (other >> 32) >= block_start && !(other & FOREIGN);
    forget_unwritten();
    std::string who = same_block ? "thread " + std::to_string(other & THREAD) + " of the same block"
        : "another block of the launch";
    fault("data race", LAUNCH_FAILED, pc, "%s at %#zx (%s) conflicts with %s at %s by %s, with no barrier between",
        what, (size_t) address, describe(address).c_str(), others, source_line_of_half(other_pc).c_str(), who.c_str());
    abandon();
}

template <Access A> inline void touch(Cell& cell, uintptr_t address, uint32_t start, uintptr_t pc) {
    constexpr bool atomic = A == Access::ATOMIC;
    constexpr const char* what = A == Access::READ ? "a read" : atomic ? "an atomic" : "a write";
    if (uint64_t other = conflict_with_writer(cell.writer, start, atomic)) {
        race(address, other, what, other & ATOMIC ? "an atomic" : "a write", cell.writer_pc, pc);
    }
    if (A == Access::READ) {
        if (cell.reader != now) {
            cell.reader = reader_after(cell.reader, start);
            cell.reader_pc = (uint32_t) pc;
        }
        return;
    }
    if (uint64_t other = conflict_with_reader(cell.reader, start)) {
        race(address, other, what, "a read", cell.reader_pc, pc);
    }
    cell.writer = writer_after(cell.writer, start, atomic);
    cell.writer_pc = (uint32_t) pc;
}

// A cell per byte: for accesses of one or two bytes, and what meets them.
template <Access A> __attribute__((noinline)) void touch_bytes(size_t at, size_t size, uint32_t start, uintptr_t pc) {
    while (size > 0) {
        Cell& word = words[at / 4];
        Cell* bytes = bytes_of_words + at / 4 * 4;
        if (word.writer != SPLIT) {
            for (int i = 0; i < 4; i++) {
                bytes[i] = word;
            }
            word.writer = SPLIT;
        }
        size_t first = at & 3, count = std::min(size, 4 - first);
        for (size_t i = 0; i < count; i++) {
            touch<A>(bytes[first + i], (uintptr_t) arena + at + i, start, pc);
        }
        at += count;
        size -= count;
    }
}

// Four bytes that somebody has touched in this launch, or one by one.
template <Access A> __attribute__((noinline)) void touch_again(size_t at, uint32_t start, uintptr_t pc) {
    Cell& word = words[at / 4];
    if (__builtin_expect(word.writer == SPLIT, 0)) {
        Cell* bytes = bytes_of_words + at;
        bool old = true;
        for (int b = 0; b < 4; b++) {
            old &= (bytes[b].writer >> 32) < launch_start && (bytes[b].reader >> 32) < launch_start;
        }
        if (!old) {
            touch_bytes<A>(at, 4, start, pc);
            return;
        }
        word = Cell{};
    }
    touch<A>(word, (uintptr_t) arena + at, start, pc);
}

template <size_t N, Access A> inline void touch_words(size_t at, uint32_t start, uintptr_t pc) {
    for (size_t i = 0; i < N; i += 4) {
        Cell& word = words[(at + i) / 4];
        bool first = (word.writer >> 32) < start && (word.reader >> 32) < start;
        if (A == Access::READ && first) {
            word.reader = now;
            word.reader_pc = (uint32_t) pc;
        } else if (A == Access::WRITE && first) {
            word.writer = now;
            word.writer_pc = (uint32_t) pc;
        } else {
            touch_again<A>(at + i, start, pc);
        }
    }
}

// Returns if the bytes are only uninitialized: another thread may yet write them, which would be a race.
__attribute__((noinline, cold)) void bad_state(size_t at, size_t size, bool reads, uintptr_t pc) {
    uintptr_t address = (uintptr_t) arena + at;
    const char* what = reads ? "a read" : "a write";
    for (size_t i = 0; i < size; i++) {
        if (!(state[at + i] & ALLOCATED)) {
            std::string where = describe(address + i);
            bool freed = where.find("freed") != std::string::npos;
            fault(freed ? "use after free" : "out-of-bounds", ILLEGAL_ADDRESS, pc, "%s of %zu bytes at %#zx: %s", what,
                size, (size_t) address, where.c_str());
            abandon();
        }
    }
    if (unwritten.pc == 0) {
        unwritten = Unwritten{pc, address, size, *current, block_index};
    }
}

// Neither device memory nor a thread's own stack: constants and tables of the program may be read.
__attribute__((noinline)) void elsewhere(uintptr_t address, size_t size, bool writes, uintptr_t pc) {
    if (!writes && address >= program->low && address < program->high) {
        return;
    }
    fault(address < PAGE ? "out-of-bounds" : "host access in kernel", ILLEGAL_ADDRESS, pc,
        "%s of %zu bytes at %#zx, which is not device memory", writes ? "a write" : "a read", size, (size_t) address);
    abandon();
}

template <size_t N> struct Mask;
template <> struct Mask<1> { typedef uint8_t type; };
template <> struct Mask<2> { typedef uint16_t type; };
template <> struct Mask<4> { typedef uint32_t type; };
template <> struct Mask<8> { typedef uint64_t type; };

template <size_t N> inline bool all(size_t at, uint8_t bits) {
    if constexpr (N == 16) {
        return all<8>(at, bits) && all<8>(at + 8, bits);
    } else {
        typedef typename Mask<N>::type M;
        M wanted = (M) (~(M) 0 / 255 * bits);
        M found;
        __builtin_memcpy(&found, state + at, N);
        return (M) (found & wanted) == wanted;
    }
}

inline void keep(size_t at, size_t size) {
    if (keep_pages && at >= SHARED_END) {
        keep_page(at / PAGE);
        if ((at + size - 1) / PAGE != at / PAGE) {
            keep_page((at + size - 1) / PAGE);
        }
    }
}

inline uint32_t start_of(size_t at) {
    return at < SHARED_END ? block_start : launch_start;
}

template <size_t N, Access A> inline void access(void* pointer, bool aligned, uintptr_t pc) {
    size_t at = (uintptr_t) pointer - (uintptr_t) arena;
    if (__builtin_expect(at >= ARENA, 0)) {
        if ((uintptr_t) pointer - (uintptr_t) stacks >= stacks_bytes) {
            elsewhere((uintptr_t) pointer, N, A != Access::READ, pc);
        }
        return;
    }
    if (N > 1 && aligned && __builtin_expect(at % N != 0, 0)) {
        fault("misaligned access", MISALIGNED_ADDRESS, pc,
            "%s of %zu bytes at %#zx, which is not a multiple of %zu: %s",
            A == Access::READ ? "a read" : "a write", N, (size_t) pointer, N, describe((uintptr_t) pointer).c_str());
        abandon();
    }
    if (__builtin_expect(!all<N>(at, A == Access::WRITE ? ALLOCATED : INITIALIZED), 0)) {
        bad_state(at, N, A != Access::WRITE, pc);
    }
    if (A != Access::READ) {
        keep(at, N);
        __builtin_memset(state + at, INITIALIZED, N);
    }
    if (N < 4 || at % 4 != 0) {
        touch_bytes<A>(at, N, start_of(at), pc);
    } else {
        touch_words<N, A>(at, start_of(at), pc);
    }
}

template <Access A> void range(void* pointer, size_t size, uintptr_t pc) {
    char* at = (char*) pointer;
    for (; size >= 4; at += 4, size -= 4) {
        access<4, A>(at, false, pc);
    }
    for (; size > 0; at++, size--) {
        access<1, A>(at, false, pc);
    }
}

}  // namespace

// A fault that follows from what such a read returned names the read.
bool fault_of_unwritten() {
    if (unwritten.pc == 0) {
        return false;
    }
    Unwritten read = unwritten;
    Thread* running = current;
    Index block = block_index;
    unwritten.pc = 0;
    current = &read.thread;
    block_index = read.block;
    fault("uninitialized read", LAUNCH_FAILED, read.pc, "a read of %zu bytes at %#zx that nobody has written: %s",
        read.size, (size_t) read.address, describe(read.address).c_str());
    current = running;
    block_index = block;
    return true;
}

void forget_unwritten() {
    unwritten.pc = 0;
}

bool unwritten_is_shared() {
    return unwritten.pc != 0 && unwritten.address - (uintptr_t) arena < SHARED_END;
}

#define PC ((uintptr_t) __builtin_return_address(0))
#define HOOKS(n) \
    void __tsan_read##n(void* p) { access<n, Access::READ>(p, true, PC); } \
    void __tsan_write##n(void* p) { access<n, Access::WRITE>(p, true, PC); } \
    void __tsan_volatile_read##n(void* p) { access<n, Access::READ>(p, true, PC); } \
    void __tsan_volatile_write##n(void* p) { access<n, Access::WRITE>(p, true, PC); } \
    void __tsan_unaligned_read##n(void* p) { access<n, Access::READ>(p, false, PC); } \
    void __tsan_unaligned_write##n(void* p) { access<n, Access::WRITE>(p, false, PC); }

extern "C" {
#pragma GCC visibility push(default)
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)
void __tsan_read_range(void* p, size_t size) { range<Access::READ>(p, size, PC); }
void __tsan_write_range(void* p, size_t size) { range<Access::WRITE>(p, size, PC); }
void __tsan_vptr_update(void**, void*) { }
void __tsan_vptr_read(void**) { }
void __tsan_func_entry(void*) { }
void __tsan_func_exit(void) { }
void __tsan_init(void) { }

uint64_t emulator_atomic(int kind, void* p, int size, uint64_t value, uint64_t other) {
    if (size == 4) {
        access<4, Access::ATOMIC>(p, true, PC);
    } else {
        access<8, Access::ATOMIC>(p, true, PC);
    }
    uint64_t old = size == 4 ? *(uint32_t*) p : *(uint64_t*) p;
    int64_t signed_old = size == 4 ? (int32_t) old : (int64_t) old;
    int64_t signed_value = size == 4 ? (int32_t) value : (int64_t) value;
    if (size == 4) {
        value = (uint32_t) value;
        other = (uint32_t) other;
    }
    uint64_t next = value;
    switch (kind) {
        case 0: next = old + value; break;
        case 1: next = signed_value < signed_old ? value : old; break;
        case 2: next = value < old ? value : old; break;
        case 3: next = signed_value > signed_old ? value : old; break;
        case 4: next = value > old ? value : old; break;
        case 5: next = value; break;
        case 6: next = old == other ? value : old; break;
        case 7: next = old & value; break;
        case 8: next = old | value; break;
        default: next = old ^ value; break;
    }
    if (size == 4) {
        *(uint32_t*) p = (uint32_t) next;
    } else {
        *(uint64_t*) p = next;
    }
    return old;
}
#pragma GCC visibility pop
}

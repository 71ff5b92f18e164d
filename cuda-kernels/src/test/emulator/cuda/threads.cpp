// The threads of one block: fibres on one core. A thread that never waits leaves its stack to the next.
#include "state.h"
#include <cstring>
#include <sys/mman.h>

Thread* current;
Index block_index, block_extent, grid_extent;
const Kernel* kernel;
char* stacks;
size_t stacks_bytes;
int thread_order;

extern "C" void emulator_switch(void** from, void* to);

// Saves what a callee must keep, swaps stacks, restores. Ends in a jump: where ret goes would be predicted wrongly.
#if defined(__x86_64__)
asm(R"(
.text
.type emulator_switch,@function
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    popq %rcx
    jmp *%rcx
.size emulator_switch, .-emulator_switch
)");
constexpr int SAVED = 6;
#else
#error "the emulator's context switch is written for x86-64 only"
#endif

namespace {

constexpr int MOST_THREADS = 1024;
constexpr size_t STACK = size_t(128) << 10, GUARD = PAGE;

Thread threads[MOST_THREADS];
int count;
int free_stacks[MOST_THREADS], free_count;
int warp_order[32], lane_order[32];
unsigned syncs[32];
void* scheduler;
void** arguments;

void wait() {
    emulator_switch(&current->stack_pointer, scheduler);
}

void thread_main() {
    kernel->call(arguments);
    current->running = Running::DONE;
    wait();
    __builtin_unreachable();
}

void map_stacks() {
    stacks_bytes = (STACK + GUARD) * MOST_THREADS;
    stacks = (char*) mmap(nullptr, stacks_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
        -1, 0);
    for (int i = 0; i < MOST_THREADS; i++) {
        mprotect(stacks + i * (STACK + GUARD), GUARD, PROT_NONE);
    }
}

void set_now(const Thread* thread) {
    now = (uint64_t) interval << 32 | (uint64_t) (syncs[thread->linear >> 5] & 0x7ffff) << 10 | thread->linear;
}

void resume(Thread* thread) {
    if (thread->running == Running::NEW) {
        thread->stack = free_stacks[--free_count];
        // Stacks begin at different offsets in their pages, else their tops would share a few lines of the cache.
        size_t offset = (size_t) thread->stack % 32 * 128;
        void** top = (void**) (stacks + (size_t) (thread->stack + 1) * (STACK + GUARD) - offset);
        *--top = nullptr;
        *--top = (void*) thread_main;
        top -= SAVED;
        thread->stack_pointer = top;
    }
    current = thread;
    set_now(thread);
    thread->running = Running::READY;
    emulator_switch(&scheduler, thread->stack_pointer);
    if (thread->running == Running::DONE) {
        free_stacks[free_count++] = thread->stack;
    }
}

// Lane whose value a lane of a shuffle reads.
int source(const Thread* thread, int lane) {
    int width = thread->width, first = lane & ~(width - 1), argument = thread->argument;
    switch (thread->kind) {
        case 0: return first | (argument & (width - 1));
        case 1: return lane - argument < first ? lane : lane - argument;
        case 2: return lane + argument >= first + width ? lane : lane + argument;
        default: {
            int other = lane ^ argument;
            return other >= first + width ? lane : other;
        }
    }
}

void fault_of(Thread* thread, const char* kind, int code, const std::string& text) {
    current = thread;
    fault(kind, code, thread->pc, "%s", text.c_str());
}

// Completes one collective of the warp that all its lanes have reached. False: there is none, or it is wrong.
bool complete_collective(int warp) {
    Thread* lanes = threads + warp * 32;
    int size = std::min(32, count - warp * 32);
    for (int i = 0; i < size; i++) {
        Thread& first = lanes[i];
        if (first.running != Running::AT_COLLECTIVE) {
            continue;
        }
        unsigned present = 0;
        bool ready = true;
        for (int l = 0; l < 32 && ready; l++) {
            if (!(first.mask >> l & 1) || l >= size || lanes[l].running == Running::DONE) {
                continue;
            }
            if (lanes[l].running != Running::AT_COLLECTIVE) {
                ready = false;
            } else if (lanes[l].mask != first.mask || lanes[l].kind != first.kind) {
                fault_of(&lanes[l], "mask mismatch", LAUNCH_FAILED, "lanes " + std::to_string(i) + " (line "
                    + std::to_string(first.line) + ") and " + std::to_string(l) + " (line "
                    + std::to_string(lanes[l].line) + ") meet in different warp functions or masks");
                return false;
            } else {
                present |= 1u << l;
            }
        }
        if (!ready) {
            continue;
        }
        unsigned ballot = 0;
        uint64_t values[32];
        for (int l = 0; l < size; l++) {
            values[l] = lanes[l].value;
            ballot |= (unsigned) ((present >> l & 1) && values[l] != 0) << l;
        }
        for (int l = 0; l < size; l++) {
            if (!(present >> l & 1)) {
                continue;
            }
            Thread& lane = lanes[l];
            if (lane.kind == 4) {
                lane.value = ballot;
            } else if (lane.kind == 6) {
                lane.value = 0;
                for (int other = 0; other < size; other++) {
                    lane.value |= (uint64_t) ((present >> other & 1) && values[other] == values[l]) << other;
                }
            } else if (lane.kind != 5) {
                int from = source(&lane, l);
                if (!(present >> from & 1)) {
                    bool exited = from >= size || lanes[from].running == Running::DONE;
                    fault_of(&lane, exited ? "exited lane in shuffle" : "mask mismatch", LAUNCH_FAILED,
                        "lane " + std::to_string(l) + " reads lane " + std::to_string(from)
                        + (exited ? ", which has exited or never was" : ", which the mask does not name"));
                    return false;
                }
                lane.value = values[from];
            }
            lane.running = Running::READY;
        }
        // Only __syncwarp orders memory; a shuffle does not.
        unsigned alive = 0;
        for (int l = 0; l < size; l++) {
            alive |= (unsigned) (lanes[l].running != Running::DONE) << l;
        }
        if (first.kind == 5 && (alive & ~first.mask) == 0) {
            syncs[warp]++;
        }
        return true;
    }
    return false;
}

// Runs a warp until its threads have ended or wait at a barrier.
void run_warp(int warp) {
    int size = std::min(32, count - warp * 32);
    do {
        for (int l = 0; l < 32; l++) {
            int lane = lane_order[l];
            if (lane >= size) {
                continue;
            }
            Thread& thread = threads[warp * 32 + lane];
            if (thread.running == Running::NEW || thread.running == Running::READY) {
                resume(&thread);
                if (failed) {
                    return;
                }
            }
        }
    } while (complete_collective(warp));
}

// All threads that have not ended wait at the same barrier, or that is a fault.
void complete_barrier() {
    Thread* first = nullptr;
    int together = 0;
    int all = 1, any = 0;
    for (int i = 0; i < count; i++) {
        Thread& thread = threads[i];
        if (thread.running == Running::AT_COLLECTIVE) {
            bool others = false;
            for (int j = 0; j < count; j++) {
                others |= threads[j].running == Running::AT_BARRIER;
            }
            fault_of(&thread, others ? "divergent barrier" : "mask mismatch", LAUNCH_FAILED,
                "a thread waits in a warp function whose mask names lanes that never come"
                + std::string(others ? ": they wait in __syncthreads" : ""));
            return;
        }
        if (thread.running != Running::AT_BARRIER) {
            continue;
        }
        if (first == nullptr) {
            first = &thread;
        } else if (thread.line != first->line || thread.kind != first->kind) {
            fault_of(&thread, "divergent barrier", LAUNCH_FAILED, "thread " + std::to_string(first->linear)
                + " waits at " + source_line(first->pc) + ", this one elsewhere");
            return;
        }
        together += thread.predicate != 0;
        all &= thread.predicate != 0;
        any |= thread.predicate != 0;
    }
    for (int i = 0; i < count; i++) {
        Thread& thread = threads[i];
        if (thread.running == Running::AT_BARRIER) {
            thread.running = Running::READY;
            if (thread.result != nullptr) {
                *thread.result = thread.kind == 1 ? together : thread.kind == 2 ? all : any;
            }
        }
    }
    interval++;
    memset(syncs, 0, sizeof syncs);
}

void shuffle(int* order, int size, unsigned& random) {
    for (int i = size - 1; i > 0; i--) {
        random = random * 1664525u + 1013904223u;
        std::swap(order[i], order[(random >> 8) % (i + 1)]);
    }
}

void order_threads(int warps, unsigned random) {
    for (int i = 0; i < 32; i++) {
        lane_order[i] = thread_order == 1 ? 31 - i : i;
        warp_order[i] = thread_order == 1 ? warps - 1 - i : i;
    }
    if (thread_order == 2) {
        shuffle(lane_order, 32, random);
        shuffle(warp_order, warps, random);
    }
}

}  // namespace

void run_block(void** parameters, unsigned random) {
    if (stacks == nullptr) {
        map_stacks();
    }
    arguments = parameters;
    count = (int) (block_extent.x * block_extent.y * block_extent.z);
    int warps = (count + 31) / 32;
    block_serial++;
    block_start = ++interval;
    memset(syncs, 0, sizeof syncs);
    clear_shared();
    free_count = MOST_THREADS;
    for (int i = 0; i < MOST_THREADS; i++) {
        free_stacks[i] = MOST_THREADS - 1 - i;
    }
    Index index = {0, 0, 0};
    for (int i = 0; i < count; i++) {
        threads[i].index = index;
        threads[i].linear = i;
        threads[i].running = Running::NEW;
        if (++index.x == block_extent.x) {
            index.x = 0;
            if (++index.y == block_extent.y) {
                index.y = 0;
                index.z++;
            }
        }
    }
    order_threads(warps, random);
    for (;;) {
        for (int w = 0; w < warps; w++) {
            run_warp(warp_order[w]);
            if (failed) {
                current = nullptr;
                return;
            }
        }
        bool alive = false;
        for (int i = 0; i < count && !alive; i++) {
            alive = threads[i].running != Running::DONE;
        }
        if (alive) {
            complete_barrier();
        }
        if (!alive || failed) {
            current = nullptr;
            return;
        }
    }
}

void abandon() {
    wait();
    __builtin_unreachable();
}

extern "C" {
#pragma GCC visibility push(default)

Index emulator_thread_index() { return current->index; }
Index emulator_block_index() { return block_index; }
Index emulator_block_extent() { return block_extent; }
Index emulator_grid_extent() { return grid_extent; }

void emulator_barrier(int kind, int predicate, int* result, int line) {
    Thread* thread = current;
    thread->kind = kind;
    thread->predicate = predicate;
    thread->result = result;
    thread->line = line;
    thread->pc = (uintptr_t) __builtin_return_address(0);
    thread->running = Running::AT_BARRIER;
    wait();
}

uint64_t emulator_warp(int kind, unsigned mask, uint64_t value, int argument, int width, int line) {
    Thread* thread = current;
    thread->pc = (uintptr_t) __builtin_return_address(0);
    if (!(mask >> (thread->linear & 31) & 1)) {
        fault("mask mismatch", LAUNCH_FAILED, thread->pc, "the calling lane %u is not in the mask %08x",
            thread->linear & 31, mask);
        abandon();
    }
    if (width < 1 || width > 32 || (width & (width - 1)) != 0) {
        fault("mask mismatch", LAUNCH_FAILED, thread->pc, "a shuffle's width is a power of two up to 32, not %d",
            width);
        abandon();
    }
    thread->kind = kind;
    thread->mask = mask;
    thread->value = value;
    thread->argument = argument;
    thread->width = width;
    thread->line = line;
    thread->running = Running::AT_COLLECTIVE;
    wait();
    return thread->value;
}

void emulator_trap(int) {
    fault("trap", LAUNCH_FAILED, (uintptr_t) __builtin_return_address(0), "the kernel gave up");
    abandon();
}
#pragma GCC visibility pop
}

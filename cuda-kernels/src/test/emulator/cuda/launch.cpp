// A launch: the whole grid, three times over in different orders of threads and blocks, with the same memory each time.
#include "state.h"
#include <cstring>
#include <numeric>
#include <sys/mman.h>

std::map<std::string, uint64_t> launches;
const Module* program;

namespace {

// Memory as it was before the launch first wrote to it.
struct Page {
    size_t number;
    char data[PAGE];
    uint8_t state[PAGE];
};
std::vector<Page*> kept;
uint32_t stamp;

void restore() {
    for (const Page* page : kept) {
        memcpy(arena + page->number * PAGE, page->data, PAGE);
        memcpy(state + page->number * PAGE, page->state, PAGE);
    }
}

struct Result { char data[PAGE]; };

void run_order(Grid& grid, void** parameters, int order) {
    thread_order = order;
    forget_unwritten();
    launch_start = ++interval;
    uint64_t blocks = (uint64_t) grid.grid.x * grid.grid.y * grid.grid.z;
    // Shuffled: a step that has no factor in common with the number of blocks visits each once.
    uint64_t step = 1, first = 0;
    if (order == 2) {
        step = (settings.seed * 2654435761u | 1) % blocks;
        while (std::gcd(step, blocks) != 1) {
            step++;
        }
        first = settings.seed % blocks;
    }
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t shuffled = (uint64_t) (((unsigned __int128) i * step + first) % blocks);
        uint64_t block = order == 0 ? i : order == 1 ? blocks - 1 - i : shuffled;
        block_index.x = (unsigned) (block % grid.grid.x);
        block_index.y = (unsigned) (block / grid.grid.x % grid.grid.y);
        block_index.z = (unsigned) (block / grid.grid.x / grid.grid.y);
        run_block(parameters, settings.seed + (unsigned) block * 747796405u);
        if (failed || (unwritten_is_shared() && fault_of_unwritten())) {
            return;
        }
    }
    fault_of_unwritten();
}

std::string shown(const char* at, size_t offset) {
    uint32_t bits;
    float value;
    memcpy(&bits, at + offset / 4 * 4, 4);
    memcpy(&value, &bits, 4);
    char text[64];
    snprintf(text, sizeof text, "%#010x (%g as f32)", bits, value);
    return text;
}

void compare(const std::vector<Result>& expected, int order) {
    for (size_t i = 0; i < kept.size(); i++) {
        const char* before = i < expected.size() ? expected[i].data : kept[i]->data;
        const char* after = arena + kept[i]->number * PAGE;
        if (memcmp(before, after, PAGE) == 0) {
            continue;
        }
        size_t at = 0;
        while (before[at] == after[at]) {
            at++;
        }
        uintptr_t address = (uintptr_t) after + at;
        thread_order = order;
        fault("order-dependent result", LAUNCH_FAILED, 0,
            "the result depends on the order of threads: %#zx (%s) is %s in forward order and %s in another",
            (size_t) address, describe(address).c_str(), shown(before, at).c_str(), shown(after, at).c_str());
        return;
    }
}

void run_all_orders(Grid& grid, void** parameters) {
    keep_pages = true;
    stamp++;
    run_order(grid, parameters, 0);
    std::vector<Result> expected(failed ? 0 : kept.size());
    for (size_t i = 0; i < expected.size(); i++) {
        memcpy(expected[i].data, arena + kept[i]->number * PAGE, PAGE);
    }
    for (int order = 1; order <= 2 && !failed; order++) {
        restore();
        run_order(grid, parameters, order);
        if (!failed) {
            compare(expected, order);
        }
    }
    keep_pages = false;
    for (Page* page : kept) {
        delete page;
    }
    kept.clear();
}

}  // namespace

void keep_page(size_t page) {
    if (page_stamps[page] != stamp) {
        page_stamps[page] = stamp;
        Page* copy = new Page;
        copy->number = page;
        memcpy(copy->data, arena + page * PAGE, PAGE);
        memcpy(copy->state, state + page * PAGE, PAGE);
        kept.push_back(copy);
    }
}

void forget_races() {
    madvise(words, ARENA / 4 * sizeof(Cell), MADV_DONTNEED);
    madvise(bytes_of_words, ARENA * sizeof(Cell), MADV_DONTNEED);
    interval = block_start = launch_start = 1;
}

int check_grid(const Function* function, Index grid, Index block, unsigned dynamic) {
    const Kernel* launched = function->kernel;
    uint64_t threads = (uint64_t) block.x * block.y * block.z;
    if (threads == 0 || block.x > 1024 || block.y > 1024 || block.z > 64 || threads > 1024) {
        refuse("too many threads", "%s: a block of %u x %u x %u threads; 1 to 1024 are allowed, at most 64 in z",
            launched->name, block.x, block.y, block.z);
        return INVALID_VALUE;
    }
    if (threads > launched->most_threads) {
        refuse("too many threads", "%s: a block of %zu threads, but its __launch_bounds__ allow %u", launched->name,
            (size_t) threads, launched->most_threads);
        return LAUNCH_OUT_OF_RESOURCES;
    }
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
        refuse("grid limits", "%s: a grid of %u x %u x %u blocks; at least 1 and at most 2147483647 x 65535 x 65535",
            launched->name, grid.x, grid.y, grid.z);
        return INVALID_VALUE;
    }
    if (dynamic > function->most_dynamic) {
        refuse("too much shared memory", "%s: %u bytes of dynamic shared memory, %u are allowed%s", launched->name,
            dynamic, function->most_dynamic,
            dynamic <= SHARED_MOST ? " until the function's attribute asks for more" : "");
        return INVALID_VALUE;
    }
    return SUCCESS;
}

int run_grid(Grid& grid) {
    if (failed) {
        return sticky;
    }
    if (int code = called("kernel")) {
        sticky = code;
        failed = true;
        return code;
    }
    if (!is_function(grid.function)) {
        fault("use after unload", INVALID_HANDLE, 0, "a kernel runs whose module was unloaded, in a graph perhaps");
        return sticky;
    }
    if (interval > 0xe0000000u) {
        forget_races();
    }
    std::vector<void*> parameters;
    for (size_t offset : grid.offsets) {
        parameters.push_back((char*) grid.storage.data() + offset);
    }
    kernel = grid.function->kernel;
    program = grid.function->module;
    launches[kernel->name]++;
    grid_extent = grid.grid;
    block_extent = grid.block;
    shared_dynamic_bytes = grid.dynamic;
    shared_limit = std::max(grid.function->most_dynamic, (unsigned) SHARED_STATIC_MOST);
    uint64_t threads = (uint64_t) grid.grid.x * grid.grid.y * grid.grid.z * grid.block.x * grid.block.y * grid.block.z;
    if (settings.all_orders && threads > 1) {
        run_all_orders(grid, parameters.data());
    } else {
        run_order(grid, parameters.data(), 0);
    }
    kernel = nullptr;
    return failed ? sticky : SUCCESS;
}

// Programs: shared objects that the compiler's stand-in made, where a card would have cubins.
#include "state.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

namespace {

struct Entry { const char* name; uint64_t entered; };
struct Entries { const Entry* first; const Entry* last; };

// What modules are made of; programs that were compiled as one share theirs.
std::set<std::string> images;
std::vector<Module*> modules;
std::set<Function*> functions;
// Of unloaded modules too.
std::set<std::string> known, entered;

size_t image_size(const char* image) {
    const Elf64_Ehdr* header = (const Elf64_Ehdr*) image;
    size_t size = header->e_shoff + (size_t) header->e_shnum * header->e_shentsize;
    const Elf64_Phdr* segments = (const Elf64_Phdr*) (image + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++) {
        size = std::max(size, (size_t) (segments[i].p_offset + segments[i].p_filesz));
    }
    return size;
}

// Kernels call the hooks and the functions of this library, which was loaded for JCuda's eyes only.
void show_own_symbols() {
    static bool shown = false;
    Dl_info self;
    if (!shown && dladdr((void*) load_module, &self)) {
        dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
        shown = true;
    }
}

void find_extent(Module* module) {
    link_map* map = nullptr;
    dlinfo(module->handle, RTLD_DI_LINKMAP, &map);
    module->base = map->l_addr;
    module->low = module->base;
    const Elf64_Ehdr* header = (const Elf64_Ehdr*) module->image->data();
    const Elf64_Phdr* segments = (const Elf64_Phdr*) (module->image->data() + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD) {
            uintptr_t end = module->base + segments[i].p_vaddr + segments[i].p_memsz;
            module->high = std::max(module->high, end);
        }
    }
}

// A new file for a module's image, under a name that no other had in this process: the loader takes a file for the one
// that it loaded under the same name, though that was unlinked since. mkstemp repeats names, for glibc makes them of the
// clock's nanoseconds: of 20,000 in some minutes, two are alike in one run of six.
int new_file(std::string* path) {
    static uint64_t number;
    int file;
    do {
        char name[128];
        // Another copy of this library counts too: its counter lies elsewhere.
        snprintf(name, sizeof name, "/tmp/adjoint-kernels-%d-%zx-%zu", (int) getpid(), (size_t) &number,
            (size_t) number++);
        *path = name;
        file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    } while (file < 0 && errno == EEXIST);
    return file;
}

// Whether what the loader gave is the module's image: its headers, which say how much is mapped, and then all that is
// never written.
bool is_loaded(const Module* module) {
    const char* image = module->image->data();
    const char* mapped = (const char*) module->base;
    const Elf64_Ehdr* header = (const Elf64_Ehdr*) image;
    const Elf64_Phdr* segments = (const Elf64_Phdr*) (image + header->e_phoff);
    if (memcmp(mapped, image, header->e_phoff + header->e_phnum * sizeof *segments) != 0) {
        return false;
    }
    for (int i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD && !(segments[i].p_flags & PF_W)
            && memcmp(mapped + segments[i].p_vaddr, image + segments[i].p_offset, segments[i].p_filesz) != 0) {
            return false;
        }
    }
    return true;
}

// What the compiler's stand-in added: every function of the text, called or not, as "file:line:function".
std::vector<std::string> declared(const Module* module) {
    std::vector<std::string> list;
    const char* const* name = (const char* const*) dlsym(module->handle, "emulator_declared");
    for (; name != nullptr && *name != nullptr; name++) {
        list.push_back(*name);
    }
    return list;
}

void collect(Module* module) {
    const Entries* entries = (const Entries*) dlsym(module->handle, "emulator_module");
    if (entries == nullptr) {
        return;
    }
    for (const Entry* entry = entries->first; entry < entries->last; entry++) {
        if (entry->entered) {
            entered.insert(entry->name);
        }
    }
}

void collect_all() {
    for (Module* module : modules) {
        collect(module);
    }
}

}  // namespace

Module* load_module(const char* image, int* code) {
    const Elf64_Ehdr* header = (const Elf64_Ehdr*) image;
    *code = INVALID_IMAGE;
    if (memcmp(image, ELFMAG, SELFMAG) != 0) {
        refuse("not a program", "a module's image is no ELF file: only what the emulated compiler made can be loaded");
        return nullptr;
    }
    if (header->e_machine != EM_X86_64 && header->e_machine != EM_AARCH64) {
        *code = NO_BINARY_FOR_GPU;
        refuse("not a program", "a module's image is for machine %d: a real cubin?", header->e_machine);
        return nullptr;
    }
    show_own_symbols();
    Module* module = new Module;
    module->image = &*images.emplace(image, image_size(image)).first;
    std::string path;
    int file = new_file(&path);
    const char* why = strerror(errno);
    if (file >= 0) {
        bool written = write(file, module->image->data(), module->image->size()) == (ssize_t) module->image->size();
        why = written ? nullptr : strerror(errno);
        module->handle = written ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
        close(file);
        unlink(path.c_str());
    }
    if (module->handle == nullptr) {
        refuse("not a program", "a module can't be loaded from %s: %s", path.c_str(), why == nullptr ? dlerror() : why);
        delete module;
        return nullptr;
    }
    find_extent(module);
    if (!is_loaded(module)) {
        refuse("not a program", "the loader gave another program than the one in %s", path.c_str());
        dlclose(module->handle);
        delete module;
        return nullptr;
    }
    std::vector<std::string> names = declared(module);
    known.insert(names.begin(), names.end());
    // The card that it is meant for, which the compiler's stand-in added too.
    const int* architecture = (const int*) dlsym(module->handle, "emulator_architecture");
    if (architecture != nullptr && (*architecture / 10 != settings.major || *architecture % 10 > settings.minor)) {
        refuse("not a program", "a module was compiled for sm_%d, and the card is sm_%d%d", *architecture,
            settings.major, settings.minor);
        *code = NO_BINARY_FOR_GPU;
        dlclose(module->handle);
        delete module;
        return nullptr;
    }
    modules.push_back(module);
    *code = SUCCESS;
    return module;
}

void unload_module(Module* module) {
    auto found = std::find(modules.begin(), modules.end(), module);
    if (found == modules.end()) {
        return;
    }
    collect(module);
    for (auto function = functions.begin(); function != functions.end();) {
        if ((*function)->module == module) {
            delete *function;
            function = functions.erase(function);
        } else {
            ++function;
        }
    }
    modules.erase(found);
    dlclose(module->handle);
    delete module;
}

Function* find_function(Module* module, const char* name) {
    if (std::find(modules.begin(), modules.end(), module) == modules.end()) {
        refuse("unknown function", "%s of a module that is not loaded, or was unloaded", name);
        return nullptr;
    }
    const Kernel* found = (const Kernel*) dlsym(module->handle, (std::string("emulator_kernel_") + name).c_str());
    if (found == nullptr) {
        std::string list;
        for (const std::string& function : declared(module)) {
            list += function.find(":kernel ") == std::string::npos ? "" : " " + function + ";";
        }
        refuse("unknown function", "%s of a module of %zu bytes at %#zx, whose kernels are:%s", name,
            module->image->size(), (size_t) module->base, list.c_str());
        return nullptr;
    }
    for (Function* function : functions) {
        if (function->kernel == found) {
            return function;
        }
    }
    Function* function = new Function;
    function->kernel = found;
    function->module = module;
    functions.insert(function);
    return function;
}

bool is_function(const Function* function) {
    return functions.count(const_cast<Function*>(function)) > 0;
}

Module* module_of(uintptr_t address) {
    for (Module* module : modules) {
        if (address >= module->low && address < module->high) {
            return module;
        }
    }
    return nullptr;
}

uintptr_t address_in_module(uint32_t half) {
    for (Module* module : modules) {
        uintptr_t address = (module->low & ~(uintptr_t) 0xffffffff) | half;
        address += address < module->low ? (uintptr_t) 1 << 32 : 0;
        if (address < module->high) {
            return address;
        }
    }
    return 0;
}

std::vector<std::string> entered_functions() {
    collect_all();
    return {entered.begin(), entered.end()};
}

std::vector<std::string> known_functions() {
    collect_all();
    return {known.begin(), known.end()};
}

void forget_modules() {
    while (!modules.empty()) {
        unload_module(modules.back());
    }
}

// Programs: shared objects that the compiler's stand-in made, where a card would have cubins.
#include "state.h"
#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

namespace {

struct Entry { const char* name; uint64_t entered; };
struct Entries { const Entry* first; const Entry* last; };

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
    const Elf64_Ehdr* header = (const Elf64_Ehdr*) module->image.data();
    const Elf64_Phdr* segments = (const Elf64_Phdr*) (module->image.data() + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD) {
            uintptr_t end = module->base + segments[i].p_vaddr + segments[i].p_memsz;
            module->high = std::max(module->high, end);
        }
    }
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
    module->image.assign(image, image_size(image));
    // A name of its own for each: dlopen takes files of one name for one file, though another lies there by now.
    char path[] = "/tmp/adjoint-kernels-XXXXXX";
    int file = mkstemp(path);
    if (file >= 0) {
        if (write(file, module->image.data(), module->image.size()) == (ssize_t) module->image.size()) {
            module->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        }
        close(file);
        unlink(path);
    }
    if (module->handle == nullptr) {
        const char* why = dlerror();
        refuse("not a program", "a module can't be loaded: %s", why == nullptr ? "no memory file" : why);
        delete module;
        return nullptr;
    }
    find_extent(module);
    // What the compiler's stand-in added: every function of the text, called or not, and the card that it is meant for.
    const char* const* functions_of_text = (const char* const*) dlsym(module->handle, "emulator_declared");
    for (; functions_of_text != nullptr && *functions_of_text != nullptr; functions_of_text++) {
        known.insert(*functions_of_text);
    }
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
        return nullptr;
    }
    const Kernel* found = (const Kernel*) dlsym(module->handle, (std::string("emulator_kernel_") + name).c_str());
    if (found == nullptr) {
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

// What went wrong, in words: kind, source line, kernel, block, thread.
#include "state.h"
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

Fault first_fault;
int sticky;
bool failed;

namespace {

std::string format_text(const char* format, va_list arguments) {
    char text[2048];
    vsnprintf(text, sizeof text, format, arguments);
    return text;
}

std::string run(const std::string& command) {
    std::string out;
    if (FILE* pipe = popen(command.c_str(), "r")) {
        char line[1024];
        while (fgets(line, sizeof line, pipe)) {
            out += line;
        }
        pclose(pipe);
    }
    return out;
}

std::string base_name(const std::string& path) {
    size_t slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

// addr2line tells what was inlined there, innermost first: functions of device.h are the language, not the kernel.
std::string source_line(uintptr_t pc) {
    Module* module = pc == 0 ? nullptr : module_of(pc);
    if (module == nullptr) {
        return "unknown line";
    }
    char path[] = "/tmp/adjoint-emulator-XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || write(file, module->image->data(), module->image->size()) != (ssize_t) module->image->size()) {
        return "unknown line";
    }
    char command[256];
    snprintf(command, sizeof command, "addr2line -f -i -C -e %s %#zx 2>/dev/null", path,
        (size_t) (pc - 1 - module->base));
    std::string out = run(command);
    close(file);
    unlink(path);
    std::string text;
    size_t at = 0;
    while (at < out.size()) {
        size_t name_end = out.find('\n', at), line_end = out.find('\n', name_end + 1);
        if (name_end == std::string::npos || line_end == std::string::npos) {
            break;
        }
        std::string name = out.substr(at, name_end - at);
        std::string line = base_name(out.substr(name_end + 1, line_end - name_end - 1));
        at = line_end + 1;
        if (line.compare(0, 8, "device.h") == 0) {
            continue;
        }
        line = line.substr(0, line.find(" ("));
        name = name.substr(0, name.find('('));
        text += (text.empty() ? "" : ", inlined into ") + line + (name == "??" ? "" : " (" + name + ")");
    }
    return text.empty() ? "unknown line" : text;
}

std::string source_line_of_half(uint32_t pc) {
    return source_line(address_in_module(pc));
}

void fault(const char* kind, int code, uintptr_t pc, const char* format, ...) {
    if (failed || fault_of_unwritten()) {
        return;
    }
    failed = true;
    va_list arguments;
    va_start(arguments, format);
    std::string text = format_text(format, arguments);
    va_end(arguments);
    std::string where = pc == 0 ? "" : source_line(pc) + ": ";
    text = std::string(kind) + ": " + where + text;
    if (kernel != nullptr) {
        char place[256];
        snprintf(place, sizeof place, "; kernel %s, block (%u, %u, %u)", kernel->name, block_index.x, block_index.y,
            block_index.z);
        text += place;
        if (current != nullptr) {
            snprintf(place, sizeof place, ", thread (%u, %u, %u)", current->index.x, current->index.y,
                current->index.z);
            text += place;
        }
        static const char* orders[] = {"forward", "reverse", "shuffled"};
        text += std::string(", ") + orders[thread_order] + " order";
    }
    if (first_fault.kind.empty()) {
        first_fault = Fault{kind, text, code};
    }
    sticky = code;
}

void refuse(const char* kind, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::string text = std::string(kind) + ": " + format_text(format, arguments);
    va_end(arguments);
    if (first_fault.kind.empty()) {
        first_fault = Fault{kind, text, 0};
    }
}

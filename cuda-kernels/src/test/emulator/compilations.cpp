// Which programs are compiled when. Most of the time that a small program takes goes into the start of the compiler and
// into headers. Therefore no more compilers run than there are processors, and programs that wait meanwhile and have
// the same headers are compiled as one.
//
// Shared objects are kept under a key of all that went into them, in the folder that ADJOINT_EMULATOR_PROGRAMS names or
// in programs/ beside the one of this library.
#include "program.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <thread>

#if !defined(EMULATOR_FOLDER) || !defined(EMULATOR_VERSION)
#error "EmulatorBuild.java defines the folder of the libraries and a hash of what they were made of"
#endif

namespace emulator {
namespace {

const std::string FOLDER = EMULATOR_FOLDER;

// Of programs compiled as one. Each is loaded with all others.
const size_t MOST = 12;

std::string programs() {
    const char* chosen = std::getenv("ADJOINT_EMULATOR_PROGRAMS");
    return chosen != nullptr ? chosen : FOLDER + "/../programs";
}

// 128 bits of two multiplicative hashes; parts are separated by their lengths.
class Key {
public:
    Key& add(const std::string& part) {
        uint64_t length = part.size();
        mix(reinterpret_cast<const char*>(&length), sizeof length);
        mix(part.data(), part.size());
        return *this;
    }

    std::string text() const {
        char s[33];
        std::snprintf(s, sizeof s, "%016llx%016llx", (unsigned long long) a, (unsigned long long) b);
        return s;
    }

private:
    uint64_t a = 0xcbf29ce484222325u;
    uint64_t b = 0x9e3779b97f4a7c15u;

    void mix(const char* data, size_t size) {
        for (size_t i = 0; i < size; i++) {
            a = (a ^ (unsigned char) data[i]) * 0x100000001b3u;
            b = (b + (unsigned char) data[i]) * 0xd6e8feb86659fd93u;
            b ^= b >> 29;
        }
    }
};

// A program that somebody waits for.
struct Request {
    const Program* program;
    const Options* options;
    std::string target;
    std::string company;  // what programs compiled as one have in common; empty if it must be compiled alone
    bool taken;
    bool done;
    Compiled compiled;
};

using Requests = std::vector<std::shared_ptr<Request>>;

std::mutex lock;
std::condition_variable progress;
std::map<std::string, std::shared_ptr<Request>> requests;  // by target; those that are not done
Requests waiting;                                          // those that nobody has taken, in the order of arrival
const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
unsigned running;

// Macros of one program would be seen by the next.
bool has_macros(const std::string& text) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        size_t start = line.find_first_not_of(" \t");
        if (start != std::string::npos && line[start] == '#' && line.compare(start, 8, "#include") != 0
            && line.compare(start, 7, "#pragma") != 0) {
            return true;
        }
    }
    return false;
}

// This one, and those that can come along.
Requests taken_with(const std::shared_ptr<Request>& request) {
    Requests taken {request};
    for (const auto& other : waiting) {
        if (taken.size() < MOST && other != request && !request->company.empty()
            && other->company == request->company) {
            taken.push_back(other);
        }
    }
    for (const auto& each : taken) {
        each->taken = true;
        waiting.erase(std::find(waiting.begin(), waiting.end(), each));
    }
    return taken;
}

void build(const Requests& taken) {
    std::vector<const Program*> programs;
    std::vector<std::string> targets;
    for (const auto& request : taken) {
        programs.push_back(request->program);
        targets.push_back(request->target);
    }
    Compiled compiled = build(programs, *taken[0]->options, targets);
    for (const auto& request : taken) {
        // What is wrong with one is said of that one.
        bool all = compiled.success || taken.size() == 1;
        request->compiled = all ? compiled : build({request->program}, *request->options, {request->target});
    }
}

}  // namespace

Compiled compile(const Program& program, const Options& options) {
    static const std::string device_header = [] {
        std::string text;
        read(FOLDER + "/device.h", text);
        return text;
    }();
    Key common;
    common.add(EMULATOR_VERSION).add(device_header).add(options.fused ? "fused" : "")
        .add(std::to_string(options.architecture));
    for (const auto& [name, text] : program.headers) {
        common.add(name).add(text);
    }
    for (const std::string& definition : options.definitions) {
        common.add(definition);
    }
    Key company = common;
    std::string target = programs() + "/" + common.add(program.name).add(program.text).text() + ".so";
    Compiled compiled {true, "", ""};
    if (read(target, compiled.image) && !compiled.image.empty()) {
        return compiled;
    }

    std::unique_lock<std::mutex> guard(lock);
    std::shared_ptr<Request>& place = requests[target];
    if (place == nullptr) {
        place.reset(new Request {&program, &options, target,
            has_macros(program.text) ? "" : company.add(inclusions(program.text)).text(), false, false, {}});
        waiting.push_back(place);
    }
    std::shared_ptr<Request> request = place;
    while (!request->done) {
        if (request->taken || running == processors) {
            progress.wait(guard);
            continue;
        }
        Requests taken = taken_with(request);
        running++;
        guard.unlock();
        build(taken);
        guard.lock();
        running--;
        for (const auto& each : taken) {
            each->done = true;
            requests.erase(each->target);
        }
        progress.notify_all();
    }
    return request->compiled;
}

}  // namespace emulator

// Streams, events, modules, launches, graphs.
#include "api.h"
#include <algorithm>
#include <chrono>
#include <cstring>
#include <set>

namespace {

struct EventHandle { std::shared_ptr<Event> event; };
struct Executable { std::vector<Work> work; };

std::set<EventHandle*> events;
std::set<Graph*> graphs;
std::set<Executable*> executables;

// A pending event is shown as such a few times before the work behind it runs: hosts must poll.
constexpr int POLLS = 3;

double milliseconds() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool reached(const Event& event) {
    if (!event.recorded || event.capturing != nullptr) {
        return true;
    }
    Stream* stream = event.stream;
    return stream != &null_stream && stream_of(stream) == nullptr ? true
        : stream->base + stream->done >= event.position;
}

// The capture that the event was recorded in goes on.
bool is_captured(const Event& event) {
    Stream* stream = event.capturing == nullptr ? nullptr : stream_of(event.stream);
    return stream != nullptr && stream->capture == event.capturing;
}

int reach(const Event& event) {
    return reached(event) ? (failed ? sticky : SUCCESS) : drain_to(event.stream, event.position);
}

// The parameters as the kernel declares them, from an array of pointers or from one buffer.
int take_parameters(const Kernel* launched, void** pointers, void** extra, Grid* grid) {
    size_t end = 0, widest = 1;
    for (int i = 0; i < launched->parameters; i++) {
        size_t alignment = launched->alignments[i];
        end = (end + alignment - 1) / alignment * alignment;
        grid->offsets.push_back(end);
        end += launched->sizes[i];
        widest = std::max(widest, alignment);
    }
    // The storage is aligned to 8 bytes only; wider parameters are copied to the thread's stack anyway.
    grid->storage.resize(end / 8 + 2);
    char* storage = (char*) grid->storage.data();
    if (extra != nullptr) {
        const void* buffer = nullptr;
        size_t size = 0;
        for (void** at = extra; (uintptr_t) *at != 0; at += 2) {
            if ((uintptr_t) *at == 1) {
                buffer = at[1];
            } else if ((uintptr_t) *at == 2) {
                size = *(size_t*) at[1];
            } else {
                return INVALID_VALUE;
            }
        }
        size_t rounded = (end + widest - 1) / widest * widest;
        if ((buffer == nullptr && end > 0) || size < end || size > std::max(rounded, (end + 7) / 8 * 8)) {
            refuse("wrong parameter size", "%s takes %d parameters of %zu bytes in all, not %zu bytes", launched->name,
                launched->parameters, end, size);
            return INVALID_VALUE;
        }
        memcpy(storage, buffer, end);
        return SUCCESS;
    }
    if (pointers == nullptr && launched->parameters > 0) {
        refuse("wrong parameter count", "%s takes %d parameters and got none", launched->name, launched->parameters);
        return INVALID_VALUE;
    }
    for (int i = 0; i < launched->parameters; i++) {
        if (pointers[i] == nullptr) {
            refuse("wrong parameter count", "%s takes %d parameters; number %d is null", launched->name,
                launched->parameters, i);
            return INVALID_VALUE;
        }
        memcpy(storage + grid->offsets[i], pointers[i], launched->sizes[i]);
    }
    return SUCCESS;
}

int launch(Function* function, Index grid, Index block, unsigned dynamic, void* handle, void** parameters, void** extra) {
    if (!is_function(function)) {
        return INVALID_HANDLE;
    }
    Stream* stream = stream_of(handle);
    if (stream == nullptr) {
        return INVALID_HANDLE;
    }
    if (int code = check_grid(function, grid, block, dynamic)) {
        return code;
    }
    auto work = std::make_shared<Grid>();
    work->function = function;
    work->grid = grid;
    work->block = block;
    work->dynamic = dynamic;
    if (int code = take_parameters(function->kernel, parameters, extra, work.get())) {
        return code;
    }
    return enqueue(stream, [work] { return run_grid(*work); });
}

int blocks_per_processor(const Function* function, int threads, size_t dynamic) {
    if (threads <= 0 || threads > (int) function->kernel->most_threads) {
        return 0;
    }
    int by_threads = 2048 / ((threads + 31) / 32 * 32);
    int by_memory = (int) (most_dynamic_shared() / (dynamic + 1024));
    return std::min({32, by_threads, by_memory});
}

}  // namespace

void drop_handles() {
    for (EventHandle* event : events) {
        delete event;
    }
    events.clear();
    for (Graph* graph : graphs) {
        delete graph;
    }
    graphs.clear();
    for (Executable* executable : executables) {
        delete executable;
    }
    executables.clear();
    drop_host_memory();
}

#define STREAM(handle) \
    Stream* stream = stream_of(handle); \
    if (stream == nullptr) { \
        return INVALID_HANDLE; \
    }

extern "C" {
#pragma GCC visibility push(default)

// Streams

int cuStreamCreate(Stream** stream, unsigned flags) {
    BEGIN(cuStreamCreate)
    *stream = make_stream((flags & 1) == 0);
    return SUCCESS;
}

int cuStreamCreateWithPriority(Stream** stream, unsigned flags, int) {
    BEGIN(cuStreamCreateWithPriority)
    *stream = make_stream((flags & 1) == 0);
    return SUCCESS;
}

int cuStreamDestroy_v2(void* handle) {
    BEGIN(cuStreamDestroy)
    STREAM(handle)
    if (stream == &null_stream) {
        return INVALID_HANDLE;
    }
    drain(stream);
    drop_stream(stream);
    return SUCCESS;
}

int cuStreamSynchronize(void* handle) {
    BEGIN(cuStreamSynchronize)
    STREAM(handle)
    REFUSE_IF_CAPTURED(stream)
    return drain(stream);
}

int cuStreamQuery(void* handle) {
    BEGIN(cuStreamQuery)
    STREAM(handle)
    REFUSE_IF_CAPTURED(stream)
    if (stream->done == stream->items.size()) {
        return SUCCESS;
    }
    return ++stream->polls < POLLS ? (int) NOT_READY : drain(stream);
}

int cuStreamGetFlags(void* handle, unsigned* flags) {
    BEGIN(cuStreamGetFlags)
    STREAM(handle)
    *flags = stream->blocking ? 0 : 1;
    return SUCCESS;
}

int cuStreamGetPriority(void* handle, int* priority) {
    BEGIN(cuStreamGetPriority)
    STREAM(handle)
    *priority = 0;
    return SUCCESS;
}

int cuStreamGetCtx(void* handle, Context** context) {
    BEGIN(cuStreamGetCtx)
    STREAM(handle)
    *context = current_context;
    return SUCCESS;
}

int cuStreamWaitEvent(void* handle, EventHandle* event, unsigned) {
    BEGIN(cuStreamWaitEvent)
    STREAM(handle)
    if (events.count(event) == 0) {
        return INVALID_HANDLE;
    }
    Event at = *event->event;
    if (is_captured(at)) {
        // The stream joins the capture that the event belongs to.
        if (stream->capture == nullptr) {
            stream->capture = at.capturing;
            stream->capture_mode = at.stream->capture_mode;
            stream->capture_thread = at.stream->capture_thread;
        }
        return stream->capture == at.capturing ? SUCCESS : CAPTURE_INVALIDATED;
    }
    if (!at.recorded || at.capturing != nullptr) {
        return SUCCESS;
    }
    return enqueue(stream, [at] { return reach(at); });
}

// Events

int cuEventCreate(EventHandle** event, unsigned flags) {
    BEGIN(cuEventCreate)
    *event = new EventHandle{std::make_shared<Event>()};
    (*event)->event->timing = (flags & 2) == 0;
    events.insert(*event);
    return SUCCESS;
}

int cuEventDestroy_v2(EventHandle* event) {
    BEGIN(cuEventDestroy)
    if (events.erase(event) == 0) {
        return INVALID_HANDLE;
    }
    delete event;
    return SUCCESS;
}

int cuEventRecord(EventHandle* handle, void* stream_handle) {
    BEGIN(cuEventRecord)
    STREAM(stream_handle)
    if (events.count(handle) == 0) {
        return INVALID_HANDLE;
    }
    std::shared_ptr<Event> event = handle->event;
    event->capturing = stream->capture;
    event->stream = stream;
    event->polls = 0;
    event->recorded = true;
    if (stream->capture != nullptr) {
        return SUCCESS;
    }
    int code = enqueue(stream, [event] {
        event->time = milliseconds();
        return SUCCESS;
    });
    event->position = stream->base + stream->items.size();
    return code;
}

int cuEventRecordWithFlags(EventHandle* handle, void* stream, unsigned) {
    return cuEventRecord(handle, stream);
}

int cuEventQuery(EventHandle* handle) {
    BEGIN(cuEventQuery)
    if (events.count(handle) == 0) {
        return INVALID_HANDLE;
    }
    Event& event = *handle->event;
    if (is_captured(event)) {
        REFUSE_IF_CAPTURED(event.stream)
    }
    if (reached(event)) {
        return SUCCESS;
    }
    return ++event.polls < POLLS ? (int) NOT_READY : reach(event);
}

int cuEventSynchronize(EventHandle* handle) {
    BEGIN(cuEventSynchronize)
    if (events.count(handle) == 0) {
        return INVALID_HANDLE;
    }
    if (is_captured(*handle->event)) {
        REFUSE_IF_CAPTURED(handle->event->stream)
    }
    return reach(*handle->event);
}

int cuEventElapsedTime(float* time, EventHandle* start, EventHandle* end) {
    BEGIN(cuEventElapsedTime)
    if (events.count(start) == 0 || events.count(end) == 0 || !start->event->recorded || !end->event->recorded
        || !start->event->timing || !end->event->timing) {
        return INVALID_HANDLE;
    }
    if (!reached(*start->event) || !reached(*end->event)) {
        return NOT_READY;
    }
    *time = (float) (end->event->time - start->event->time);
    return SUCCESS;
}

// Modules and functions

int cuModuleLoadData(Module** module, const void* image) {
    BEGIN(cuModuleLoadData)
    REFUSE_DURING_CAPTURE()
    int code;
    *module = load_module((const char*) image, &code);
    return code;
}

int cuModuleLoadDataEx(Module** module, const void* image, unsigned, int*, void**) {
    BEGIN(cuModuleLoadDataEx)
    REFUSE_DURING_CAPTURE()
    int code;
    *module = load_module((const char*) image, &code);
    return code;
}

int cuModuleUnload(Module* module) {
    BEGIN(cuModuleUnload)
    drain_all();
    unload_module(module);
    return failed ? sticky : SUCCESS;
}

int cuModuleGetFunction(Function** function, Module* module, const char* name) {
    BEGIN(cuModuleGetFunction)
    *function = find_function(module, name);
    return *function == nullptr ? NOT_FOUND : SUCCESS;
}

int cuModuleGetLoadingMode(int* mode) {
    BEGIN_WITHOUT_CONTEXT(cuModuleGetLoadingMode)
    *mode = 1;
    return SUCCESS;
}

int cuFuncGetModule(Module** module, Function* function) {
    BEGIN(cuFuncGetModule)
    if (!is_function(function)) {
        return INVALID_HANDLE;
    }
    *module = function->module;
    return SUCCESS;
}

int cuFuncGetAttribute(int* value, int attribute, Function* function) {
    BEGIN(cuFuncGetAttribute)
    if (!is_function(function)) {
        return INVALID_HANDLE;
    }
    switch (attribute) {
        case 0: *value = (int) function->kernel->most_threads; break;
        case 4: *value = 32; break;
        case 5: case 6: *value = settings.major * 10 + settings.minor; break;
        case 8: *value = (int) function->most_dynamic; break;
        default: *value = 0; break;
    }
    return SUCCESS;
}

int cuFuncSetAttribute(Function* function, int attribute, int value) {
    BEGIN(cuFuncSetAttribute)
    if (!is_function(function)) {
        return INVALID_HANDLE;
    }
    if (attribute == 8) {
        if (value < 0 || value > (int) most_dynamic_shared()) {
            refuse("too much shared memory", "%s asks for %d bytes of dynamic shared memory; the card allows %u",
                function->kernel->name, value, most_dynamic_shared());
            return INVALID_VALUE;
        }
        function->most_dynamic = std::max(value, (int) SHARED_STATIC_MOST);
        return SUCCESS;
    }
    return attribute == 9 ? SUCCESS : INVALID_VALUE;
}

int cuFuncSetCacheConfig(Function*, int) {
    BEGIN(cuFuncSetCacheConfig)
    return SUCCESS;
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Function* function, int threads, size_t dynamic) {
    BEGIN(cuOccupancyMaxActiveBlocksPerMultiprocessor)
    if (!is_function(function)) {
        return INVALID_HANDLE;
    }
    *blocks = blocks_per_processor(function, threads, dynamic);
    return SUCCESS;
}

int cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, Function* function, int threads, size_t dynamic,
        unsigned) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, dynamic);
}

// Launches

int cuLaunchKernel(Function* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
        unsigned block_y, unsigned block_z, unsigned dynamic, void* stream, void** parameters, void** extra) {
    BEGIN(cuLaunchKernel)
    return launch(function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic, stream, parameters, extra);
}

int cuLaunchHostFunc(void* handle, void (*run)(void*), void* data) {
    BEGIN(cuLaunchHostFunc)
    STREAM(handle)
    return enqueue(stream, [=] {
        run(data);
        return SUCCESS;
    });
}

// Graphs

int cuStreamBeginCapture_v2(void* handle, int mode) {
    BEGIN(cuStreamBeginCapture)
    STREAM(handle)
    if (stream == &null_stream || is_capturing(stream)) {
        return CAPTURE_UNSUPPORTED;
    }
    stream->capture = new Graph;
    stream->origin = true;
    stream->invalid = false;
    stream->capture_mode = mode;
    stream->capture_thread = std::this_thread::get_id();
    return SUCCESS;
}

int cuStreamEndCapture(void* handle, Graph** graph) {
    BEGIN(cuStreamEndCapture)
    STREAM(handle)
    if (!is_capturing(stream) || !stream->origin) {
        return INVALID_VALUE;
    }
    *graph = end_capture(stream);
    if (*graph == nullptr) {
        return CAPTURE_INVALIDATED;
    }
    graphs.insert(*graph);
    return SUCCESS;
}

int cuStreamIsCapturing(void* handle, int* status) {
    BEGIN(cuStreamIsCapturing)
    STREAM(handle)
    *status = !is_capturing(stream) ? 0 : stream->invalid ? 2 : 1;
    return SUCCESS;
}

int cuThreadExchangeStreamCaptureMode(int* mode) {
    BEGIN(cuThreadExchangeStreamCaptureMode)
    *mode = 0;
    return SUCCESS;
}

int cuGraphGetNodes(Graph* graph, void**, size_t* count) {
    BEGIN(cuGraphGetNodes)
    if (graphs.count(graph) == 0) {
        return INVALID_VALUE;
    }
    *count = graph->work.size();
    return SUCCESS;
}

int cuGraphDestroy(Graph* graph) {
    BEGIN(cuGraphDestroy)
    if (graphs.erase(graph) == 0) {
        return INVALID_VALUE;
    }
    delete graph;
    return SUCCESS;
}

int cuGraphInstantiateWithFlags(Executable** executable, Graph* graph, unsigned long long) {
    BEGIN(cuGraphInstantiate)
    if (graphs.count(graph) == 0) {
        return INVALID_VALUE;
    }
    *executable = new Executable{graph->work};
    executables.insert(*executable);
    return SUCCESS;
}

int cuGraphUpload(Executable* executable, void*) {
    BEGIN(cuGraphUpload)
    return executables.count(executable) ? SUCCESS : INVALID_VALUE;
}

int cuGraphLaunch(Executable* executable, void* handle) {
    BEGIN(cuGraphLaunch)
    STREAM(handle)
    if (executables.count(executable) == 0) {
        return INVALID_VALUE;
    }
    for (const Work& work : executable->work) {
        if (int code = enqueue(stream, work)) {
            return code;
        }
    }
    return SUCCESS;
}

int cuGraphExecDestroy(Executable* executable) {
    BEGIN(cuGraphExecDestroy)
    if (executables.erase(executable) == 0) {
        return INVALID_VALUE;
    }
    delete executable;
    return SUCCESS;
}

// Errors

static const struct { int code; const char* name; const char* text; } ERRORS[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {600, "CUDA_ERROR_NOT_READY", "device not ready"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {702, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {709, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {712, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED", "part or all of the requested memory range is already mapped"},
    {713, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED", "pointer does not correspond to a registered memory region"},
    {716, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
    {906, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT", "operation would make the legacy stream depend on a capturing blocking stream"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

int cuGetErrorName(int error, const char** name) {
    for (const auto& known : ERRORS) {
        if (known.code == error) {
            *name = known.name;
            return SUCCESS;
        }
    }
    *name = nullptr;
    return INVALID_VALUE;
}

// With the report of the fault that caused it: a card could not say so much.
int cuGetErrorString(int error, const char** text) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    static std::set<std::string> said;
    for (const auto& known : ERRORS) {
        if (known.code == error) {
            bool ours = !first_fault.kind.empty() && (first_fault.code == error || (first_fault.code == 0 && error == 1));
            *text = said.insert(ours ? std::string(known.text) + " [" + first_fault.text + "]" : known.text).first
                ->c_str();
            return SUCCESS;
        }
    }
    *text = nullptr;
    return INVALID_VALUE;
}
#pragma GCC visibility pop
}

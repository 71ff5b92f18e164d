// Streams, events, graphs: what runs after what.
#include "api.h"
#include <chrono>
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
#pragma GCC visibility pop
}

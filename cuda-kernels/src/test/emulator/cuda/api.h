// How each call of the driver begins.
#pragma once
#include "state.h"

extern "C" int cuInit(unsigned flags);

// Null outside a context; per host thread.
struct Context { int device; int retained; bool primary; };
extern thread_local Context* current_context;
extern bool initialized;
bool is_context(const Context* context);

// What every call checks before its own arguments.
inline int begin(const char* call, bool needs_context) {
    if (int code = called(call)) {
        return code;
    }
    if (!initialized) {
        return NOT_INITIALIZED;
    }
    if (needs_context) {
        if (current_context == nullptr) {
            return INVALID_CONTEXT;
        }
        if (!is_context(current_context)) {
            return CONTEXT_IS_DESTROYED;
        }
        return sticky;
    }
    return SUCCESS;
}

#define BEGIN(call) \
    std::lock_guard<std::recursive_mutex> guard(lock); \
    if (int code = begin(#call, true)) { \
        return code; \
    }
#define BEGIN_WITHOUT_CONTEXT(call) \
    std::lock_guard<std::recursive_mutex> guard(lock); \
    if (int code = begin(#call, false)) { \
        return code; \
    }
#define STREAM(handle) \
    Stream* stream = stream_of(handle); \
    if (stream == nullptr) { \
        return INVALID_HANDLE; \
    }

// Calls that allocate or wait for more than one stream are refused while a stream is captured, and spoil the capture.
#define REFUSE_DURING_CAPTURE() \
    if (spoils_captures()) { \
        return CAPTURE_UNSUPPORTED; \
    }
bool spoils_captures();
// Waiting for a stream that is captured.
#define REFUSE_IF_CAPTURED(stream) \
    if (is_capturing(stream)) { \
        (stream)->invalid = true; \
        return CAPTURE_UNSUPPORTED; \
    }
// The graph, or null if the capture was spoilt.
Graph* end_capture(Stream* stream);
void drop_host_memory();
unsigned most_dynamic_shared();

// Streams are lazy: nothing runs before somebody waits for it, so that a forgotten wait reads what was there before.
#include "api.h"
#include <algorithm>

Stream null_stream;

namespace {

std::vector<Stream*> streams;
uint64_t sequence;

// The null stream and the blocking ones wait for each other's earlier work.
int drain_before(Stream* stream, uint64_t before) {
    while (stream->done < stream->items.size() && stream->items[stream->done].sequence < before) {
        if (int code = drain_to(stream, stream->base + stream->done + 1)) {
            return code;
        }
    }
    return SUCCESS;
}

}  // namespace

Stream* stream_of(void* handle) {
    uintptr_t number = (uintptr_t) handle;
    if (number <= 2) {  // null, legacy, per thread
        return &null_stream;
    }
    auto found = std::find(streams.begin(), streams.end(), (Stream*) handle);
    return found == streams.end() ? nullptr : *found;
}

bool is_capturing(Stream* stream) {
    return stream->capture != nullptr;
}

bool spoils_captures() {
    bool spoils = false;
    for (Stream* stream : streams) {
        if (is_capturing(stream) && (stream->capture_mode == 0
                || (stream->capture_mode == 1 && stream->capture_thread == std::this_thread::get_id()))) {
            stream->invalid = spoils = true;
        }
    }
    return spoils;
}

int enqueue(Stream* stream, Work work) {
    if (stream->capture != nullptr) {
        stream->capture->work.push_back(std::move(work));
        return SUCCESS;
    }
    if (stream == &null_stream) {
        for (Stream* other : streams) {
            if (other->blocking && is_capturing(other)) {
                other->invalid = true;
                return CAPTURE_IMPLICIT;
            }
        }
    }
    stream->items.push_back({++sequence, std::move(work)});
    stream->polls = 0;
    return SUCCESS;
}

int drain_to(Stream* stream, uint64_t position) {
    while (!failed && stream->base + stream->done < position && stream->done < stream->items.size()) {
        uint64_t order = stream->items[stream->done].sequence;
        if (stream == &null_stream) {
            for (size_t i = 0; i < streams.size(); i++) {
                if (streams[i]->blocking) {
                    drain_before(streams[i], order);
                }
            }
        } else if (stream->blocking) {
            drain_before(&null_stream, order);
        }
        Work work = std::move(stream->items[stream->done++].work);
        if (stream->done == stream->items.size()) {
            stream->base += stream->done;
            stream->items.clear();
            stream->done = 0;
        }
        if (!failed) {
            work();
        }
    }
    return failed ? sticky : SUCCESS;
}

int drain(Stream* stream) {
    return drain_to(stream, stream->base + stream->items.size());
}

int drain_all() {
    for (size_t i = 0; i < streams.size(); i++) {
        drain(streams[i]);
    }
    return drain(&null_stream);
}

void drop_streams() {
    for (Stream* stream : streams) {
        delete stream;
    }
    streams.clear();
    null_stream = Stream();
}

Stream* make_stream(bool blocking) {
    Stream* stream = new Stream;
    stream->blocking = blocking;
    streams.push_back(stream);
    return stream;
}

void drop_stream(Stream* stream) {
    streams.erase(std::find(streams.begin(), streams.end(), stream));
    delete stream;
}

Graph* end_capture(Stream* stream) {
    Graph* graph = stream->capture;
    bool invalid = false;
    for (Stream* joined : streams) {
        if (joined->capture == graph) {
            invalid |= joined->invalid;
            joined->capture = nullptr;
            joined->origin = joined->invalid = false;
        }
    }
    if (invalid) {
        delete graph;
        return nullptr;
    }
    return graph;
}

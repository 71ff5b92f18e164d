package org.adjoint;

import java.lang.foreign.MemorySegment;

/** Memory of the caller's, checked before anything is copied. */
final class Transfers {
    private Transfers() { }

    static void requireReadable(String method, MemorySegment segment) {
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException(method + ": the memory segment's arena is closed");
        }
        if (!segment.isAccessibleBy(Thread.currentThread())) {
            throw new IllegalStateException(method + ": the memory segment's arena is confined to another thread than "
                + Thread.currentThread().getName());
        }
    }

    static void requireWritable(String method, MemorySegment segment) {
        requireReadable(method, segment);
        if (segment.isReadOnly()) {
            throw new IllegalArgumentException(method + ": the memory segment is read-only");
        }
    }
}

package org.adjoint.backend;

/** Memory of one device. Closing it frees it; idempotent. */
public interface Buffer extends AutoCloseable {
    /** Its size as it was asked for. */
    long bytes();

    @Override
    void close();
}

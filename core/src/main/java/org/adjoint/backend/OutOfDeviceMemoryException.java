package org.adjoint.backend;

/** A device has not the memory that was asked for. Nothing was changed: the next smaller request can work. */
public final class OutOfDeviceMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OutOfDeviceMemoryException(String message) {
        super(message);
    }
}

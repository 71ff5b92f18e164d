package org.adjoint.backend;

import java.util.List;
import java.util.Map;

/** A kind of device, found by {@link java.util.ServiceLoader}. Implementations load quickly and probe lazily. */
public interface Backend {
    /** {@code "cpu"}, {@code "cuda"}, {@code "reference"}: the part of a device's name before the colon. */
    String name();

    /** The backend with the highest priority that has a usable device is the default; negative is never the default. */
    int priority();

    /** Every device there could be, usable or not, each with what a user wants to know. Never throws. */
    List<DeviceReport> probe();

    /**
     * Opens a device.
     *
     * @param ordinal which one, from 0
     * @param options {@code "threads"}, {@code "vectorBits"} and what else the backend documents
     * @throws DeviceUnavailableException if it can't be used; the message lists what was tried and what would help
     * @throws IllegalArgumentException for an option or a value that it does not know
     */
    DeviceDriver open(int ordinal, Map<String, String> options);
}

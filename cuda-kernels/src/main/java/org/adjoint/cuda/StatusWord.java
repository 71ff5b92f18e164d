package org.adjoint.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.driver.Gpu;
import org.adjoint.cuda.driver.Kernel;
import org.adjoint.cuda.launch.Source;

/** The word on the card where kernels report the first index out of range, and a kernel that does nothing. */
final class StatusWord {
    /** The kernel that does nothing. */
    static final Source NOTHING = Source.ofFile("nothing.cu", Map.of());
    private static final int BYTES = 64;

    private final Gpu gpu;
    private final long address;
    private final MemorySegment host = Arena.ofAuto().allocate(Long.BYTES, Long.BYTES);
    /** Whether the last run was read, and had reported nothing: one that broke off may have. */
    private boolean clear;
    private Kernel nothing;
    private ParameterBlock noParameters;

    StatusWord(Gpu gpu) {
        this.gpu = gpu;
        this.address = gpu.allocate(BYTES);
    }

    long address() {
        return address;
    }

    /** Forgets what earlier runs reported. The caller holds the monitor until it has read: such runs take turns. */
    void begin() {
        if (!clear) {
            gpu.fill(address, (byte) IndexFailure.NONE, BYTES);
        }
        clear = false;
    }

    /** Waits for what is enqueued; {@link IndexFailure#NONE} where all indices were in range. */
    long read() {
        gpu.read(address, host);
        long found = host.get(ValueLayout.JAVA_LONG, 0);
        clear = found == IndexFailure.NONE;
        return found;
    }

    /** Launches an empty kernel: what a launch costs the host. */
    synchronized void launchNothing() {
        if (nothing == null) {
            nothing = gpu.kernel(NOTHING, "nothing");
            noParameters = new ParameterBlock(Arena.ofAuto(), List.of(), 0);
        }
        gpu.launch(nothing, 1, 1, 1, 1, 1, 1, 0, noParameters.bind(null));
    }

    void free() {
        gpu.free(address);
    }
}

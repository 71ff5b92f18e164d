package org.adjoint.bench.suite;

import java.util.Map;
import org.adjoint.Device;

/** Our own contenders; a peer's name is its own. */
final class Contenders {
    /** Through the public API. */
    static final String ADJOINT = "adjoint";
    /** The CPU backend's kernel without the engine around it. */
    static final String KERNEL = "adjoint kernel";

    private Contenders() { }

    static boolean isOurs(String contender) {
        return contender.startsWith(ADJOINT);
    }

    /** The device that ours computes on; the threads are the CPU's. */
    static Device open(String device, int threads) {
        return device.equals("cpu") ? Device.open(device, Map.of("threads", Integer.toString(threads)))
            : Device.open(device);
    }
}

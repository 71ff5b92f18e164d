package org.adjoint.bench.verify;

import java.util.List;

/** A part of the verification. */
public interface Part {
    /** As {@code --part} names it. */
    String name();

    /** What it verifies, one by one. */
    List<Item> items();

    /** How many items may run at once. */
    default int concurrency() {
        return 1;
    }

    /**
     * What its items run on the device, without a judgment, for a device that compiles kernels and computes nothing.
     * Those of different names may run at once.
     */
    List<Item> rehearsals();
}

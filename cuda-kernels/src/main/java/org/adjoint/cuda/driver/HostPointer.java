package org.adjoint.cuda.driver;

import jcuda.Pointer;

/** The host's memory at an address: JCuda passes it on as it is. */
final class HostPointer extends Pointer {
    /** Where a call is going to store an address. */
    HostPointer() { }

    HostPointer(long address) {
        super(address);
    }

    long address() {
        return getNativePointer();
    }
}

package org.adjoint.cuda.driver;

import jcuda.driver.CUdeviceptr;

/** Where {@code cuMemAlloc} stores an address. */
final class DevicePointer extends CUdeviceptr {
    long address() {
        return getNativePointer();
    }

    static CUdeviceptr at(long address) {
        return new CUdeviceptr().withByteOffset(address);
    }
}

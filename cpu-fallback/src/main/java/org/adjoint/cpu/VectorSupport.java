package org.adjoint.cpu;

import jdk.incubator.vector.VectorShape;

/** Whether this JVM was started with the Vector API, and how wide its vectors are. */
final class VectorSupport {
    /** What to do where it was not. */
    static final String REMEDY = "the Vector API: start java with --add-modules jdk.incubator.vector";

    private VectorSupport() { }

    /** An incubator module is resolved only if a flag or a module that is itself resolved asks for it. */
    static boolean present() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    }

    /** The width the machine computes fastest with, of those there are kernels for; 0 without the Vector API. */
    static int preferredBits() {
        return present() ? Preferred.BITS : 0;
    }

    /** Loaded only where the Vector API is present. */
    private static final class Preferred {
        static final int BITS = bits();

        private static int bits() {
            int bits = VectorShape.preferredShape().vectorBitSize();
            return bits < 128 ? 0 : Math.min(512, Integer.highestOneBit(bits));
        }
    }
}

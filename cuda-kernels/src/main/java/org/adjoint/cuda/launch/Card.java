package org.adjoint.cuda.launch;

/**
 * What kernels may depend on. How many multiprocessors there are is not among it: no result may.
 *
 * @param architecture compute capability times 10: 75 to 120
 * @param sharedBytes dynamic shared memory that a block can have, 48 KiB to 227 KiB
 */
public record Card(int architecture, int sharedBytes) {
    /** Whether 16-bit matrix fragments can be multiplied in bf16, and copied from global memory asynchronously. */
    public boolean isAmpereOrLater() {
        return architecture >= 80;
    }
}

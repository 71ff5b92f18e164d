package org.adjoint.cuda.driver;

import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.JCudaDriver;

/** A function of a loaded module; valid as long as its {@link Gpu} is open. */
public final class Kernel {
    /** Dynamic shared memory that every launch may use; more has to be asked for. */
    private static final int SHARED_WITHOUT_ASKING = 48 * 1024;

    private final String name;
    private final CUfunction function;
    private int sharedBytes = SHARED_WITHOUT_ASKING;

    Kernel(String name, CUfunction function) {
        this.name = name;
        this.function = function;
    }

    /** The function's symbol, such as {@code softmax_forward_bf16}. */
    public String name() {
        return name;
    }

    CUfunction function() {
        return function;
    }

    /** Called with the context's lock taken. */
    void reserveShared(int bytes, Context context) {
        if (bytes > sharedBytes) {
            context.check(JCudaDriver.cuFuncSetAttribute(function,
                CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes), "cuFuncSetAttribute",
                "for " + bytes + " bytes of shared memory of " + name);
            sharedBytes = bytes;
        }
    }

    @Override
    public String toString() {
        return "of kernel " + name;
    }
}

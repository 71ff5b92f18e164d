package org.adjoint.cuda.driver;

import java.util.Set;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.cublasStatus;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcResult;

/** What the status of a call means: the one place where they become exceptions. */
final class Statuses {
    /** After one of these every call of the context fails. */
    private static final Set<Integer> LOSING = Set.of(CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
        CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE, CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
        CUresult.CUDA_ERROR_LAUNCH_TIMEOUT, CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED, CUresult.CUDA_ERROR_ASSERT,
        CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR, CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION,
        CUresult.CUDA_ERROR_MISALIGNED_ADDRESS, CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE,
        CUresult.CUDA_ERROR_INVALID_PC, CUresult.CUDA_ERROR_LAUNCH_FAILED);

    private Statuses() { }

    /** Without a context: nothing is lost and there is no memory to run out of. */
    static void checkDriver(int status, String call, Object doing) {
        if (status != CUresult.CUDA_SUCCESS) {
            throw driver("cuda", status, call, doing, null);
        }
    }

    /**
     * @param doing what for, such as the kernel; its text follows the call's name
     * @param lastKernel the one enqueued last, or null
     */
    static CudaException driver(String device, int status, String call, Object doing, Kernel lastKernel) {
        boolean lost = LOSING.contains(status);
        String name = CUresult.stringFor(status);
        String[] text = new String[1];
        boolean known = JCudaDriver.cuGetErrorString(status, text) == CUresult.CUDA_SUCCESS && text[0] != null;
        return new CudaException(device + ": " + call + " " + doing + " failed: " + name
            + (known ? " (" + text[0] + ")" : "") + (lost ? late(doing, lastKernel) : ""),
            call, name, lost, null);
    }

    /** Whether code was not what the driver can load: some other compiler's, or another card's. */
    static boolean isForeignCode(CudaException e) {
        return e.status().equals(CUresult.stringFor(CUresult.CUDA_ERROR_INVALID_IMAGE))
            || e.status().equals(CUresult.stringFor(CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU));
    }

    private static String late(Object doing, Kernel lastKernel) {
        String guess = lastKernel == null || doing == lastKernel ? ""
            : "; kernels fail later than they are enqueued, and the last one was " + lastKernel.name()
                + ": with the option blocking=true the one at fault is named";
        return guess + "; the device must be closed and opened again";
    }

    static CudaException blas(String device, int status, String call, Object doing) {
        String name = cublasStatus.stringFor(status);
        return new CudaException(device + ": " + call + " " + doing + " failed: " + name, call, name, false, null);
    }

    static CudaException compiler(int status, String call, Object doing) {
        String name = nvrtcResult.stringFor(status);
        return new CudaException("nvrtc: " + call + " " + doing + " failed: " + name + " ("
            + JNvrtc.nvrtcGetErrorString(status) + ")", call, name, false, null);
    }

    static CudaException again(String device, CudaException first) {
        return new CudaException(device + " can't be used any more, for an earlier call failed. " + first.getMessage(),
            first.call(), first.status(), true, first);
    }
}

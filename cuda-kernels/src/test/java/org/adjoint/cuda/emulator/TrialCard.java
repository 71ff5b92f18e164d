package org.adjoint.cuda.emulator;

import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuInit;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Map;
import java.util.stream.Stream;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;
import jcuda.nvrtc.nvrtcResult;
import org.adjoint.cuda.launch.Source;

/** The emulated card through JCuda alone: compiles a text, launches its kernels, with no check of ours in between. */
final class TrialCard implements AutoCloseable {
    private final CUdevice device = new CUdevice();

    TrialCard() {
        JCudaDriver.setExceptionsEnabled(false);
        JNvrtc.setExceptionsEnabled(false);
        check(cuInit(0));
        check(cuDeviceGet(device, 0));
        CUcontext context = new CUcontext();
        check(cuDevicePrimaryCtxRetain(context, device));
        check(cuCtxSetCurrent(context));
    }

    /** The kernel of that name in {@code text}, which may include the headers of this module. */
    CUfunction kernel(String text, String name) {
        return kernel(compile(text), name);
    }

    static CUfunction kernel(byte[] cubin, String name) {
        CUmodule module = new CUmodule();
        check(cuModuleLoadData(module, cubin));
        CUfunction function = new CUfunction();
        check(cuModuleGetFunction(function, module, name));
        return function;
    }

    static byte[] compile(String text) {
        nvrtcProgram program = new nvrtcProgram();
        String[] names = new Source("trial.cu", text, Map.of()).headers().toArray(String[]::new);
        String[] headers = Stream.of(names).map(Source::text).toArray(String[]::new);
        check(JNvrtc.nvrtcCreateProgram(program, text, "trial.cu", headers.length, headers,
            names));
        String[] options = {"--std=c++17", "--fmad=false", "--gpu-architecture=sm_90"};
        int status = JNvrtc.nvrtcCompileProgram(program, options.length, options);
        String[] log = new String[1];
        JNvrtc.nvrtcGetProgramLog(program, log);
        assertEquals(nvrtcResult.NVRTC_SUCCESS, status, log[0]);
        long[] size = new long[1];
        check(JNvrtc.nvrtcGetCUBINSize(program, size));
        byte[] cubin = new byte[Math.toIntExact(size[0])];
        check(JNvrtc.nvrtcGetCUBIN(program, cubin));
        check(JNvrtc.nvrtcDestroyProgram(program));
        return cubin;
    }

    CUdeviceptr allocate(long bytes) {
        CUdeviceptr address = new CUdeviceptr();
        check(cuMemAlloc(address, bytes));
        return address;
    }

    CUdeviceptr upload(float... values) {
        CUdeviceptr address = allocate(values.length * 4L);
        check(cuMemcpyHtoD(address, Pointer.to(values), values.length * 4L));
        return address;
    }

    float[] download(CUdeviceptr address, int count) {
        float[] values = new float[count];
        check(cuMemcpyDtoH(Pointer.to(values), address, count * 4L));
        return values;
    }

    /** What launching says; the kernel runs when somebody waits. */
    int launch(CUfunction function, int blocks, int threads, int sharedBytes, Object... arguments) {
        Pointer[] parameters = Arrays.stream(arguments).map(TrialCard::parameter).toArray(Pointer[]::new);
        return cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, sharedBytes, null, Pointer.to(parameters), null);
    }

    /** What launching, or else waiting, says. */
    int run(CUfunction function, int blocks, int threads, int sharedBytes, Object... arguments) {
        int status = launch(function, blocks, threads, sharedBytes, arguments);
        return status != 0 ? status : cuCtxSynchronize();
    }

    private static Pointer parameter(Object argument) {
        return switch (argument) {
            case CUdeviceptr it -> Pointer.to(it);
            case Integer it -> Pointer.to(new int[] {it});
            case Long it -> Pointer.to(new long[] {it});
            case Float it -> Pointer.to(new float[] {it});
            default -> throw new IllegalArgumentException(argument.getClass().getName());
        };
    }

    static void check(int status) {
        assertEquals(0, status);
    }

    @Override
    public void close() {
        cuDevicePrimaryCtxRelease(device);
    }
}

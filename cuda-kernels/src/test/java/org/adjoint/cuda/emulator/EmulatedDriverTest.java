package org.adjoint.cuda.emulator;

import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_HANDLE;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_IMAGE;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_VALUE;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_FOUND;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_READY;
import static jcuda.driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
import static jcuda.driver.JCudaDriver.CU_LAUNCH_PARAM_BUFFER_POINTER;
import static jcuda.driver.JCudaDriver.CU_LAUNCH_PARAM_BUFFER_SIZE;
import static jcuda.driver.JCudaDriver.CU_LAUNCH_PARAM_END;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventQuery;
import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuFuncSetAttribute;
import static jcuda.driver.JCudaDriver.cuGetErrorString;
import static jcuda.driver.JCudaDriver.cuGraphExecDestroy;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemHostAlloc;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoD;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemsetD8;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuModuleUnload;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.driver.JCudaDriver.cuStreamWaitEvent;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import org.adjoint.cuda.driver.Libraries;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The emulated card's driver, as JCuda sees it: what is lazy, what it refuses, what fails when told to. */
class EmulatedDriverTest {
    private static final String KERNELS = """
        #include "common.cuh"
        __device__ f32 twice(f32 x) { return 2 * x; }
        __device__ f32 never(f32 x) { return x; }
        KERNEL doubled(f32* x, i32 n) {
            i32 i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) {
                x[i] = twice(x[i]);
            }
        }
        KERNEL __launch_bounds__(64) bounded(f32* x) { x[threadIdx.x] = 1; }
        KERNEL dynamic(f32* x) {
            extern __shared__ f32 tile[];
            tile[threadIdx.x] = x[threadIdx.x];
            __syncthreads();
            x[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
        }
        KERNEL mixed(u8 a, i64 b, f32* x) { x[0] = a + b; }
        """;

    private static Emulator emulator;
    private TrialCard card;

    @BeforeAll
    static void start() {
        emulator = Emulator.require();
        Libraries.load();
    }

    @BeforeEach
    void open() {
        emulator.reset();
        card = new TrialCard();
    }

    @AfterEach
    void close() {
        card.close();
        emulator.reset();
    }

    private CUfunction kernel(String name) {
        return card.kernel(KERNELS, name);
    }

    private static CUstream stream() {
        CUstream stream = new CUstream();
        TrialCard.check(cuStreamCreate(stream, 1)); // not ordered with the null stream
        return stream;
    }

    /** Page-locked memory of four floats, 7 each. */
    private static MemorySegment pinned(Pointer pointer) {
        TrialCard.check(cuMemHostAlloc(pointer, 16, 0));
        MemorySegment memory = MemorySegment.ofBuffer(pointer.getByteBuffer(0, 16));
        for (int i = 0; i < 4; i++) {
            memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, 7);
        }
        return memory;
    }

    /** An allocation whose address can be seen. */
    private static final class Visible extends CUdeviceptr {
        static Visible allocate(float... values) {
            Visible pointer = new Visible();
            TrialCard.check(cuMemAlloc(pointer, values.length * 4L));
            TrialCard.check(cuMemcpyHtoD(pointer, Pointer.to(values), values.length * 4L));
            return pointer;
        }

        long address() {
            return getNativePointer();
        }
    }

    private static int launch(CUfunction function, int threads, CUstream stream, CUdeviceptr x, int n) {
        return cuLaunchKernel(function, 1, 1, 1, threads, 1, 1, 0, stream,
            Pointer.to(Pointer.to(x), Pointer.to(new int[] {n})), null);
    }

    @Test
    void nothingRunsBeforeSomebodyWaits() {
        CUstream stream = stream();
        CUdeviceptr x = card.upload(1, 2, 3, 4);
        Pointer host = new Pointer();
        MemorySegment values = pinned(host);
        TrialCard.check(launch(kernel("doubled"), 32, stream, x, 4));
        TrialCard.check(cuMemcpyDtoHAsync(host, x, 16, stream));
        assertEquals(7, values.getAtIndex(ValueLayout.JAVA_FLOAT, 1), "copied before anybody waited");
        TrialCard.check(cuStreamSynchronize(stream));
        assertEquals(4, values.getAtIndex(ValueLayout.JAVA_FLOAT, 1));
    }

    @Test
    void pinnedMemoryIsReadWhenTheCopyRunsAndPageableMemoryAtOnce() {
        CUstream stream = stream();
        CUdeviceptr x = card.allocate(16);
        CUdeviceptr y = card.allocate(16);
        Pointer host = new Pointer();
        MemorySegment values = pinned(host);
        float[] array = {1, 1, 1, 1};
        TrialCard.check(cuMemcpyHtoDAsync(x, host, 16, stream));
        TrialCard.check(cuMemcpyHtoDAsync(y, Pointer.to(array), 16, stream));
        values.setAtIndex(ValueLayout.JAVA_FLOAT, 0, 8);
        array[0] = 2;
        TrialCard.check(cuStreamSynchronize(stream));
        assertEquals(8, card.download(x, 4)[0]);
        assertEquals(1, card.download(y, 4)[0]);
    }

    @Test
    void freshMemoryIsNaN() {
        assertTrue(Float.isNaN(card.download(card.allocate(4), 1)[0]));
    }

    @Test
    void anotherStreamsWorkIsDoneOnlyIfItsEventIsWaitedFor() {
        CUstream first = stream();
        CUstream second = stream();
        CUfunction doubled = kernel("doubled");
        CUdeviceptr x = card.allocate(16);
        CUevent written = new CUevent();
        TrialCard.check(cuEventCreate(written, 0));
        TrialCard.check(cuMemcpyHtoDAsync(x, Pointer.to(new float[] {1, 2, 3, 4}), 16, first));
        TrialCard.check(cuEventRecord(written, first));
        TrialCard.check(cuStreamWaitEvent(second, written, 0));
        TrialCard.check(launch(doubled, 32, second, x, 4));
        TrialCard.check(cuStreamSynchronize(second));
        assertArrayEquals(new float[] {2, 4, 6, 8}, card.download(x, 4));

        CUdeviceptr y = card.allocate(16);
        TrialCard.check(cuMemcpyHtoDAsync(y, Pointer.to(new float[] {1, 2, 3, 4}), 16, first));
        TrialCard.check(launch(doubled, 32, second, y, 4));
        assertEquals(CUDA_ERROR_LAUNCH_FAILED, cuStreamSynchronize(second));
        assertEquals("uninitialized read", emulator.faultKind());
    }

    @Test
    void anEventMustBePolled() {
        CUstream stream = stream();
        CUdeviceptr x = card.upload(1);
        CUevent event = new CUevent();
        TrialCard.check(cuEventCreate(event, 0));
        TrialCard.check(launch(kernel("doubled"), 1, stream, x, 1));
        TrialCard.check(cuEventRecord(event, stream));
        assertEquals(CUDA_ERROR_NOT_READY, cuEventQuery(event));
        int polls = 1;
        while (cuEventQuery(event) == CUDA_ERROR_NOT_READY) {
            polls++;
        }
        assertTrue(polls < 10);
        assertEquals(2, card.download(x, 1)[0]);
    }

    @Test
    void aCapturedStreamRunsWhenItsGraphIsLaunched() {
        CUstream stream = stream();
        CUdeviceptr x = card.upload(1, 2);
        CUfunction doubled = kernel("doubled");
        CUgraph graph = new CUgraph();
        CUgraphExec executable = new CUgraphExec();
        TrialCard.check(cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL));
        TrialCard.check(launch(doubled, 32, stream, x, 2));
        TrialCard.check(launch(doubled, 32, stream, x, 1));
        TrialCard.check(cuStreamEndCapture(stream, graph));
        TrialCard.check(cuGraphInstantiate(executable, graph, 0));
        TrialCard.check(cuStreamSynchronize(stream));
        assertArrayEquals(new float[] {1, 2}, card.download(x, 2), "nothing has run yet");
        TrialCard.check(cuGraphLaunch(executable, stream));
        TrialCard.check(cuGraphLaunch(executable, stream));
        TrialCard.check(cuStreamSynchronize(stream));
        assertArrayEquals(new float[] {16, 8}, card.download(x, 2));
        TrialCard.check(cuGraphExecDestroy(executable));
    }

    @Test
    void waitingSpoilsACapture() {
        CUstream stream = stream();
        TrialCard.check(cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL));
        assertEquals(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuStreamSynchronize(stream));
        assertEquals(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, new CUgraph()));
        TrialCard.check(cuStreamSynchronize(stream));
    }

    @Test
    void aRelaxedCaptureLetsOthersAllocate() {
        CUstream stream = stream();
        CUgraph graph = new CUgraph();
        TrialCard.check(cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED));
        TrialCard.check(cuMemAlloc(new CUdeviceptr(), 16));
        TrialCard.check(cuStreamEndCapture(stream, graph));
        TrialCard.check(cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL));
        assertEquals(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, cuMemAlloc(new CUdeviceptr(), 16));
        assertEquals(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, graph));
    }

    @Test
    void aGraphMustNotOutliveItsModules() {
        CUstream stream = stream();
        CUdeviceptr x = card.upload(1, 2);
        CUmodule module = new CUmodule();
        CUfunction doubled = new CUfunction();
        CUgraph graph = new CUgraph();
        CUgraphExec executable = new CUgraphExec();
        TrialCard.check(cuModuleLoadData(module, TrialCard.compile(KERNELS)));
        TrialCard.check(cuModuleGetFunction(doubled, module, "doubled"));
        TrialCard.check(cuStreamBeginCapture(stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED));
        TrialCard.check(launch(doubled, 32, stream, x, 2));
        TrialCard.check(cuStreamEndCapture(stream, graph));
        TrialCard.check(cuGraphInstantiate(executable, graph, 0));
        TrialCard.check(cuModuleUnload(module));
        TrialCard.check(cuGraphLaunch(executable, stream));
        assertEquals(CUDA_ERROR_INVALID_HANDLE, cuStreamSynchronize(stream));
        assertEquals("use after unload", emulator.faultKind());
    }

    @Test
    void aFunctionThatAModuleLacksIsNamedWithThoseItHas() {
        CUmodule module = new CUmodule();
        TrialCard.check(cuModuleLoadData(module, TrialCard.compile(KERNELS)));
        assertEquals(CUDA_ERROR_NOT_FOUND, cuModuleGetFunction(new CUfunction(), module, "tripled"));
        assertEquals("unknown function", emulator.faultKind());
        assertTrue(emulator.fault().startsWith("unknown function: tripled of a module of "), emulator.fault());
        assertTrue(emulator.fault().endsWith(", whose kernels are: trial.cu:4:kernel doubled; trial.cu:10:kernel "
            + "bounded; trial.cu:11:kernel dynamic; trial.cu:17:kernel mixed;"), emulator.fault());
    }

    /** The loader takes a file for another of its name, though that was unlinked: so names never come again. */
    @Test
    void eachModuleIsLoadedUnderANameOfItsOwn() throws IOException {
        Set<String> before = loadedNames();
        byte[] cubin = TrialCard.compile(KERNELS);
        for (int i = 0; i < 100; i++) {
            TrialCard.check(cuModuleLoadData(new CUmodule(), cubin));
        }
        Set<String> loaded = loadedNames();
        loaded.removeAll(before);
        assertEquals(100, loaded.size(), loaded::toString);
        assertTrue(loaded.stream().allMatch(name -> name.matches("/tmp/adjoint-kernels-\\d+-\\w+-\\d+")),
            loaded::toString);
    }

    private static Set<String> loadedNames() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("/tmp/adjoint-kernels-"))
                .map(line -> line.substring(line.indexOf("/tmp")).replace(" (deleted)", ""))
                .collect(Collectors.toSet());
        }
    }

    @Test
    void aCallFailsOnDemand() {
        emulator.failAt("cuMemAlloc", 2, CUDA_ERROR_OUT_OF_MEMORY);
        emulator.forgetCalls();
        assertEquals(0, cuMemAlloc(new CUdeviceptr(), 16));
        assertEquals(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(new CUdeviceptr(), 16));
        assertEquals(0, cuMemAlloc(new CUdeviceptr(), 16));
        assertEquals(List.of("cuMemAlloc", "cuMemAlloc", "cuMemAlloc"), emulator.calls());
        emulator.failAt(Emulator.ANY_CALL, 1, CUDA_ERROR_INVALID_VALUE);
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuCtxSynchronize());
        assertEquals(0, cuCtxSynchronize());
    }

    @Test
    void aLaunchFailsLongAfterItsCall() {
        CUdeviceptr x = card.upload(1, 2, 3, 4);
        CUfunction doubled = kernel("doubled");
        emulator.failAt("kernel", 1, CUDA_ERROR_LAUNCH_FAILED);
        assertEquals(0, card.launch(doubled, 1, 32, 0, x, 4));
        assertEquals(CUDA_ERROR_LAUNCH_FAILED, cuCtxSynchronize());
        assertEquals(CUDA_ERROR_LAUNCH_FAILED, cuMemAlloc(new CUdeviceptr(), 16), "the context has failed for good");
        card.close();
        card = new TrialCard();
        assertEquals(0, cuMemAlloc(new CUdeviceptr(), 16), "a new context is sound");
    }

    @Test
    void aCopyFailsOnDemand() {
        CUdeviceptr x = card.allocate(16);
        emulator.failAt("copy", 1, CUDA_ERROR_ILLEGAL_ADDRESS);
        assertEquals(CUDA_ERROR_ILLEGAL_ADDRESS, cuMemcpyHtoD(x, Pointer.to(new float[4]), 16));
    }

    @Test
    void memoryEnds() {
        emulator.capacity(1024);
        CUdeviceptr first = card.allocate(1000);
        assertEquals(CUDA_ERROR_OUT_OF_MEMORY, cuMemAlloc(new CUdeviceptr(), 25));
        assertEquals(1000, emulator.liveBytes());
        assertEquals(0, cuMemFree(first));
        assertEquals(0, emulator.liveBytes());
        assertEquals(0, cuMemAlloc(new CUdeviceptr(), 1024));
    }

    @Test
    void memoryFreedTwiceIsNamed() {
        CUdeviceptr x = card.allocate(16);
        CUdeviceptr again = x.withByteOffset(0);
        assertEquals(0, cuMemFree(x));
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuMemFree(again));
        assertEquals("freed twice", emulator.faultKind(), emulator.fault());
    }

    @Test
    void memoryUsedAfterItWasFreedIsNamed() {
        CUdeviceptr x = card.upload(1, 2, 3, 4);
        CUdeviceptr again = x.withByteOffset(0);
        CUfunction doubled = kernel("doubled");
        assertEquals(0, cuMemFree(x));
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(again, Pointer.to(new float[4]), 16));
        assertEquals("use after free", emulator.faultKind());
        emulator.forgive();
        assertEquals(CUDA_ERROR_ILLEGAL_ADDRESS, card.run(doubled, 1, 32, 0, again, 4));
        assertEquals("use after free", emulator.faultKind(), emulator.fault());
        String[] text = new String[1];
        cuGetErrorString(CUDA_ERROR_ILLEGAL_ADDRESS, text);
        assertTrue(text[0].contains(emulator.fault()), text[0]);
    }

    @Test
    void memoryThatOutlivesItsContextIsNamed() {
        card.allocate(16);
        CUdeviceptr freed = card.allocate(32);
        assertEquals(0, cuMemFree(freed));
        card.close();
        assertEquals("leaked at context destroy", emulator.faultKind());
        assertTrue(emulator.fault().contains("1 allocations of 16 bytes"), emulator.fault());
        card = new TrialCard();
    }

    @Test
    void copiesStayWithinTheirAllocations() {
        CUdeviceptr x = card.allocate(16);
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoD(x, Pointer.to(new float[5]), 20));
        assertEquals("out-of-bounds", emulator.faultKind());
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuMemsetD8(x.withByteOffset(8), (byte) 0, 9));
    }

    @Test
    void aCopyOnTheDeviceCarriesWhatIsInitialized() {
        CUdeviceptr x = card.upload(1, 2, 3, 4);
        CUdeviceptr y = card.allocate(16);
        CUdeviceptr z = card.allocate(16);
        TrialCard.check(cuMemcpyDtoD(y, x, 8));
        TrialCard.check(cuMemcpyDtoD(z, y, 16));
        CUfunction doubled = kernel("doubled");
        assertEquals(0, card.run(doubled, 1, 32, 0, z, 2), emulator.fault());
        assertEquals(CUDA_ERROR_LAUNCH_FAILED, card.run(doubled, 1, 32, 0, z, 3));
        assertEquals("uninitialized read", emulator.faultKind());
    }

    @Test
    void aRangeThatIsDeadMustNotBeTouched() {
        Visible x = Visible.allocate(1, 2, 3, 4);
        long address = x.address();
        CUfunction doubled = kernel("doubled");
        emulator.dead(address + 8, 8);
        assertEquals(0, card.run(doubled, 1, 32, 0, x, 2));
        emulator.live(address + 8, 8);
        TrialCard.check(cuMemcpyHtoD(x, Pointer.to(new float[4]), 16));
        assertEquals(0, card.run(doubled, 1, 32, 0, x, 4));
        emulator.dead(address + 8, 8);
        assertEquals(CUDA_ERROR_ILLEGAL_ADDRESS, card.run(doubled, 1, 32, 0, x, 4));
        assertEquals("out-of-bounds", emulator.faultKind(), emulator.fault());
    }

    @Test
    void aLaunchKeepsToTheCardsLimits() {
        CUdeviceptr x = card.allocate(1 << 16);
        CUfunction bounded = kernel("bounded");
        assertRefused("too many threads", CUDA_ERROR_INVALID_VALUE, card.launch(bounded, 1, 1025, 0, x));
        assertRefused("too many threads", CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, card.launch(bounded, 1, 65, 0, x));
        assertRefused("grid limits", CUDA_ERROR_INVALID_VALUE, card.launch(bounded, 0, 64, 0, x));
        assertRefused("grid limits", CUDA_ERROR_INVALID_VALUE, cuLaunchKernel(bounded, 1, 65_536, 1, 64, 1, 1, 0, null,
            Pointer.to(Pointer.to(x)), null));
        assertEquals(0, card.run(bounded, 1, 64, 0, x), "a refused launch harms nothing");
    }

    @Test
    void dynamicSharedMemoryIsLimitedUntilItIsAskedFor() {
        CUdeviceptr x = card.upload(1, 2, 3, 4);
        CUfunction dynamic = kernel("dynamic");
        assertEquals(0, card.run(dynamic, 1, 4, 16, x), emulator.fault());
        assertArrayEquals(new float[] {4, 3, 2, 1}, card.download(x, 4));
        assertRefused("too much shared memory", CUDA_ERROR_INVALID_VALUE, card.launch(dynamic, 1, 4, 49_153, x));
        int attribute = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        assertRefused("too much shared memory", CUDA_ERROR_INVALID_VALUE,
            cuFuncSetAttribute(dynamic, attribute, 227 * 1024 + 1));
        TrialCard.check(cuFuncSetAttribute(dynamic, attribute, 227 * 1024));
        assertEquals(0, card.run(dynamic, 1, 4, 227 * 1024, x), emulator.fault());
        assertEquals(CUDA_ERROR_ILLEGAL_ADDRESS, card.run(dynamic, 1, 4, 12, x));
        assertEquals("out-of-bounds", emulator.faultKind(), emulator.fault());
    }

    @Test
    void parametersInOneBufferMustHaveTheKernelsSize() {
        Visible x = Visible.allocate(0);
        CUfunction mixed = kernel("mixed");
        byte[] parameters = new byte[24];
        MemorySegment buffer = MemorySegment.ofArray(parameters);
        buffer.set(ValueLayout.JAVA_BYTE, 0, (byte) 200);
        buffer.set(ValueLayout.JAVA_LONG_UNALIGNED, 8, 1000);
        buffer.set(ValueLayout.JAVA_LONG_UNALIGNED, 16, x.address());
        assertEquals(0, withBuffer(mixed, parameters, 24), emulator.fault());
        assertEquals(1200, card.download(x, 1)[0]);
        assertRefused("wrong parameter size", CUDA_ERROR_INVALID_VALUE, withBuffer(mixed, parameters, 20));
        assertRefused("wrong parameter size", CUDA_ERROR_INVALID_VALUE, withBuffer(mixed, new byte[32], 32));
        assertRefused("wrong parameter count", CUDA_ERROR_INVALID_VALUE,
            cuLaunchKernel(mixed, 1, 1, 1, 1, 1, 1, 0, null, null, null));
    }

    private static int withBuffer(CUfunction function, byte[] parameters, long size) {
        Pointer extra = Pointer.to(CU_LAUNCH_PARAM_BUFFER_POINTER, Pointer.to(parameters),
            CU_LAUNCH_PARAM_BUFFER_SIZE, Pointer.to(new long[] {size}),
            CU_LAUNCH_PARAM_END);
        return cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, null, null, extra);
    }

    private static void assertRefused(String kind, int code, int status) {
        assertEquals(kind, emulator.faultKind(), emulator.fault());
        assertEquals(code, status, emulator.fault());
        emulator.forgive();
    }

    @Test
    void whatIsNoProgramIsRefused() {
        assertEquals(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(new CUmodule(), ".version 8.0\n.target sm_90\0".getBytes(
            StandardCharsets.US_ASCII)));
    }

    @Test
    void entersWhatItCounts() {
        CUdeviceptr x = card.upload(1, 2);
        assertEquals(0, card.run(kernel("doubled"), 1, 32, 0, x, 2));
        assertEquals(1, emulator.launches().get("doubled"));
        assertTrue(emulator.entered().contains("trial.cu:2:twice"), emulator.entered().toString());
        assertTrue(emulator.functions().contains("trial.cu:3:never"), emulator.functions().toString());
        assertTrue(emulator.entered().stream().noneMatch(it -> it.endsWith(":never")), emulator.entered().toString());
    }

    @Test
    void theSameNameInTwoModulesIsTwoKernels() {
        CUdeviceptr x = card.upload(1, 2);
        String one = "#include \"common.cuh\"\nKERNEL named(f32* x) { x[0] = 1; }\n";
        CUfunction first = card.kernel(one, "named");
        CUfunction second = card.kernel(one.replace("= 1", "= 2"), "named");
        assertEquals(0, card.run(first, 1, 1, 0, x));
        assertEquals(1, card.download(x, 1)[0]);
        assertEquals(0, card.run(second, 1, 1, 0, x));
        assertEquals(2, card.download(x, 1)[0]);
    }
}

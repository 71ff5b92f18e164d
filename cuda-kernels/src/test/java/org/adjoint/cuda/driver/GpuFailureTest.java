package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import jcuda.driver.CUresult;
import jcuda.jcublas.cublasStatus;
import jcuda.nvrtc.nvrtcResult;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.cuda.launch.Product;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong in the driver layer, and what is left then. */
class GpuFailureTest {
    private static final Source KERNELS = new Source("failure_test.cu", """
        #include "common.cuh"

        KERNEL doubled(f32* x, i64 distance) {
            extern __shared__ f32 values[];
            values[0] = x[distance];
            x[distance] = values[0] * 2;
        }
        """, Map.of());

    /** Calls that give something back: where one fails, or the one before it, nothing can be done about it. */
    private static final Set<String> RELEASING = Set.of("cuMemFree", "cuMemFreeHost", "cuStreamDestroy",
        "cuEventDestroy", "cuGraphDestroy", "cuGraphExecDestroy", "cuModuleUnload", "cuDevicePrimaryCtxRelease",
        "cublasDestroy", "nvrtcDestroyProgram");

    /** Work on the stream, which fails later than the call that enqueued it. */
    private static final Set<String> LATE = Set.of("kernel", "copy");

    /** Where these are short of memory, idle memory is given back, and they are tried again. */
    private static final Set<String> RETRIED = Set.of("cuModuleLoadData", "cuGraphInstantiate", "cublasCreate");

    private static Emulator emulator;
    private static Libraries libraries;

    @TempDir
    private Path cubins;

    @BeforeAll
    static void start() {
        emulator = Emulator.require();
        libraries = Libraries.load();
    }

    @BeforeEach
    void reset() {
        emulator.reset();
        // One whose workspace for products is small, for the emulator fills all memory.
        emulator.device(86, 4);
    }

    @AfterEach
    void nothingIsLeft() {
        assertEquals(0, emulator.liveAllocations());
    }

    private Gpu open(boolean pooling) {
        return open(GpuOptions.DEFAULT.withPooling(pooling));
    }

    private Gpu open(GpuOptions options) {
        return Gpu.open(libraries, 0, options, new CubinCache(cubins, List.of(), 1 << 30));
    }

    private static void doubled(Gpu gpu, long x, long distance, int sharedBytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment parameters = arena.allocate(32, 8);
            parameters.set(ValueLayout.JAVA_LONG, 0, parameters.address() + 16);
            parameters.set(ValueLayout.JAVA_LONG, 8, parameters.address() + 24);
            parameters.set(ValueLayout.JAVA_LONG, 16, x);
            parameters.set(ValueLayout.JAVA_LONG, 24, distance);
            gpu.launch(gpu.kernel(KERNELS, "doubled"), 1, 1, 1, 1, 1, 1, sharedBytes, parameters);
        }
    }

    /** A bit of everything; what it leaves in the card's memory is freed by closing. */
    private float[] work(Gpu gpu) {
        long x = gpu.allocate(16);
        gpu.write(MemorySegment.ofArray(new float[] {1, 2, 3, 4}), x);
        doubled(gpu, x, 1, 64 << 10);
        Product.Matrix one = new Product.Matrix(0, 0, 1, false, 0);
        gpu.multiply(new Product(DType.F32, 1, 1, 1, one, one, one, 1), x + 4, x + 8, x);
        try (Graph graph = gpu.capture(() -> {
            doubled(gpu, x, 2, 4);
            gpu.copy(x, x + 12, 4);
        }); Event event = gpu.event(false)) {
            graph.launch();
            event.record();
            event.await();
        }
        gpu.fill(x + 4, (byte) 0, 4);
        long y = gpu.allocate(100);
        gpu.free(y);
        float[] result = new float[4];
        gpu.read(x, MemorySegment.ofArray(result));
        gpu.synchronize();
        return result;
    }

    private void requireWorks(boolean pooling) {
        try (Gpu gpu = open(pooling)) {
            assertArrayEquals(new float[] {12, 0, 6, 12}, work(gpu));
        }
    }

    private static int outOfMemory(String call) {
        return call.startsWith("cublas") ? cublasStatus.CUBLAS_STATUS_ALLOC_FAILED
            : call.startsWith("nvrtc") ? nvrtcResult.NVRTC_ERROR_OUT_OF_MEMORY : CUresult.CUDA_ERROR_OUT_OF_MEMORY;
    }

    private static int other(String call) {
        return call.startsWith("cublas") ? cublasStatus.CUBLAS_STATUS_INTERNAL_ERROR
            : call.startsWith("nvrtc") ? nvrtcResult.NVRTC_ERROR_INTERNAL_ERROR : CUresult.CUDA_ERROR_LAUNCH_FAILED;
    }

    /** Each call that opening, working and closing make fails once, as if short of memory and otherwise. */
    @ParameterizedTest(name = "pooling {0} out of memory {1}")
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void everyFailureIsATypedExceptionThatLeavesNothingBehind(boolean pooling, boolean memory) throws IOException {
        clearCache();
        requireWorks(pooling);
        List<String> calls = emulator.calls().stream().filter(call -> !LATE.contains(call)).toList();
        assertTrue(calls.containsAll(List.of("cuMemAlloc", "cublasGemmEx", "nvrtcCompileProgram")), calls::toString);
        Map<String, Integer> seen = new HashMap<>();
        for (String call : calls) {
            int nth = seen.merge(call, 1, Integer::sum);
            reset();
            clearCache();
            emulator.failAt(call, nth, memory ? outOfMemory(call) : other(call));
            String where = nth + ". " + call;
            RuntimeException failure = null;
            try (Gpu gpu = open(pooling)) {
                work(gpu);
            } catch (CudaException | OutOfDeviceMemoryException | DeviceUnavailableException e) {
                failure = e;
            }
            emulator.failNoMore();
            assertEquals(0, emulator.liveAllocations(), where);
            // An event is asked more or less often, as time permits.
            boolean happened = Collections.frequency(emulator.calls(), call) >= nth;
            boolean retried = memory && (RETRIED.contains(call) || pooling && call.equals("cuMemAlloc"));
            boolean freeing = RELEASING.contains(call) || call.equals("cuCtxSetCurrent") && nth > 1;
            if (happened && !freeing && !retried) {
                assertNotNull(failure, () -> where + " failed and nobody was told");
                String message = failure.getMessage();
                // Some calls are cuBLAS's own.
                assertTrue(call.equals("cuMemAlloc") && memory || message.contains(call) || message.contains("cublas")
                    || call.equals("cuInit"), () -> where + ": " + message);
            }
            if (nth == 1) {
                requireWorks(pooling);
            }
        }
    }

    private void clearCache() throws IOException {
        try (Stream<Path> files = Files.list(cubins)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"kernel", "copy"})
    void workThatFailsWhenItRunsLosesTheDevice(String what) {
        Gpu gpu = open(true);
        emulator.failAt(what, 1, CUresult.CUDA_ERROR_ECC_UNCORRECTABLE);
        CudaException first = assertThrows(CudaException.class, () -> work(gpu));
        assertTrue(first.deviceLost());
        assertEquals("CUDA_ERROR_ECC_UNCORRECTABLE", first.status());
        gpu.close();
        reset();
        requireWorks(true);
    }

    @Test
    void afterAKernelWentAstrayEveryCallTellsTheFirstFailure() {
        Gpu gpu = open(true);
        long x = gpu.allocate(16);
        doubled(gpu, x, 1L << 45, 4);
        CudaException first = assertThrows(CudaException.class, gpu::synchronize);
        assertTrue(first.getMessage().startsWith("cuda:0: cuStreamSynchronize for all work failed: CUDA_ERROR_")
            && first.getMessage().endsWith("; kernels fail later than they are enqueued, and the last one was doubled: "
                + "with the option blocking=true the one at fault is named; the device must be closed and opened "
                + "again"), first::getMessage);
        CudaException next = assertThrows(CudaException.class, () -> gpu.allocate(1));
        assertEquals("cuda:0 can't be used any more, for an earlier call failed. " + first.getMessage(),
            next.getMessage());
        assertSame(first, next.getCause());
        assertThrows(CudaException.class, () -> gpu.read(x, MemorySegment.ofArray(new float[1])));
        gpu.free(x);
        assertEquals(0, gpu.liveBytes());
        gpu.close();
        gpu.close();
        reset();
        requireWorks(true);
    }

    @Test
    void whereLaunchesAreWaitedForTheKernelIsNamed() {
        Gpu gpu = open(GpuOptions.DEFAULT.withBlocking(true));
        long x = gpu.allocate(16);
        CudaException e = assertThrows(CudaException.class, () -> doubled(gpu, x, 1L << 45, 4));
        assertTrue(e.getMessage().startsWith("cuda:0: cuStreamSynchronize of kernel doubled failed: CUDA_ERROR_"),
            e::getMessage);
        gpu.close();
    }

    @Test
    void aKernelThatFailsJustBeforeClosingIsReportedThen() {
        Gpu gpu = open(true);
        long x = gpu.allocate(16);
        doubled(gpu, x, 1L << 45, 4);
        assertThrows(CudaException.class, gpu::close);
        gpu.close();
    }

    @Test
    void aFailedCaptureLeavesTheStreamUsable() {
        try (Gpu gpu = open(true)) {
            assertThrows(UnsupportedOperationException.class, () -> gpu.capture(() -> {
                throw new UnsupportedOperationException();
            }));
            emulator.failAt("cuStreamEndCapture", 1, CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
            assertThrows(CudaException.class, () -> gpu.capture(() -> { }));
            assertArrayEquals(new float[] {12, 0, 6, 12}, work(gpu));
        }
    }

    @Test
    void moreThanTheCardHasIsRefusedAndTheRestStillServes() {
        emulator.capacity(256L << 20);
        try (Gpu gpu = open(true)) {
            long x = gpu.allocate(100 << 20);
            var e = assertThrows(OutOfDeviceMemoryException.class, () -> gpu.allocate(200 << 20));
            assertTrue(e.getMessage().startsWith("cuda:0: 200.0 MiB were asked for, but 100.0 MiB are in live buffers "
                + "and of the card's 256.0 MiB only "), e::getMessage);
            gpu.free(x);
            gpu.free(gpu.allocate(200 << 20));
            assertEquals(0, gpu.liveBytes());
            gpu.releaseIdle();
            assertEquals(0, gpu.reservedBytes());
        }
    }

    @Test
    void sourceThatDoesNotCompileIsShownWithItsLines() {
        Source source = new Source("broken.cu",
            "#include \"common.cuh\"\n\nKERNEL broken(f32* x) {\n    x[0] = y;\n}\n", Map.of("T", "f32"));
        try (Gpu gpu = open(true)) {
            CudaException e = assertThrows(CudaException.class, () -> gpu.kernel(source, "broken"));
            assertTrue(e.getMessage().startsWith("nvrtc: the kernel source broken.cu with [--fmad=false, --std=c++17, "
                + "--gpu-architecture=sm_" + gpu.info().architecture() + ", -DT=f32] does not compile. That is a bug "
                + "in Adjoint: please report it with this message.\n"), e::getMessage);
            assertTrue(e.getMessage().contains("\nbroken.cu:\n     1  #include \"common.cuh\"\n     2  \n"
                + "     3  KERNEL broken(f32* x) {\n>    4      x[0] = y;\n     5  }\n"), e::getMessage);
            assertThrows(CudaException.class, () -> gpu.prepare(List.of(source)));
        }
    }

    @Test
    void aFunctionThatTheSourceLacksIsNamed() {
        try (Gpu gpu = open(true)) {
            CudaException e = assertThrows(CudaException.class, () -> gpu.kernel(KERNELS, "tripled"));
            assertTrue(e.getMessage().startsWith("cuda:0: cuModuleGetFunction of tripled in failure_test.cu failed: "
                + "CUDA_ERROR_NOT_FOUND"), e::getMessage);
        }
    }

    @Test
    void codeOfAnotherCompilerInTheCacheIsCompiledAnew() throws IOException {
        requireWorks(true);
        CubinCache cache = new CubinCache(cubins, List.of(), 1 << 30);
        try (Stream<Path> files = Files.list(cubins)) {
            String name = files.findFirst().orElseThrow().getFileName().toString();
            byte[] key = HexFormat.of().parseHex(name.substring(0, name.indexOf('.')));
            cache.store(key, "not a cubin at all".getBytes(StandardCharsets.US_ASCII));
        }
        reset();
        requireWorks(true);
        assertTrue(emulator.calls().contains("nvrtcCompileProgram"));
        reset();
        requireWorks(true);
        assertTrue(!emulator.calls().contains("nvrtcCompileProgram"));
    }

    @Test
    void aCardThatIsTooOldIsRefused() {
        emulator.device(61, 20);
        var e = assertThrows(DeviceUnavailableException.class, () -> open(true));
        assertTrue(e.getMessage()
            .endsWith("has compute capability 6.1, but 7.5 (Turing, 2018) is the oldest that serves"), e::getMessage);
    }
}

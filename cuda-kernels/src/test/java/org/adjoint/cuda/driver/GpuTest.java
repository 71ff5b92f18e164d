package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.cuda.launch.Source;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The driver layer on the emulator: copies, launches, graphs, events. */
class GpuTest {
    private static final Source KERNELS = new Source("gpu_test.cu", """
        #include "common.cuh"

        // x[i] = a x[i] + b, where a, b and the count are of different sizes.
        KERNEL affine(f32* x, u8 a, i64 n, f32 b) {
            i64 i = (i64) blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) {
                x[i] = a * x[i] + b;
            }
        }

        // The threads of a block are reversed by way of shared memory, to which each adds nothing else.
        KERNEL reverse(i32* x, i32 distance) {
            extern __shared__ i32 values[];
            values[threadIdx.x * distance] = x[threadIdx.x];
            __syncthreads();
            x[threadIdx.x] = values[(blockDim.x - 1 - threadIdx.x) * distance];
        }

        // Where each block and thread of three dimensions is.
        KERNEL positions(i32* x) {
            i64 block = blockIdx.x + (i64) gridDim.x * (blockIdx.y + (i64) gridDim.y * blockIdx.z);
            i64 thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
            x[block * blockDim.x * blockDim.y * blockDim.z + thread] = (i32) (block * 1000 + thread);
        }
        """, Map.of());

    private static Emulator emulator;
    private static Libraries libraries;

    @TempDir
    private static Path cubins;

    private final Arena arena = Arena.ofConfined();
    private Gpu gpu;

    @BeforeAll
    static void start() {
        emulator = Emulator.require();
        libraries = Libraries.load();
    }

    @BeforeEach
    void open() {
        emulator.reset();
        gpu = Gpu.open(libraries, 0, GpuOptions.DEFAULT, new CubinCache(cubins, List.of(), 1 << 30));
    }

    @AfterEach
    void close() {
        gpu.close();
        arena.close();
        assertEquals("", emulator.fault());
        assertEquals(0, emulator.liveAllocations());
    }

    private MemorySegment parameters(Object... values) {
        MemorySegment segment = arena.allocate(16L * values.length, 8);
        for (int i = 0; i < values.length; i++) {
            long offset = 8L * (values.length + i);
            segment.set(ValueLayout.JAVA_LONG, 8L * i, segment.address() + offset);
            switch (values[i]) {
                case Long value -> segment.set(ValueLayout.JAVA_LONG, offset, value);
                case Integer value -> segment.set(ValueLayout.JAVA_INT, offset, value);
                case Float value -> segment.set(ValueLayout.JAVA_FLOAT, offset, value);
                case Byte value -> segment.set(ValueLayout.JAVA_BYTE, offset, value);
                default -> throw new AssertionError(values[i]);
            }
        }
        return segment;
    }

    private long store(float... values) {
        long address = gpu.allocate(4L * values.length);
        gpu.write(MemorySegment.ofArray(values), address);
        return address;
    }

    private float[] floats(long address, int count) {
        float[] values = new float[count];
        gpu.read(address, MemorySegment.ofArray(values));
        return values;
    }

    private void affine(long x, int a, int n, float b) {
        gpu.launch(gpu.kernel(KERNELS, "affine"), Math.ceilDiv(n, 32), 1, 1, 32, 1, 1, 0,
            parameters(x, (byte) a, (long) n, b));
    }

    @Test
    void aCardTellsWhatItIs() {
        GpuInfo info = Gpu.list(libraries).getFirst();
        assertEquals(info, gpu.info());
        assertFalse(info.name().isEmpty() || info.name().contains("\0"), info.name());
        assertTrue(info.architecture() >= 75 && info.multiprocessors() > 0 && info.sharedBytes() >= 48 << 10
            && info.memoryBytes() > 0, info::toString);
        assertEquals(32, info.uuid().length());
        assertTrue(gpu.compilerVersion().matches("1[23]\\.\\d+"), gpu.compilerVersion());
        assertTrue(gpu.blasVersion().matches("1[23]\\.\\d+\\.\\d+"), gpu.blasVersion());
    }

    @Test
    void aCardThatIsNotThereIsRefused() {
        var e = assertThrows(DeviceUnavailableException.class,
            () -> Gpu.open(libraries, 7, GpuOptions.DEFAULT));
        assertEquals("cuda:7 does not exist: the driver shows only cuda:0", e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 63, 64, 65, 100_003, 4 << 20, (4 << 20) - 1, (4 << 20) + 1, (8 << 20) + 7,
        21_000_001})
    void whatIsWrittenIsReadOfEverySize(int bytes) {
        byte[] source = new byte[bytes];
        new Random(bytes).nextBytes(source);
        long address = gpu.allocate(bytes + 1);
        MemorySegment copy = arena.allocate(bytes + 1);
        gpu.write(MemorySegment.ofArray(source), address);
        byte[] back = new byte[bytes];
        gpu.read(address, MemorySegment.ofArray(back));
        assertArrayEquals(source, back);

        MemorySegment odd = copy.asSlice(1, bytes).copyFrom(MemorySegment.ofArray(source));
        gpu.write(odd, address + 1);
        odd.fill((byte) 0);
        gpu.read(address + 1, odd);
        assertArrayEquals(source, odd.toArray(ValueLayout.JAVA_BYTE));
        gpu.free(address);
    }

    @Test
    void aSourceMayChangeAsSoonAsItIsWritten() {
        int count = 3_000;
        long address = gpu.allocate(count * 8_192L);
        int[] piece = new int[2_048];
        for (int i = 0; i < count; i++) {
            Arrays.fill(piece, i);
            gpu.write(MemorySegment.ofArray(piece), address + i * 8_192L);
        }
        int[] all = new int[count * 2_048];
        gpu.read(address, MemorySegment.ofArray(all));
        for (int i = 0; i < all.length; i++) {
            assertEquals(i / 2_048, all[i]);
        }
    }

    @Test
    void writingsAndKernelsRunInTheOrderOfTheCalls() {
        long x = store(1, 2, 3);
        affine(x, 10, 3, 0.5f);
        gpu.write(MemorySegment.ofArray(new float[] {7}), x + 4);
        affine(x, 2, 3, 1);
        assertArrayEquals(new float[] {22, 15, 62}, floats(x, 3));
    }

    @Test
    void parametersMayChangeAsSoonAsAKernelIsLaunched() {
        long x = store(1, 2, 3);
        Kernel kernel = gpu.kernel(KERNELS, "affine");
        MemorySegment parameters = parameters(x, (byte) 2, 3L, 0f);
        for (int i = 1; i <= 5; i++) {
            parameters.set(ValueLayout.JAVA_FLOAT, 8 * 7, i);
            gpu.launch(kernel, 1, 1, 1, 3, 1, 1, 0, parameters);
        }
        parameters.fill((byte) 0);
        // 2 (2 (2 (2 (2 x + 1) + 2) + 3) + 4) + 5 = 32 x + 57
        assertArrayEquals(new float[] {89, 121, 153}, floats(x, 3));
    }

    @Test
    void gridsAndBlocksHaveThreeDimensions() {
        int count = 3 * 2 * 2 * 4 * 2 * 3;
        long x = gpu.allocate(4L * count);
        gpu.launch(gpu.kernel(KERNELS, "positions"), 3, 2, 2, 4, 2, 3, 0, parameters(x));
        int[] found = new int[count];
        gpu.read(x, MemorySegment.ofArray(found));
        for (int i = 0; i < count; i++) {
            assertEquals(i / 24 * 1000 + i % 24, found[i]);
        }
    }

    @Test
    void aBlockGetsAllTheSharedMemoryOfTheCard() {
        int distance = gpu.info().sharedBytes() / 4 / 64;
        int[] values = new Random(1).ints(64).toArray();
        long x = gpu.allocate(256);
        gpu.write(MemorySegment.ofArray(values), x);
        gpu.launch(gpu.kernel(KERNELS, "reverse"), 1, 1, 1, 64, 1, 1, distance * 64 * 4, parameters(x, distance));
        int[] reversed = new int[64];
        gpu.read(x, MemorySegment.ofArray(reversed));
        for (int i = 0; i < 64; i++) {
            assertEquals(values[63 - i], reversed[i]);
        }
    }

    @Test
    void bytesAreFilledAndCopiedOnTheCard() {
        long x = gpu.allocate(100);
        long y = gpu.allocate(100);
        gpu.fill(x, (byte) -3, 100);
        gpu.fill(x + 50, (byte) 9, 0);
        gpu.copy(x, y + 1, 99);
        gpu.copy(x, y, 0);
        gpu.fill(y, (byte) 5, 1);
        byte[] found = new byte[100];
        gpu.read(y, MemorySegment.ofArray(found));
        byte[] expected = new byte[100];
        Arrays.fill(expected, (byte) -3);
        expected[0] = 5;
        assertArrayEquals(expected, found);
    }

    @Test
    void aKernelIsLoadedOnce() {
        assertSame(gpu.kernel(KERNELS, "affine"), gpu.kernel(KERNELS, "affine"));
        assertNotEquals(gpu.kernel(KERNELS, "affine"), gpu.kernel(KERNELS, "reverse"));
        assertEquals(1, emulator.calls().stream().filter("cuModuleLoadData"::equals).count());
    }

    @Test
    void preparedSourcesNeedNoCompilerLater() {
        Source one = new Source("one.cu", "extern \"C\" __global__ void one(int* x) { *x = 1; }", Map.of());
        Source two = new Source("two.cu", "extern \"C\" __global__ void two(int* x) { *x = VALUE; }",
            Map.of("VALUE", "2"));
        gpu.prepare(List.of(one, two, one));
        emulator.forgetCalls();
        gpu.kernel(one, "one");
        long x = gpu.allocate(4);
        gpu.launch(gpu.kernel(two, "two"), 1, 1, 1, 1, 1, 1, 0, parameters(x));
        int[] found = new int[1];
        gpu.read(x, MemorySegment.ofArray(found));
        assertEquals(2, found[0]);
        assertTrue(emulator.calls().stream().noneMatch(call -> call.startsWith("nvrtcCompile")),
            () -> emulator.calls().toString());
    }

    @Test
    void everyThreadMayUseIt() throws InterruptedException, ExecutionException {
        long x = store(new float[64]);
        try (ExecutorService platform = Executors.newFixedThreadPool(4);
            ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> done = new ArrayList<>();
            for (int t = 0; t < 16; t++) {
                int position = t * 4;
                done.add((t % 2 == 0 ? platform : virtual).submit(() -> {
                    for (int i = 0; i < 20; i++) {
                        long own = gpu.allocate(16);
                        gpu.write(MemorySegment.ofArray(new float[] {position, i, 2, 3}), own);
                        gpu.copy(own, x + 4L * position, 16);
                        assertArrayEquals(new float[] {position, i, 2, 3}, floats(x + 4L * position, 4));
                        gpu.free(own);
                    }
                }));
            }
            for (Future<?> future : done) {
                future.get();
            }
        }
        assertEquals(256, gpu.liveBytes());
    }

    @Test
    void eventsTellWhenAndHowLong() {
        try (Event start = gpu.event(true); Event end = gpu.event(true)) {
            long x = store(1, 2, 3);
            start.record();
            affine(x, 10, 3, 0.5f);
            end.record();
            end.await();
            assertTrue(start.isDone() && end.isDone());
            assertTrue(end.nanosSince(start) >= 0);
        }
    }

    @Test
    void aGraphRunsWhatWasCaptured() {
        long x = store(1, 2, 3);
        gpu.kernel(KERNELS, "affine");
        try (Graph graph = gpu.capture(() -> {
            affine(x, 2, 3, 1);
            gpu.copy(x, x + 8, 4);
        })) {
            assertArrayEquals(new float[] {1, 2, 3}, floats(x, 3));
            graph.launch();
            graph.launch();
            // (1, 2, 3) -> (3, 5, 3) -> (7, 11, 7)
            assertArrayEquals(new float[] {7, 11, 7}, floats(x, 3));
            gpu.write(MemorySegment.ofArray(new float[] {0}), x);
            graph.launch();
            assertArrayEquals(new float[] {1, 23, 1}, floats(x, 3));
        }
    }

    @Test
    void waitingIsRefusedWhileAGraphIsCaptured() {
        long x = store(1, 2, 3);
        var e = assertThrows(IllegalStateException.class, () -> gpu.capture(() -> floats(x, 3)));
        assertEquals("cuda:0: reading from it is not possible while a graph is being captured", e.getMessage());
        assertThrows(IllegalStateException.class,
            () -> gpu.capture(() -> gpu.write(MemorySegment.ofArray(new float[3]), x)));
        assertThrows(IllegalStateException.class, () -> gpu.capture(gpu::synchronize));
        assertThrows(IllegalStateException.class, () -> gpu.capture(() -> gpu.capture(() -> { })));
        affine(x, 2, 3, 0);
        assertArrayEquals(new float[] {2, 4, 6}, floats(x, 3));
    }

    @Test
    void closingAgainDoesNothingAndUsingItIsAnError() {
        long x = store(1, 2, 3);
        gpu.close();
        gpu.close();
        gpu.free(x);
        var e = assertThrows(IllegalStateException.class, () -> gpu.allocate(1));
        assertEquals("cuda:0 is closed", e.getMessage());
        assertThrows(IllegalStateException.class, () -> gpu.write(MemorySegment.ofArray(new float[3]), x));
    }
}

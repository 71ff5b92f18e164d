package org.adjoint.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUresult;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;
import jcuda.nvrtc.nvrtcResult;
import org.adjoint.cuda.driver.Libraries;
import org.adjoint.cuda.launch.Source;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The stand-in of NVRTC, as JCuda sees it. */
class NvrtcTest {
    private static final String INCLUDE = "#include \"common.cuh\"\n";
    private static final String COPY = INCLUDE
        + "KERNEL copy(const f32* x, f32* y) { y[threadIdx.x] = x[threadIdx.x]; }\n";

    private static Emulator emulator;

    @BeforeAll
    static void start() {
        emulator = Emulator.require();
        Libraries.load();
        JNvrtc.setExceptionsEnabled(false);
    }

    @BeforeEach
    @AfterEach
    void reset() {
        emulator.reset();
    }

    /** What compiling gives. */
    private record Compiled(int status, String log, byte[] cubin) {
        static Compiled of(String text, String... options) {
            nvrtcProgram program = new nvrtcProgram();
            assertEquals(nvrtcResult.NVRTC_SUCCESS, JNvrtc.nvrtcCreateProgram(program, text, "trial.cu", 1,
                new String[] {Source.text("common.cuh")}, new String[] {"common.cuh"}));
            List<String> words = new ArrayList<>(List.of("--std=c++17", "--fmad=false"));
            words.addAll(List.of(options));
            if (words.stream().noneMatch(word -> word.startsWith("--gpu-architecture"))) {
                words.add("--gpu-architecture=sm_90");
            }
            int status = JNvrtc.nvrtcCompileProgram(program, words.size(), words.toArray(String[]::new));
            String[] log = new String[1];
            JNvrtc.nvrtcGetProgramLog(program, log);
            long[] size = new long[1];
            JNvrtc.nvrtcGetCUBINSize(program, size);
            byte[] cubin = new byte[Math.toIntExact(size[0])];
            if (cubin.length > 0) {
                assertEquals(nvrtcResult.NVRTC_SUCCESS, JNvrtc.nvrtcGetCUBIN(program, cubin));
            }
            JNvrtc.nvrtcDestroyProgram(program);
            return new Compiled(status, log[0], cubin);
        }
    }

    @Test
    void aProgramBecomesASharedObject() {
        Compiled compiled = Compiled.of(COPY);
        assertEquals(nvrtcResult.NVRTC_SUCCESS, compiled.status, compiled.log);
        assertArrayEquals(new byte[] {0x7f, 'E', 'L', 'F'}, Arrays.copyOf(compiled.cubin, 4));
        assertArrayEquals(compiled.cubin, Compiled.of(COPY).cubin, "the second time it comes from the cache");
    }

    @Test
    void whatDoesNotCompileSaysWhere() {
        Compiled compiled = Compiled.of(INCLUDE + "\nKERNEL wrong(f32* y) {\n    y[0] = nothing;\n}\n");
        assertEquals(nvrtcResult.NVRTC_ERROR_COMPILATION, compiled.status);
        assertTrue(compiled.log.contains("trial.cu(4): error: "), compiled.log);
        assertTrue(compiled.log.contains("nothing"), compiled.log);
    }

    @ParameterizedTest
    @ValueSource(strings = {"<cuda_fp16.h>", "<cuda_runtime.h>", "<cmath>", "\"unknown.cuh\""})
    void onlyTheHeadersGivenCanBeIncluded(String header) {
        Compiled compiled = Compiled.of(INCLUDE + "#include " + header + "\n");
        assertEquals(nvrtcResult.NVRTC_ERROR_COMPILATION, compiled.status);
        assertTrue(compiled.log.contains("trial.cu(2): catastrophic error: "), compiled.log);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--no-such-option", "--gpu-architecture=sm_91", "--gpu-architecture=native"})
    void optionsThatNvrtcDoesNotKnowAreRefused(String option) {
        assertEquals(nvrtcResult.NVRTC_ERROR_INVALID_OPTION, Compiled.of(COPY, option).status);
    }

    @Test
    void definitionsMakeAnotherProgram() {
        String text = INCLUDE + "KERNEL SYMBOL(zero, T)(T* y) { y[threadIdx.x] = narrow<T>(0); }\n";
        Compiled single = Compiled.of(text, "-DT=f32");
        Compiled half = Compiled.of(text, "-DT=f16");
        assertEquals(nvrtcResult.NVRTC_SUCCESS, single.status, single.log);
        assertEquals(nvrtcResult.NVRTC_SUCCESS, half.status, half.log);
        assertNotEquals(Arrays.hashCode(single.cubin), Arrays.hashCode(half.cubin));
        assertEquals(nvrtcResult.NVRTC_ERROR_COMPILATION, Compiled.of(text).status);
    }

    @Test
    void aVirtualArchitectureGivesNoCubin() {
        Compiled compiled = Compiled.of(COPY, "--gpu-architecture=compute_90");
        assertEquals(0, compiled.cubin.length);
    }

    /** Each of these would be misread by a translation that looks for one form only. */
    @ParameterizedTest
    @ValueSource(strings = {
        "__shared__ f32 a[32][33], b[4]; y[0] = a[1][2] + b[3];",
        "__shared__ __align__(16) f32 a[4]; y[0] = a[1];",
        "__shared__ alignas(16) f32 a[4]; y[0] = a[1];",
        "__shared__ Compute<f16>::type a[\n 4\n ]; y[0] = a[1];",
        "__shared__ Pair<f32, 3> a; y[0] = a.of[1];",
        "__shared__ Pair<f32, (4 > 3)> a[2]; y[0] = a[1].of[0];",
        "extern __shared__ f32 a[]; y[0] = a[1];",
        "extern __shared__ __align__(128) unsigned char a[]; y[0] = a[1];",
        "f32 a = narrow<f32>(2); __shared__ volatile f32 b; b = a; y[0] = b;",
        "const char* s = \"; __shared__ {\"; y[0] = s[0] + '{';",
        "y[0] = Pair<f32, 1>()(1);"})
    void formsOfDeclarations(String body) {
        String text = INCLUDE + "template <typename T, int N> struct Pair { T of[N];\n"
            + "  __device__ T operator()(int i) const { return (T) i; }\n"
            + "  __device__ static constexpr int size() { return N; } };\n"
            + "__constant__ f32 table[2] = {1, 2};\n"
            + "KERNEL __launch_bounds__(64, 2) trial(f32* y) { " + body + " }\n"
            + "extern \"C\" __global__ void __launch_bounds__(128) other(f32* y) { y[0] = table[1]; }\n";
        Compiled compiled = Compiled.of(text);
        assertEquals(nvrtcResult.NVRTC_SUCCESS, compiled.status, compiled.log);
    }

    @Test
    void manyThreadsCompileAtOnce() {
        IntStream.range(0, 8).parallel().forEach(i -> {
            Compiled compiled = Compiled.of(COPY.replace("copy", "copy" + i / 2));
            assertEquals(nvrtcResult.NVRTC_SUCCESS, compiled.status, compiled.log);
        });
    }

    /** Programs that wait at the same time are compiled as one, in which each keeps names and mistakes to itself. */
    @Test
    void programsThatAreCompiledTogetherAreApart() throws Exception {
        int programs = Math.clamp(8L * Runtime.getRuntime().availableProcessors(), 16, 64);
        int wrong = programs - 3;
        String fresh = "// " + System.nanoTime() + "\n";
        List<Callable<Compiled>> tasks = new ArrayList<>();
        for (int i = 0; i < programs; i++) {
            String text = INCLUDE + fresh + "typedef " + (i % 2 == 0 ? "f32" : "f64") + " T;\n__device__ T value() {\n"
                + "    return " + (i == wrong ? "unknown" : "" + i) + ";\n}\nKERNEL __launch_bounds__(" + (32 + i)
                + ") " + name(i, programs) + "(f32* y) {\n"
                + "    if (threadIdx.x == 0) {\n        y[0] = 10 * value() + sizeof(T);\n    }\n}\n";
            tasks.add(() -> Compiled.of(text));
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(programs); TrialCard card = new TrialCard()) {
            List<Future<Compiled>> all = threads.invokeAll(tasks);
            CUdeviceptr y = card.allocate(Float.BYTES);
            for (int i = 0; i < programs; i++) {
                Compiled compiled = all.get(i).get();
                if (i == wrong) {
                    assertEquals(nvrtcResult.NVRTC_ERROR_COMPILATION, compiled.status);
                    assertTrue(compiled.log.contains("trial.cu(5): error: "), compiled.log);
                    assertFalse(compiled.log.contains("program_"), compiled.log);
                } else {
                    assertEquals(nvrtcResult.NVRTC_SUCCESS, compiled.status, compiled.log);
                    CUfunction kernel = TrialCard.kernel(compiled.cubin, name(i, programs));
                    assertEquals(CUresult.CUDA_SUCCESS, card.run(kernel, 1, 32 + i, 0, y));
                    assertEquals(10 * i + (i % 2 == 0 ? Float.BYTES : Double.BYTES), card.download(y, 1)[0]);
                    assertEquals(CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, card.run(kernel, 1, 33 + i, 0, y));
                }
            }
        }
    }

    /** The last two are of one name, which one program can't have twice. */
    private static String name(int program, int programs) {
        return program < programs - 2 ? "fill" + program : "same";
    }

    @Test
    void aFailureOnDemandIsReported() {
        emulator.failAt("nvrtcCompileProgram", 2, nvrtcResult.NVRTC_ERROR_OUT_OF_MEMORY);
        assertEquals(nvrtcResult.NVRTC_SUCCESS, Compiled.of(COPY).status);
        assertEquals(nvrtcResult.NVRTC_ERROR_OUT_OF_MEMORY, Compiled.of(COPY).status);
        assertEquals(nvrtcResult.NVRTC_SUCCESS, Compiled.of(COPY).status);
        assertEquals(3, Collections.frequency(emulator.calls(), "nvrtcCompileProgram"));
    }
}

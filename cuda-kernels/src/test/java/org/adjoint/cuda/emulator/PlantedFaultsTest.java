package org.adjoint.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.List;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUresult;
import org.adjoint.cuda.driver.Libraries;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Kernels with one fault each, which the emulator must name, at its line; and their sound twins, which must pass. */
class PlantedFaultsTest {
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

    /**
     * A kernel {@code (const f32* x, f32* y, i32 n)} on 64 values, n = 64, and what its mistake is called.
     *
     * @param faulty the body; the line that must be named ends in {@code // here}
     * @param sound the body put right
     */
    private record Plant(String kind, int code, int blocks, int threads, String faulty, String sound) {
        static final String TOP = "#include \"common.cuh\"\nKERNEL planted(const f32* x, f32* y, i32 n) {\n"
            + "    i32 t = threadIdx.x;\n    i32 i = blockIdx.x * blockDim.x + threadIdx.x;\n";

        @Override
        public String toString() {
            return kind + ": " + faulty.strip().lines().findFirst().orElse("");
        }

        static String text(String body) {
            return TOP + body + "}\n";
        }

        int line() {
            List<String> lines = text(faulty).lines().toList();
            for (int i = 0; i < lines.size(); i++) {
                if (lines.get(i).endsWith("// here")) {
                    return i + 1;
                }
            }
            return 0;
        }
    }

    static List<Plant> plants() {
        return List.of(
            new Plant("out-of-bounds", CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, 1, 96, """
                if (i <= n) {
                    y[i] = 1; // here
                }
                """, """
                if (i < n) {
                    y[i] = 1;
                }
                """),
            new Plant("out-of-bounds", CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, 1, 64, """
                y[i] = x[i] + x[i - 1]; // here
                """, """
                y[i] = x[i] + (i > 0 ? x[i - 1] : 0.0f);
                """),
            new Plant("out-of-bounds", CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, 1, 64, """
                __shared__ f32 tile[63];
                tile[t] = x[i]; // here
                __syncthreads();
                y[i] = tile[0];
                """, """
                __shared__ f32 tile[64];
                tile[t] = x[i];
                __syncthreads();
                y[i] = tile[0];
                """),
            new Plant("data race", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 64, """
                __shared__ f32 tile[64];
                tile[t] = x[t]; // here
                y[t] = tile[63 - t];
                """, """
                __shared__ f32 tile[64];
                tile[t] = x[t];
                __syncthreads();
                y[t] = tile[63 - t];
                """),
            // The barrier that keeps a loop's next write from this round's readers.
            new Plant("data race", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 64, """
                __shared__ f32 tile[64];
                f32 sum = 0;
                for (i32 round = 0; round < 2; round++) {
                    tile[t] = x[t] + round;
                    __syncthreads();
                    sum += tile[63 - t]; // here
                }
                y[t] = sum;
                """, """
                __shared__ f32 tile[64];
                f32 sum = 0;
                for (i32 round = 0; round < 2; round++) {
                    tile[t] = x[t] + round;
                    __syncthreads();
                    sum += tile[63 - t];
                    __syncthreads();
                }
                y[t] = sum;
                """),
            // Lanes of one warp are no more ordered than others: a shuffle orders no memory.
            new Plant("data race", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 32, """
                __shared__ f32 tile[32];
                tile[t] = x[t]; // here
                y[t] = tile[31 - t];
                """, """
                __shared__ f32 tile[32];
                tile[t] = x[t];
                __syncwarp();
                y[t] = tile[31 - t];
                """),
            // In forward order each thread reads before its neighbor writes, and the result is right.
            new Plant("data race", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 63, """
                __shared__ f32 tile[64];
                tile[t] = x[t];
                if (t == 62) tile[63] = x[63];
                __syncthreads();
                tile[t] = tile[t + 1]; // here
                __syncthreads();
                y[t] = tile[t];
                """, """
                __shared__ f32 tile[64];
                tile[t] = x[t];
                if (t == 62) tile[63] = x[63];
                __syncthreads();
                f32 next = tile[t + 1];
                __syncthreads();
                tile[t] = next;
                __syncthreads();
                y[t] = tile[t];
                """),
            new Plant("data race", CUresult.CUDA_ERROR_LAUNCH_FAILED, 2, 32, """
                y[t] = x[i]; // here
                """, """
                y[i] = x[i];
                """),
            new Plant("data race", CUresult.CUDA_ERROR_LAUNCH_FAILED, 2, 32, """
                y[i] = x[i];
                if (blockIdx.x == 1) {
                    y[i] += y[0]; // here
                }
                """, """
                y[i] = x[i];
                if (blockIdx.x == 1) {
                    y[i] += x[0];
                }
                """),
            new Plant("data race", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 64, """
                u8* bytes = (u8*) y;
                bytes[t / 2] = 1; // here
                """, """
                u8* bytes = (u8*) y;
                bytes[t] = 1;
                """),
            new Plant("uninitialized read", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 64, """
                y[i] += x[i]; // here
                """, """
                y[i] = x[i];
                y[i] += x[i];
                """),
            new Plant("uninitialized read", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 64, """
                __shared__ f32 tile[64];
                if (t < 63) {
                    tile[t] = x[t];
                }
                __syncthreads();
                y[t] = tile[63 - t]; // here
                """, """
                __shared__ f32 tile[64];
                tile[t] = x[t];
                __syncthreads();
                y[t] = tile[63 - t];
                """),
            new Plant("divergent barrier", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 64, """
                if (t < 32) {
                    __syncthreads();
                } else {
                    __syncthreads(); // here
                }
                y[i] = x[i];
                """, """
                __syncthreads();
                y[i] = x[i];
                """),
            new Plant("divergent barrier", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 64, """
                f32 sum = x[i];
                if (t % 32 < 16) {
                    __syncthreads();
                } else {
                    sum += __shfl_xor_sync(0xffffffffu, sum, 1); // here
                }
                y[i] = sum;
                """, """
                f32 sum = x[i];
                sum += __shfl_xor_sync(0xffffffffu, sum, 1);
                __syncthreads();
                y[i] = sum;
                """),
            new Plant("exited lane in shuffle", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 48, """
                if (i >= 40) {
                    return;
                }
                y[i] = __shfl_down_sync(0xffffffffu, x[i], 4); // here
                """, """
                f32 next = __shfl_down_sync(__ballot_sync(t < 32 ? 0xffffffffu : 0xffffu, 1), x[i], t < 32 ? 4 : 0);
                if (i < 40) {
                    y[i] = next;
                }
                """),
            new Plant("mask mismatch", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 32, """
                y[i] = __shfl_xor_sync(0xffffu, x[i], 1); // here
                """, """
                y[i] = __shfl_xor_sync(0xffffffffu, x[i], 1);
                """),
            new Plant("misaligned access", CUresult.CUDA_ERROR_MISALIGNED_ADDRESS, 1, 8, """
                struct __align__(16) Four { f32 a, b, c, d; };
                Four four = *(const Four*) (x + 4 * t + 1); // here
                y[t] = four.a + four.b + four.c + four.d;
                """, """
                struct __align__(16) Four { f32 a, b, c, d; };
                Four four = *(const Four*) (x + 4 * t);
                y[t] = four.a + four.b + four.c + four.d;
                """),
            new Plant("misaligned access", CUresult.CUDA_ERROR_MISALIGNED_ADDRESS, 1, 8, """
                struct __align__(8) Two { f32 a, b; };
                Two two = {x[t], 1};
                *(Two*) (y + 2 * t + 1) = two; // here
                """, """
                struct __align__(8) Two { f32 a, b; };
                Two two = {x[t], 1};
                *(Two*) (y + 2 * t) = two;
                """),
            new Plant("too much shared memory", CUresult.CUDA_ERROR_INVALID_VALUE, 1, 32, """
                __shared__ f32 large[12289]; // here
                large[t] = x[t];
                y[t] = large[t];
                """, """
                __shared__ f32 large[12288];
                large[t] = x[t];
                y[t] = large[t];
                """),
            new Plant("order-dependent result", CUresult.CUDA_ERROR_LAUNCH_FAILED, 1, 32, """
                __shared__ i32 next;
                if (t == 0) {
                    next = 0;
                }
                __syncthreads();
                y[atomicAdd(&next, 1)] = x[t];
                """, """
                __shared__ i32 next;
                if (t == 0) {
                    next = 0;
                }
                __syncthreads();
                atomicAdd(&next, 1);
                __syncthreads();
                y[t] = next;
                """),
            new Plant("host access in kernel", CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, 1, 1, """
                y[0] = *(const f32*) 0x7000000000; // here
                """, """
                y[0] = x[0];
                """));
    }

    private int run(Plant plant, String body) {
        float[] values = new float[64];
        for (int i = 0; i < values.length; i++) {
            values[i] = 1.0f / (i + 3);
        }
        CUdeviceptr x = card.upload(values);
        CUdeviceptr y = card.allocate(64 * 4L);
        CUfunction kernel = card.kernel(Plant.text(body), "planted");
        return card.run(kernel, plant.blocks, plant.threads, 0, x, y, 64);
    }

    @ParameterizedTest
    @MethodSource("plants")
    void aFaultIsNamedAtItsLine(Plant plant) {
        assertNamed(plant);
    }

    /** The other orders are for what depends on them, and nothing else. */
    @ParameterizedTest
    @MethodSource("plants")
    void forwardOrderAloneShowsIt(Plant plant) {
        assumeFalse(plant.kind.equals("order-dependent result"));
        emulator.order(Emulator.Order.FORWARD);
        assertNamed(plant);
    }

    private void assertNamed(Plant plant) {
        int status = run(plant, plant.faulty);
        assertEquals(plant.kind, emulator.faultKind(), emulator.fault());
        assertEquals(plant.code, status);
        if (plant.line() > 0) {
            assertTrue(emulator.fault().contains("trial.cu:" + plant.line() + " "), emulator.fault());
        }
        assertTrue(emulator.fault().contains("kernel planted, block ("), emulator.fault());
    }

    @ParameterizedTest
    @MethodSource("plants")
    void theSoundTwinPasses(Plant plant) {
        assertEquals(0, run(plant, plant.sound), emulator.fault());
        assertEquals("", emulator.fault());
    }
}

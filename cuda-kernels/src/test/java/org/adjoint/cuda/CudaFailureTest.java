package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.adjoint.cuda.driver.CudaException;
import org.adjoint.cuda.emulator.Emulator;
import org.adjoint.graph.DType;
import org.adjoint.nn.Linear;
import org.adjoint.optim.AdamW;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every call of the driver, of cuBLAS and of NVRTC that opening a device, compiling and training make fails once, each in
 * a run of its own.
 */
class CudaFailureTest {
    private static final int OUT_OF_MEMORY = 2;
    private static final int INVALID_VALUE = 1;
    private static final int LAUNCH_FAILED = 719;
    private static final String CACHE = "adjoint.cuda.cache";

    @TempDir
    private Path folder;

    private final String cache = System.getProperty(CACHE);
    private Emulator emulator;
    private double[] expected;

    @BeforeEach
    void start() {
        emulator = Emulator.require();
    }

    @AfterEach
    void restore() {
        if (cache == null) {
            System.clearProperty(CACHE);
        } else {
            System.setProperty(CACHE, cache);
        }
        emulator.reset();
        emulator.order(Emulator.Order.ALL);
    }

    /** What is trained: an index that is checked, products, random numbers, an optimizer. */
    private static final class Training implements AutoCloseable {
        private final Device device;
        private final Variable table;
        private final Linear linear;
        private final Step step;
        private final Tensor tokens;

        Training(Device device) {
            this.device = device;
            device.random().seed(3);
            table = device.variable("table", device.arange(DType.F32, 24).mul(0.1).sin().reshape(6, 4));
            linear = Linear.of(4, 3).initialize(device, 1);
            List<Variable> parameters = new ArrayList<>(linear.parameters());
            parameters.add(table);
            AdamW optimizer = AdamW.of(parameters).learningRate(0.1);
            tokens = device.tensor(new int[] {1, 5, 2});
            step = Step.compile(device, rows -> {
                Tensor loss = linear.forward(table.tensor().embedding(rows).dropout(0.25)).square().mean();
                optimizer.minimize(loss);
                return loss;
            });
        }

        Tensor run() {
            return step.run(tokens);
        }

        double loss() {
            try (Tensor loss = run()) {
                return loss.item();
            }
        }

        @Override
        public void close() {
            step.close();
        }
    }

    /** One run of everything, with at most one failure in it. */
    private final class Attempt {
        private final boolean pooling;
        private RuntimeException told;

        Attempt(boolean pooling) {
            this.pooling = pooling;
        }

        /** Opens, compiles and trains; what fails is tried again, on a new device if the old one is lost. */
        void run() {
            while (!completes()) {
                emulator.failNoMore();
                emulator.forgive();
            }
        }

        private boolean completes() {
            Device device;
            try {
                device = open(pooling);
            } catch (RuntimeException e) {
                note(e);
                assertEquals(0, emulator.liveBytes(), "live bytes after a failed opening");
                return false;
            }
            try (Device open = device) {
                Training training = retried(() -> new Training(open));
                if (training == null) {
                    return false;
                }
                try (Training trained = training) {
                    for (int i = 0; i < expected.length; i++) {
                        long live = open.liveBytes();
                        Tensor result = retried(trained::run);
                        Double loss = result == null ? null : retried(result::item);
                        if (loss == null) {
                            return false;
                        }
                        result.close();
                        assertEquals(expected[i], loss, 0.0, "loss " + i);
                        // The collector may find meanwhile what an attempt that failed has left.
                        assertTrue(open.liveBytes() <= live, "live bytes of step " + i + ": " + open.liveBytes());
                    }
                }
            } catch (CudaException e) {
                // What could not be freed is told when the device is closed.
                note(e);
            }
            return true;
        }

        /** What {@code work} gives, at the second attempt if need be; null if the device is lost. */
        private <T> T retried(Supplier<T> work) {
            try {
                return work.get();
            } catch (RuntimeException e) {
                note(e);
                return e instanceof CudaException failure && failure.deviceLost() ? null : work.get();
            }
        }

        private void note(RuntimeException e) {
            if (told == null) {
                told = e;
            }
        }
    }

    private Device open(boolean pooling) {
        return Device.open("cuda", Map.of("pooling", Boolean.toString(pooling)));
    }

    /** Every run compiles anew. */
    private void begin(int run) {
        emulator.reset();
        emulator.order(Emulator.Order.FORWARD);
        System.setProperty(CACHE, folder.resolve("cache" + run).toString());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyCallFailsOnceAndTheNextStepIsRight(boolean pooling) {
        List<String> calls = rehearse(pooling);
        int told = 0;
        List<String> failures = new ArrayList<>();
        for (int nth = 1; nth <= calls.size(); nth++) {
            try {
                told += failAt(nth, calls.get(nth - 1), pooling) ? 1 : 0;
            } catch (AssertionError | RuntimeException e) {
                List<String> made = emulator.calls();
                failures.add("call " + nth + " of " + calls.size() + ", " + made.get(Math.min(nth, made.size()) - 1)
                    + ": " + e);
            }
        }
        System.out.printf("CUDA on the emulator: %d calls failed on demand, with pooling %s; %d were told of%n",
            calls.size(), pooling, told);
        assertEquals("", String.join(System.lineSeparator(), failures));
        assertTrue(told > calls.size() / 2, told + " of " + calls.size());
    }

    /** The calls of a run without failures, and its losses. */
    private List<String> rehearse(boolean pooling) {
        // The libraries are loaded once in a process.
        open(pooling).close();
        begin(0);
        expected = new double[3];
        try (Device device = open(pooling); Training training = new Training(device)) {
            for (int i = 0; i < expected.length; i++) {
                expected[i] = training.loss();
            }
        }
        List<String> calls = emulator.calls();
        assertTrue(expected[2] < expected[0], "it does not learn");
        assertEquals(0, emulator.liveBytes());
        assertTrue(calls.containsAll(List.of("cuMemAlloc", "cuLaunchKernel", "cuGraphLaunch", "cuModuleLoadData",
            "cublasGemmEx", "nvrtcCompileProgram", "kernel", "copy")), calls.toString());
        return calls;
    }

    /** Whether somebody was told of it: frees can fail unheard. */
    private boolean failAt(int nth, String call, boolean pooling) {
        begin(nth);
        emulator.failAt(Emulator.ANY_CALL, nth, switch (call) {
            case "cuMemAlloc", "cuMemAllocHost" -> OUT_OF_MEMORY;
            // What runs on the card fails for good, and later.
            case "kernel", "copy" -> LAUNCH_FAILED;
            default -> INVALID_VALUE;
        });
        Attempt attempt = new Attempt(pooling);
        attempt.run();
        if (attempt.told != null) {
            checkMessage(attempt.told, emulator.calls().get(nth - 1));
        }
        if (!emulator.calls().get(nth - 1).equals("cuMemFree")) {
            assertEquals("", emulator.fault());
            assertEquals(0, emulator.liveBytes(), "live bytes at the end");
        }
        return attempt.told != null;
    }

    private static void checkMessage(RuntimeException e, String call) {
        String message = String.valueOf(e.getMessage());
        switch (e) {
            case OutOfDeviceMemoryException _ -> {
                assertTrue(message.contains("asked for"), message);
                assertTrue(message.contains("live"), message);
            }
            // Kernels are compiled side by side, so calls may come in another order than when they were counted, and a
            // kernel may fail with a code that loses nothing.
            case CudaException failure when call.equals("kernel") || call.equals("copy") ->
                assertTrue(!failure.deviceLost() || message.contains("open"), message);
            // cuBLAS calls the driver in its turn, and says only that it failed.
            case CudaException _ -> assertTrue(message.contains(call) || message.contains("cublas"), message);
            case DeviceUnavailableException _ -> assertTrue(message.contains("driver") || message.contains(call), message);
            default -> fail(call + ": threw " + e, e);
        }
    }
}

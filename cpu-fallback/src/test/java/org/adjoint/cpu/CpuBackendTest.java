package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.adjoint.Device;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.DeviceReport;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.backend.Executable;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class CpuBackendTest {
    private final CpuBackend backend = new CpuBackend();

    @Test
    void itIsFound() {
        assertTrue(Device.list().stream().anyMatch(report -> report.name().equals("cpu")));
    }

    @Test
    void theReportSaysWhatComputes() {
        DeviceReport report = backend.probe().getFirst();
        assertTrue(report.usable());
        assertTrue(report.summary().matches(".+, \\d+ threads?, (\\d+-bit vectors|scalar code)"), report.summary());
        assertTrue(report.details().getFirst().endsWith("of memory"));
    }

    @Test
    void optionsChooseThreadsAndWidth() {
        try (DeviceDriver device = backend.open(0, Map.of("threads", "3", "vectorBits", "256"))) {
            assertTrue(device.description().endsWith("3 threads, 256-bit vectors"), device.description());
        }
        try (DeviceDriver device = backend.open(0, Map.of("threads", "1", "vectorBits", "0"))) {
            assertTrue(device.description().endsWith("1 thread, scalar code"), device.description());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "thread     | 2    | unknown option 'thread': one of threads, vectorBits",
        "threads    | 0    | threads must be between 1 and 4096 but is 0",
        "threads    | some | threads must be a whole number but is 'some'",
        "vectorBits | 64   | vectorBits must be 128, 256 or 512, or 0 for scalar code, but is 64"})
    void otherOptionsAreRefused(String name, String value, String message) {
        assertEquals("cpu: " + message, assertThrows(IllegalArgumentException.class,
            () -> backend.open(0, Map.of(name, value))).getMessage());
    }

    @Test
    void thereIsOneDevice() {
        assertTrue(assertThrows(DeviceUnavailableException.class, () -> backend.open(1, Map.of())).getMessage()
            .startsWith("cpu:1 does not exist"));
    }

    @Test
    void whatWasWrittenIsRead() {
        try (DeviceDriver device = backend.open(0, Map.of()); Buffer buffer = device.allocate(12);
            Arena arena = Arena.ofConfined()) {
            device.write(MemorySegment.ofArray(new int[] {1, 2, 3}), buffer);
            MemorySegment back = arena.allocate(8);
            device.read(buffer, back);
            assertEquals(2, back.get(ValueLayout.JAVA_INT, 4));
            assertThrows(IllegalArgumentException.class, () -> device.read(buffer, arena.allocate(13)));
            try (DeviceDriver other = backend.open(0, Map.of())) {
                assertThrows(IllegalArgumentException.class, () -> other.read(buffer, back));
            }
        }
    }

    private static final int ROWS = 64;
    private static final int COLUMNS = 40;

    /** softmax(logSoftmax(x)) is softmax(x); the logarithms are an intermediate. */
    private static Plan twoSteps() {
        Shape shape = Shape.of(ROWS, COLUMNS);
        long bytes = shape.elements() * Float.BYTES;
        List<Slot> slots = List.of(new Slot(Slot.Kind.EXTERNAL, 0, bytes), new Slot(Slot.Kind.ARENA, 64, bytes),
            new Slot(Slot.Kind.EXTERNAL, 1, bytes));
        View x = View.contiguous(0, DType.F32, shape);
        View logarithms = View.contiguous(1, DType.F32, shape);
        View y = View.contiguous(2, DType.F32, shape);
        return new Plan(slots, List.of(new PlanStep.Kernel(new FusedOp.LogSoftmax(), List.of(x), List.of(logarithms)),
            new PlanStep.Kernel(new FusedOp.Softmax(), List.of(logarithms), List.of(y))), 2, 0, 64 + bytes, List.of());
    }

    /** Runs with logits {@code row * slope * column} and says how far the result is from softmax's definition. */
    private static double error(DeviceDriver device, Executable executable, Buffer x, Buffer y, double slope) {
        float[] logits = new float[ROWS * COLUMNS];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (i / COLUMNS * slope * (i % COLUMNS));
        }
        device.write(MemorySegment.ofArray(logits), x);
        executable.run(new Buffer[] {x, y}, new long[0]);
        float[] result = new float[logits.length];
        device.read(y, MemorySegment.ofArray(result));
        double error = 0;
        for (int row = 0; row < ROWS; row++) {
            double sum = 0;
            for (int i = row * COLUMNS; i < (row + 1) * COLUMNS; i++) {
                sum += Math.exp(logits[i]);
            }
            for (int i = row * COLUMNS; i < (row + 1) * COLUMNS; i++) {
                error = Math.max(error, Math.abs(result[i] - Math.exp(logits[i]) / sum));
            }
        }
        return error;
    }

    @Test
    void aPlanRunsAndItsArenaIsUsedAgain() {
        try (DeviceDriver device = backend.open(0, Map.of("threads", "2"));
            Executable executable = device.compile(twoSteps());
            Buffer x = device.allocate(ROWS * COLUMNS * 4); Buffer y = device.allocate(ROWS * COLUMNS * 4)) {
            long live = device.liveBytes();
            for (int run = 0; run < 5; run++) {
                assertEquals(0, error(device, executable, x, y, 0.001 * run), 1e-5);
                assertEquals(live, device.liveBytes());
            }
            executable.dryRun(new Buffer[] {x, y}, new long[0]);
            assertThrows(IllegalArgumentException.class, () -> executable.run(new Buffer[] {x}, new long[0]));
            try (Buffer small = device.allocate(16)) {
                assertEquals("external 1 needs 10240 bytes but its buffer has 16", assertThrows(
                    IllegalArgumentException.class,
                    () -> executable.run(new Buffer[] {x, small}, new long[0])).getMessage());
            }
            executable.close();
            assertThrows(IllegalStateException.class, () -> executable.run(new Buffer[] {x, y}, new long[0]));
        }
    }

    @Test
    void runsOfOneExecutableOverlap() throws InterruptedException {
        var failures = new ConcurrentLinkedQueue<Throwable>();
        try (DeviceDriver device = backend.open(0, Map.of("threads", "3"));
            Executable executable = device.compile(twoSteps())) {
            Thread[] threads = new Thread[8];
            for (int i = 0; i < threads.length; i++) {
                double slope = 0.0005 * i;
                threads[i] = Thread.ofPlatform().start(() -> {
                    try (Buffer x = device.allocate(ROWS * COLUMNS * 4);
                        Buffer y = device.allocate(ROWS * COLUMNS * 4)) {
                        for (int run = 0; run < 100; run++) {
                            assertEquals(0, error(device, executable, x, y, slope), 1e-5);
                        }
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                });
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(0, device.liveBytes());
        }
        assertTrue(failures.isEmpty(), () -> failures.peek().toString());
    }

    @Test
    void anArenaThatDoesNotFitIsAnErrorBeforeTheFirstKernel() {
        Slot external = new Slot(Slot.Kind.EXTERNAL, 0, 32);
        Plan plan = new Plan(List.of(external), List.of(new PlanStep.Kernel(new Op.Iota(), List.of(),
            List.of(View.contiguous(0, DType.I32, Shape.of(8))))), 1, 0, 1L << 50, List.of());
        try (DeviceDriver device = backend.open(0, Map.of()); Executable executable = device.compile(plan);
            Buffer buffer = device.allocate(32)) {
            device.write(MemorySegment.ofArray(new int[] {5, 5, 5, 5, 5, 5, 5, 5}), buffer);
            assertThrows(OutOfDeviceMemoryException.class, () -> executable.run(new Buffer[] {buffer}, new long[0]));
            int[] after = new int[8];
            device.read(buffer, MemorySegment.ofArray(after));
            assertEquals(5, after[7]);
        }
    }
}

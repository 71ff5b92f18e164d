package org.adjoint.bench.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** JMH for real, on the smallest work in the shortest time. */
class HarnessTest {

    @TempDir
    private Path folder;

    /** Tests of several builds may run at a time, and here no figure matters. */
    @BeforeAll
    static void allowAnotherBenchmark() {
        System.setProperty("jmh.ignoreLock", "true");
    }

    @Test
    void contendersAreMeasuredAndOneThatFailsIsTold() throws IOException {
        Path log = folder.resolve("jmh.log");
        StringWriter err = new StringWriter();
        try (Harness harness = new Harness(new Effort(1, 0, 1), 1, "cpu", folder, log, new PrintWriter(err))) {
            Map<String, Double> nanos = harness.measure(GemmBenchmark.class, "sgemm TN 24x16x8",
                List.of("adjoint", "adjoint kernel", "openblas"), 0.02);
            assertEquals(List.of("adjoint", "adjoint kernel"), List.copyOf(nanos.keySet()),
                harness.failures()::toString);
            nanos.values().forEach(time -> assertTrue(time > 0 && time < 60e9, nanos::toString));
            assertEquals(List.of("adjoint"), List.copyOf(harness.measure(OperationBenchmark.class,
                "softmax 7x13 gradient", List.of("adjoint"), 0.02).keySet()), harness.failures()::toString);
            assertEquals(List.of("openblas failed at sgemm TN 24x16x8: the peer openblas is not built"),
                harness.failures());
        }
        assertTrue(err.toString().matches("(?s)sgemm TN 24x16x8: adjoint, round 1 of 1, median so far \\d.*"), err::toString);
        assertTrue(Files.readString(log).contains("org.adjoint.bench.suite.GemmBenchmark.multiply"));
    }

    @Test
    void theChartIsAnImage() throws IOException {
        Path file = folder.resolve("chart.png");
        BarChart.write(file, "title", "GFLOP/s", Result.compare("gemm", "sgemm NN 8",
            Map.of("adjoint", 1e3, "openblas", 2e3), new Result.GigaFlops(1024), 5e2));
        BufferedImage image = ImageIO.read(file.toFile());
        assertTrue(image.getWidth() > image.getHeight());
    }

    /** On Windows it can't be set, and stays as it is. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void nativeCodeSeesTheEnvironmentThatIsSet() throws Throwable {
        NativeEnvironment.set("ADJOINT_TEST", "3");
        assertEquals("3", nativeVariable("ADJOINT_TEST"));
        NativeEnvironment.unset("ADJOINT_TEST");
        assertNull(nativeVariable("ADJOINT_TEST"));
    }

    private static String nativeVariable(String name) throws Throwable {
        Linker linker = Linker.nativeLinker();
        MethodHandle get = linker.downcallHandle(linker.defaultLookup().findOrThrow("getenv"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = (MemorySegment) get.invokeExact(arena.allocateFrom(name));
            return value.equals(MemorySegment.NULL) ? null : value.reinterpret(Long.MAX_VALUE).getString(0);
        }
    }
}

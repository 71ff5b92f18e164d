package org.adjoint.cpu.group;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;
import org.junit.jupiter.api.Test;

/** The interpreter, HotSpot's first compiler and its second give the same bits. */
class JitTiersTest {
    /** Prints a hash of results; {@code args}: how often each kernel runs. */
    public static final class Program {
        private Program() { }

        public static void main(String[] args) {
            int runs = Integer.parseInt(args[0]);
            long hash = 0;
            for (UnaryOp op : List.of(UnaryOp.EXP, UnaryOp.TANH, UnaryOp.LOG, UnaryOp.SIN, UnaryOp.ROUND)) {
                hash = 31 * hash + floats(ElementaryFunctionsTest.kernel(op, DType.F32, 512), runs);
            }
            hash = 31 * hash + floats(ElementaryFunctionsTest.kernel(UnaryOp.ERF, DType.F32, 256), runs);
            hash = 31 * hash + doubles(ElementaryFunctionsTest.kernel(UnaryOp.EXP, DType.F64, 512), runs);
            System.out.println("hash " + hash);
        }

        private static long floats(BlockKernel kernel, int runs) {
            int n = 70;
            float[] x = new float[n];
            float[] y = new float[n];
            for (int i = 0; i < n; i++) {
                x[i] = i % 7 == 0 ? Float.intBitsToFloat(i * 21_000_003) : (i - 35) * 0.273f;
            }
            for (int run = 0; run < runs; run++) {
                kernel.run(new Object[] {x, y}, new long[2], null, n);
            }
            long hash = 0;
            for (float value : y) {
                hash = 31 * hash + Float.floatToIntBits(value);
            }
            return hash;
        }

        private static long doubles(BlockKernel kernel, int runs) {
            int n = 35;
            double[] x = new double[n];
            double[] y = new double[n];
            for (int i = 0; i < n; i++) {
                x[i] = i % 7 == 0 ? Double.longBitsToDouble(i * 91_000_000_000_003_003L) : (i - 17) * 0.373;
            }
            for (int run = 0; run < runs; run++) {
                kernel.run(new Object[] {x, y}, new long[2], null, n);
            }
            long hash = 0;
            for (double value : y) {
                hash = 31 * hash + Double.doubleToLongBits(value);
            }
            return hash;
        }
    }

    @Test
    void interpreterAndCompilersAgree() throws IOException, InterruptedException {
        // Without profiles and in the foreground, a second-compiler kernel is there after few runs.
        String interpreted = hash("1", "-Xint");
        assertEquals(interpreted, hash("2", "-XX:TieredStopAtLevel=1", "-XX:Tier3InvocationThreshold=1"));
        assertEquals(interpreted, hash("60", "-XX:-TieredCompilation", "-XX:CompileThreshold=20", "-Xbatch"));
    }

    private static String hash(String runs, String... flags) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(flags));
        command.addAll(List.of("--add-modules", "jdk.incubator.vector", "-cp", classPath(), Program.class.getName(),
            runs));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), output);
        return output.lines().filter(line -> line.startsWith("hash ")).findFirst().orElse(output);
    }

    /** Where the classes lie, whether this test runs on the class path or the module path. */
    private static String classPath() {
        List<String> places = new ArrayList<>();
        for (Class<?> type : List.of(JitTiersTest.class, GroupCompiler.class, DType.class)) {
            places.add(Path.of(URI.create(type.getProtectionDomain().getCodeSource().getLocation().toString()))
                .toString());
        }
        return String.join(File.pathSeparator, places);
    }
}

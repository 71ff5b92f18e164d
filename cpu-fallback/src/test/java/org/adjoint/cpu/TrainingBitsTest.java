package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.adjoint.cpu.TrainingHash.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The same seed gives the same bits, whatever computes them. */
class TrainingBitsTest {
    private static final int STEPS = 4;

    private static final long EXPECTED = TrainingHash.train("1", "512", Size.tiny(STEPS));

    @ParameterizedTest
    @CsvSource({"2, 512", "1, 256", "2, 128", "3, 0"})
    void threadsAndWidthsGiveTheSameBits(String threads, String vectorBits) {
        assertEquals(EXPECTED, TrainingHash.train(threads, vectorBits, Size.tiny(STEPS)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-Xint", "-XX:TieredStopAtLevel=1", "-XX:-TieredCompilation"})
    void everyTierOfTheJitGivesTheSameBits(String flag) throws IOException, InterruptedException {
        assertEquals(EXPECTED, hashInFreshJvm(flag, "--add-modules", "jdk.incubator.vector"));
    }

    @Test
    void groupsThatAreCompiledOnTheWayGiveTheSameBits() {
        assertEquals(TrainingHash.train("1", "0", Size.HOT), TrainingHash.train("2", "512", Size.HOT));
    }

    @Test
    void withoutTheVectorApiTheBitsAreTheSame() throws IOException, InterruptedException {
        assertEquals(EXPECTED, hashInFreshJvm("-Xshare:auto"));
    }

    private static long hashInFreshJvm(String... flags) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(flags));
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp", classPath(), TrainingHash.class.getName(),
            "2", flags.length > 1 ? "512" : "0", Integer.toString(STEPS)));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        String output = new String(process.getInputStream().readAllBytes()).strip();
        assertEquals(0, process.waitFor(), output);
        return Long.parseLong(output);
    }

    /** Both the class path and what the test runner put on the module path. */
    private static String classPath() {
        List<String> parts = new ArrayList<>();
        for (String property : List.of("java.class.path", "jdk.module.path")) {
            String value = System.getProperty(property);
            if (value != null && !value.isEmpty()) {
                parts.add(value);
            }
        }
        String location = TrainingHash.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        parts.add(location);
        parts.add(location.replace("test-classes", "classes"));
        return String.join(File.pathSeparator, parts);
    }
}

package org.adjoint.cuda.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every file of kernels compiles by NVIDIA's own NVRTC, which needs no card. It comes with a jar of 362 MB, so that it
 * has to be asked for: {@code mvn -Pnvrtc -pl cuda-kernels -am verify}.
 */
class NvrtcCompilationTest {
    private static final List<String> ARCHITECTURES = List.of("75", "80", "90", "100");

    @TempDir
    private Path folder;

    private static void requireJar() {
        URL library = NvrtcCompilationTest.class.getClassLoader()
            .getResource("org/bytedeco/cuda/linux-x86_64/libnvrtc.so.12");
        if (library == null) {
            String message = "SKIPPED: kernels are not compiled by NVRTC, which mvn -Pnvrtc downloads (362 MB)";
            System.err.println(message);
            Assumptions.abort(message);
        }
    }

    @Test
    void everyFileCompiles() throws IOException, InterruptedException {
        requireJar();
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> command = new ArrayList<>(List.of(java, "--enable-native-access=ALL-UNNAMED", "-cp", classPath(),
            NvrtcChild.class.getName(), folder.toString()));
        command.addAll(ARCHITECTURES);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().remove("ADJOINT_CUDA_LIBRARIES");
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        try (Stream<Path> files = Files.list(folder)) {
            long expected = new HashSet<>(KernelSources.all()).stream().mapToLong(source -> ARCHITECTURES.stream()
                .filter(it -> KernelSources.isFor(Integer.parseInt(it), source)).count()).sum();
            assertEquals(expected, files.count(), output);
        }
        System.out.print(output);
    }

    /** The class path, and what the test runner put on the module path. */
    private static String classPath() {
        List<String> parts = new ArrayList<>();
        for (String property : List.of("java.class.path", "jdk.module.path")) {
            String value = System.getProperty(property);
            if (value != null && !value.isEmpty()) {
                parts.add(value);
            }
        }
        String tests = NvrtcCompilationTest.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        parts.add(tests);
        parts.add(tests.replace("test-classes", "classes"));
        return String.join(File.pathSeparator, parts);
    }
}

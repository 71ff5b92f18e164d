package org.adjoint.cuda.environment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.adjoint.cuda.emulator.Emulator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Bad environments as users meet them: each in a process of its own, on the emulator's libraries. How the search for
 * libraries answers is tested in {@code LibrariesTest}.
 */
class EnvironmentTest {
    private static Path libraries;

    @TempDir
    private Path folder;

    @BeforeAll
    static void build() {
        Emulator.require();
        libraries = Emulator.libraries(12);
    }

    /** A started process. */
    private record Child(Process process) {
        List<String> lines() {
            try {
                String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                assertEquals(0, process.waitFor(), output);
                return output.lines().toList();
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private Path cache() {
        return folder.resolve("cubins");
    }

    private static List<String> command(Path cache, Path libraries, String... arguments) {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> command = new ArrayList<>(List.of(java, "--enable-native-access=ALL-UNNAMED",
            "--add-modules=jdk.incubator.vector", "-Dadjoint.cuda.cache=" + cache, "-cp", classPath(),
            EnvironmentChild.class.getName(), libraries.toString()));
        command.addAll(List.of(arguments));
        return command;
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
        String tests = EnvironmentTest.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        parts.add(tests);
        parts.add(tests.replace("test-classes", "classes"));
        return String.join(java.io.File.pathSeparator, parts);
    }

    private static Child start(List<String> command) {
        try {
            return new Child(new ProcessBuilder(command).redirectErrorStream(true).start());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private Child start() {
        return start(command(cache(), libraries, "cuda"));
    }

    private static void assertRight(List<String> lines) {
        assertTrue(lines.containsAll(EnvironmentChild.RIGHT), lines.toString());
    }

    private static int compiled(List<String> lines) {
        String last = lines.getLast();
        assertTrue(last.startsWith("compiled: "), lines.toString());
        return Integer.parseInt(last.substring("compiled: ".length()));
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    // CUDA

    @Test
    void cudaThirteenAloneComputes() {
        List<String> lines = start(command(cache(), Emulator.libraries(13), "cuda")).lines();
        assertRight(lines);
    }

    /** The folder of the emulator without one of its libraries. */
    private Path without(String library) throws IOException {
        Path lacking = Files.createDirectories(folder.resolve("lacking"));
        for (Path file : files(libraries)) {
            String name = file.getFileName().toString();
            if (name.startsWith("lib") && !name.startsWith(library)) {
                Files.copy(file, lacking.resolve(name));
            }
        }
        return lacking;
    }

    @ParameterizedTest
    @CsvSource({"libcuda.so, no NVIDIA driver was found (libcuda.so.1)",
        "libnvrtc, no NVRTC was found (libnvrtc.so.12)", "libcublas, no cuBLAS was found (libcublas.so.12)"})
    void aDeviceAskedForByNameIsAnErrorAndTheDefaultIsTheProcessor(String library, String message) throws IOException {
        Path lacking = without(library);
        List<String> named = start(command(cache(), lacking, "cuda")).lines();
        if (named.stream().noneMatch(line -> line.startsWith("unavailable: "))) {
            abort("this machine has a " + library + " of its own");
        }
        String all = String.join("\n", named);
        assertTrue(all.contains("unavailable: " + message), all);
        assertTrue(all.contains(lacking + " (adjoint.cuda.libraries"), all);
        assertTrue(all.contains("install"), all);

        String fallen = String.join("\n", start(command(cache(), lacking)).lines());
        assertTrue(fallen.contains("device: cpu"), fallen);
        assertTrue(fallen.contains("using cpu; cuda can't be used: " + message), fallen);
        assertEquals(fallen.indexOf("can't be used"), fallen.lastIndexOf("can't be used"), "said once");
    }

    // The cache of compiled kernels

    @Test
    void whatIsCachedIsNotCompiledAgain() {
        List<String> first = start().lines();
        assertRight(first);
        assertTrue(compiled(first) > 0, first.toString());
        List<String> second = start().lines();
        assertRight(second);
        assertEquals(0, compiled(second));
    }

    @Test
    void damagedEntriesAreCompiledAgain() throws IOException {
        int programs = compiled(start().lines());
        List<Path> entries = files(cache());
        assertEquals(programs, entries.size());
        for (int i = 0; i < entries.size(); i++) {
            byte[] entry = Files.readAllBytes(entries.get(i));
            switch (i % 3) {
                case 0 -> entry[entry.length / 2] ^= 1;
                case 1 -> entry = Arrays.copyOf(entry, entry.length - 1);
                default -> entry = new byte[0];
            }
            Files.write(entries.get(i), entry);
        }
        List<String> lines = start().lines();
        assertRight(lines);
        assertEquals(programs, compiled(lines));
        assertEquals(0, compiled(start().lines()), "the entries are whole again");
    }

    @Test
    void processesFillOneCacheTogether() throws IOException {
        List<Child> children = Stream.generate(this::start).limit(3).toList();
        children.forEach(child -> assertRight(child.lines()));
        List<Path> entries = files(cache());
        assertTrue(entries.stream().allMatch(file -> file.toString().endsWith(".cubin")), entries.toString());
        List<String> later = start().lines();
        assertRight(later);
        assertEquals(0, compiled(later));
    }

    /** Only a file system of its own is full, or read-only, for root too: mounted in a namespace of the child. */
    @ParameterizedTest
    @CsvSource({"'size=16k', No space left on device", "'size=16k,ro', Read-only file system"})
    void aCacheThatTakesNothingIsSaidOnce(String options, String reason) throws Exception {
        Files.createDirectories(cache());
        String mount = "mount -t tmpfs -o " + options + " adjoint " + cache();
        List<String> separate = List.of("unshare", "--user", "--map-root-user", "--mount", "sh", "-c");
        List<String> trial = new ArrayList<>(separate);
        trial.add(mount);
        if (new ProcessBuilder(trial).redirectErrorStream(true).start().waitFor() != 0) {
            abort("this machine lets users mount nothing: a cache that is full or read-only is not tested");
        }
        List<String> command = new ArrayList<>(separate);
        command.add(mount + " && exec \"$@\"");
        command.add("sh");
        command.addAll(command(cache(), libraries, "cuda"));
        List<String> lines = start(command).lines();
        assertRight(lines);
        String all = String.join("\n", lines);
        String said = "compiled kernels can't be kept in " + cache();
        assertTrue(all.contains(said) && all.contains(reason) && all.contains("ADJOINT_CUDA_CACHE"), all);
        assertEquals(all.indexOf(said), all.lastIndexOf(said), all);
    }
}

package org.adjoint.bench.bundle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.adjoint.bench.CommandRun;
import org.adjoint.bench.Json;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BundleCommandTest {
    private static final String CLASS_PATH = "java.class.path";

    private final String classPath = System.getProperty(CLASS_PATH);

    @TempDir
    private Path root;

    @AfterEach
    void restore() {
        System.setProperty(CLASS_PATH, classPath);
    }

    private Path jar(String name, String... entries) throws IOException {
        Path jar = root.resolve(name);
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
            for (String entry : entries) {
                zip.putNextEntry(new ZipEntry(entry));
                zip.write(entry.getBytes(StandardCharsets.UTF_8));
            }
        }
        return jar;
    }

    /** As the launcher starts the command line. */
    private void runFromJars() throws IOException {
        List<Path> jars = List.of(jar("adjoint-bench.jar", "a"), jar("xchart-4.0.jar", "b"),
            jar("jcuda-natives-12.6.0-linux-x86_64.jar", "lib/libJCudaDriver-12.6.0-linux-x86_64.so",
                "lib/libJNvrtc-12.6.0-linux-x86_64.so", "lib/libJCudaRuntime-12.6.0-linux-x86_64.so"));
        System.setProperty(CLASS_PATH, String.join(File.pathSeparator, jars.stream().map(Path::toString).toList()));
    }

    @Test
    void aBundleHasWhatRunsItAndNothingElse() throws IOException, InterruptedException {
        runFromJars();
        Path bundle = root.resolve("bundle");
        CommandRun run = CommandRun.of("bundle", "--no-kernels", bundle.toString());
        assertEquals(0, run.status(), run::err);
        String commit = Json.readObject(bundle.resolve("bundle.json")).get("commit").toString();
        assertTrue(run.out().matches("(?s)" + bundle + ": \\d+\\.\\d MB \\(java \\d+\\.\\d, jars 0\\.0\\), commit "
            + commit + "\\R"), run::out);
        assertEquals(List.of("adjoint", "bundle.json", "jars", "java", "verify.sh", "verify_pytorch.py"),
            names(bundle));
        assertEquals(List.of("adjoint-bench.jar", "jcuda-natives-12.6.0-linux-x86_64.jar"),
            names(bundle.resolve("jars")));
        try (ZipFile natives = new ZipFile(bundle.resolve("jars/jcuda-natives-12.6.0-linux-x86_64.jar").toFile())) {
            assertEquals(List.of("lib/libJCudaDriver-12.6.0-linux-x86_64.so", "lib/libJNvrtc-12.6.0-linux-x86_64.so"),
                natives.stream().map(ZipEntry::getName).sorted().toList());
        }
        assertTrue(Files.readString(bundle.resolve("adjoint")).contains("-Dadjoint.commit=" + commit + " "));
        assertTrue(Files.isExecutable(bundle.resolve("verify.sh")));
        assertTrue(lines(bundle.resolve("java/bin/java").toString(), "--list-modules").stream()
            .anyMatch(line -> line.startsWith("jdk.incubator.vector@")));
        Files.writeString(bundle.resolve("old"), "of a former run");
        assertEquals(0, CommandRun.of("bundle", "--no-kernels", bundle.toString()).status());
        assertFalse(Files.exists(bundle.resolve("old")), "a bundle that is made anew keeps files of the former one");
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static List<String> lines(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        List<String> lines = new ArrayList<>(new String(process.getInputStream().readAllBytes(),
            StandardCharsets.UTF_8).lines().toList());
        assertEquals(0, process.waitFor(), lines::toString);
        return lines;
    }

    @Test
    void aFolderOfSomebodyElseIsLeftAlone() throws IOException {
        runFromJars();
        Path file = Files.writeString(Files.createDirectories(root.resolve("mine")).resolve("notes"), "text");
        CommandRun run = CommandRun.of("bundle", "--no-kernels", file.getParent().toString());
        assertEquals(1, run.status());
        assertEquals("error: the folder '" + file.getParent() + "' holds other things than a bundle: name an empty one",
            run.err().strip());
        assertEquals("text", Files.readString(file));
    }

    @Test
    void aProgramThatRunsFromFoldersSaysHowToStartIt() {
        System.setProperty(CLASS_PATH, "bench/target/classes");
        CommandRun run = CommandRun.of("bundle", "--no-kernels", root.resolve("bundle").toString());
        assertEquals(1, run.status());
        assertTrue(run.err().startsWith("error: a bundle is made of jars, but this program runs from ")
            && run.err().strip().endsWith("start it with the script adjoint"), run::err);
    }

    @Test
    void helpSaysWhereTheCompilerIsFound() {
        CommandRun run = CommandRun.of("bundle", "--help");
        assertEquals(0, run.status());
        assertTrue(run.out().contains("ADJOINT_CUDA_LIBRARIES"), run::out);
    }
}

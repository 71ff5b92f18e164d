package org.adjoint.cuda.driver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * Real dynamic libraries with the SONAMEs and symbol versions of NVIDIA's, made with gcc, which do next to nothing:
 * enough for a loader to take them for CUDA. Without gcc a test that asks for one is skipped, and says so.
 */
final class FakeLibraries {
    private FakeLibraries() { }

    /** libcuda.so.1 that claims to serve this CUDA, such as 12040; {@code cuInit} answers "no device". */
    static Path driver(Path folder, int cuda) {
        return library(folder, "libcuda.so.1", null, """
            int cuDriverGetVersion(int *version) { *version = %d; return 0; }
            int cuInit(unsigned flags) { return 100; }
            """.formatted(cuda));
    }

    /** cuBLAS MAJOR.7.PATCH with its cublasLt; to create a handle fails with 1000 * MAJOR + PATCH. */
    static void cublas(Path folder, int major, int patch) {
        cublasLt(folder, major);
        String name = "libcublas.so." + major;
        library(folder, name, name, cublasSource(major, patch),
            "-Wl,--no-as-needed", "-L" + folder, "-l:libcublasLt.so." + major);
    }

    /** As NVIDIA's cuBLAS, but with functions of another version. */
    static void cublasOfVersion(Path folder, int major, String version) {
        cublasLt(folder, major);
        library(folder, "libcublas.so." + major, version, cublasSource(major, 0));
    }

    private static void cublasLt(Path folder, int major) {
        String name = "libcublasLt.so." + major;
        library(folder, name, name, "long cublasLtGetVersion(void) { return 1; }");
    }

    private static String cublasSource(int major, int patch) {
        return """
            extern long cublasLtGetVersion(void) __attribute__((weak));
            int cublasGetProperty(int which, int *value) {
                *value = which == 0 ? %1$d : which == 1 ? 7 : %2$d;
                return 0;
            }
            int cublasCreate_v2(void **handle) { return cublasLtGetVersion ? 1000 * %1$d + %2$d : -1; }
            """.formatted(major, patch);
    }

    /** NVRTC MAJOR.MINOR with its builtins; it compiles nothing. */
    static void nvrtc(Path folder, int major, int minor) {
        String name = "libnvrtc.so." + major;
        library(folder, name, name, """
            int nvrtcVersion(int *major, int *minor) { *major = %d; *minor = %d; return 0; }
            int nvrtcCompileProgram(void *program, int count, const char **options) { return 1; }
            """.formatted(major, minor));
        builtins(folder, major, minor);
    }

    static void builtins(Path folder, int major, int minor) {
        library(folder, "libnvrtc-builtins.so." + major + "." + minor, null, "int builtins;");
    }

    /** A folder with cuBLAS and NVRTC of a major version. */
    static Path toolkit(Path folder, int major) {
        cublas(folder, major, 0);
        nvrtc(folder, major, 3);
        return folder;
    }

    /** A library whose SONAME is its file's name. */
    private static Path library(Path folder, String name, String version, String source, String... options) {
        try {
            Files.createDirectories(folder);
            Path temporary = Files.createTempDirectory("fake-libraries");
            try {
                Path code = Files.writeString(temporary.resolve("source.c"), source);
                List<String> command = new ArrayList<>(List.of("gcc", "-shared", "-fPIC", "-o",
                    folder.resolve(name).toString(), code.toString(), "-Wl,-soname," + name));
                if (version != null) {
                    Path map = Files.writeString(temporary.resolve("map"), version + " { global: *; };");
                    command.add("-Wl,--version-script=" + map);
                }
                command.addAll(List.of(options));
                run(command);
            } finally {
                delete(temporary);
            }
            return folder.resolve(name);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void run(List<String> command) throws IOException {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            String message = "SKIPPED, for gcc is missing: it makes the libraries to test the search for CUDA with";
            System.err.println(message);
            Assumptions.abort(message);
            return;
        }
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
                throw new AssertionError(String.join(" ", command) + "\n" + output);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Copies a folder's files. */
    static Path copy(Path from, Path to) {
        try (Stream<Path> files = Files.list(from)) {
            Files.createDirectories(to);
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
            }
            return to;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Deletes a folder and its files. */
    static void delete(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

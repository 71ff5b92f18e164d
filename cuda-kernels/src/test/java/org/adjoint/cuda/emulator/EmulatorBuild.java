package org.adjoint.cuda.emulator;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Compiles the emulator's libraries with g++ into a folder named by a hash of their sources, the compiler and the
 * machine, once: later runs, and processes that run at the same time, find them there.
 */
final class EmulatorBuild {
    private static final String SOURCES_PROPERTY = "adjoint.emulator.sources";
    private static final String FOLDER_PROPERTY = "adjoint.emulator.folder";
    private static final String DRIVER = "libcuda.so.1";
    private static final List<String> NVRTC = List.of("nvrtc.cpp", "compilations.cpp", "program.cpp", "rewrite.cpp");

    private final Map<String, byte[]> sources;
    private final Path root;
    private final String compiler;

    EmulatorBuild() {
        sources = sources();
        root = root();
        compiler = output("g++", "--version");
    }

    /** Whether this machine can build and run the emulator. */
    static boolean isPossible() {
        if (!System.getProperty("os.name").equals("Linux") || !System.getProperty("os.arch").equals("amd64")) {
            return false;
        }
        try {
            Process process = new ProcessBuilder("g++", "--version").redirectErrorStream(true).start();
            process.getInputStream().readAllBytes();
            return process.waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * The folder of the libraries that stand in for CUDA {@code major}'s.
     *
     * @param major 12 or 13
     */
    Path libraries(int major) {
        Path folder = root.resolve(hash(sources) + "-" + major);
        Path complete = folder.resolve("complete");
        if (Files.exists(complete)) {
            return folder;
        }
        Path driver = major == 12 ? null : libraries(12).resolve(DRIVER);
        try {
            Files.createDirectories(root);
            try (FileChannel channel = FileChannel.open(root.resolve("lock"), StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE); var _ = channel.lock()) {
                if (!Files.exists(complete)) {
                    build(folder, major, driver);
                    Files.createFile(complete);
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("the CUDA emulator can't be built in " + folder, e);
        }
        return folder;
    }

    /** @param driver to copy; null to compile it */
    private void build(Path folder, int major, Path driver) throws IOException {
        for (var source : sources.entrySet()) {
            Path file = folder.resolve(source.getKey());
            Files.createDirectories(file.getParent());
            Files.write(file, source.getValue());
            if (source.getKey().endsWith(".map")) {
                String text = new String(source.getValue(), StandardCharsets.UTF_8);
                Files.writeString(file, text.replace("@MAJOR@", Integer.toString(major)));
            }
        }
        int minor = major == 12 ? 8 : 0;
        String cublasVersion = "-DEMULATOR_CUBLAS_VERSION=" + (major == 12 ? 120803 : 130002);
        List<String> nvrtc = new ArrayList<>(List.of("-O2", "-Wl,--version-script=nvrtc.map",
            "-DEMULATOR_NVRTC_MAJOR=" + major, "-DEMULATOR_NVRTC_MINOR=" + minor, "-DEMULATOR_FOLDER=" + text(folder),
            "-DEMULATOR_VERSION=" + text(programVersion()), "-DEMULATOR_CC1PLUS=" + part("cc1plus"),
            "-DEMULATOR_AS=" + part("as"), "-DEMULATOR_LD=" + part("ld")));
        nvrtc.addAll(NVRTC);
        List<Process> processes = new ArrayList<>();
        if (driver == null) {
            processes.add(compileDriver(folder));
        } else {
            Files.copy(driver, folder.resolve(DRIVER), StandardCopyOption.REPLACE_EXISTING);
        }
        processes.add(compile(folder, "libnvrtc.so." + major, nvrtc));
        processes.add(compile(folder, "libcublas.so." + major, List.of("-O3", "-march=native",
            "-Wl,--version-script=cublas.map", cublasVersion, "cublas.cpp", "gemm.cpp")));
        processes.add(compile(folder, "libcublasLt.so." + major, List.of("-Wl,--version-script=cublasLt.map",
            cublasVersion, "cublasLt.cpp")));
        processes.add(compile(folder, "libnvrtc-builtins.so." + major + "." + minor, List.of("empty.cpp")));
        for (Process process : processes) {
            finish(process, process.info().commandLine().orElse("g++"));
        }
    }

    private Process compileDriver(Path folder) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("-O2", "-g1", "-I.", "-Wl,--version-script=cuda/exports.map"));
        sources.keySet().stream().filter(it -> it.startsWith("cuda/") && it.endsWith(".cpp")).forEach(arguments::add);
        return compile(folder, DRIVER, arguments);
    }

    private static Process compile(Path folder, String library, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("g++", "-std=c++17", "-fPIC", "-shared", "-Wall", "-Wextra",
            "-Wl,-soname," + library, "-o", library, "-static-libstdc++", "-static-libgcc"));
        command.addAll(arguments);
        command.addAll(List.of("-ldl", "-lm", "-lpthread"));
        return new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    }

    private static String finish(Process process, String what) throws IOException {
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IllegalStateException("the CUDA emulator does not compile: " + what + "\n" + output);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while g++ compiles the CUDA emulator", e);
        }
        return output;
    }

    private static String output(String... command) {
        try {
            return finish(new ProcessBuilder(command).redirectErrorStream(true).start(), String.join(" ", command));
        } catch (IOException e) {
            throw new IllegalStateException("g++, which compiles the CUDA emulator, can't be run", e);
        }
    }

    /** Where g++ keeps a part of itself, as a literal of C. */
    private static String part(String program) {
        return text(output("g++", "-print-prog-name=" + program).strip());
    }

    private static String text(Object value) {
        return "\"" + value + "\"";
    }

    /** A hash of how programs are translated: what is compiled stays valid while it is the same. */
    private String programVersion() {
        Map<String, byte[]> parts = new TreeMap<>(sources);
        parts.keySet().retainAll(NVRTC);
        return hash(parts);
    }

    private String hash(Map<String, byte[]> files) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((compiler + features()).getBytes(StandardCharsets.UTF_8));
            files.forEach((name, bytes) -> {
                digest.update((name + " " + bytes.length + "\n").getBytes(StandardCharsets.UTF_8));
                digest.update(bytes);
            });
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The processor's instruction sets: products are compiled for this machine. */
    private static String features() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("flags")).findFirst().orElse("");
        } catch (IOException e) {
            return "";
        }
    }

    /** {@code target/emulator} beside the compiled tests; for tests in a jar elsewhere, a folder of the user's. */
    private static Path root() {
        String chosen = System.getProperty(FOLDER_PROPERTY);
        if (chosen != null) {
            return Path.of(chosen).toAbsolutePath();
        }
        try {
            Path here = Path.of(EmulatorBuild.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            for (Path folder = here; folder != null; folder = folder.getParent()) {
                if (folder.endsWith("target")) {
                    return folder.resolve("emulator");
                }
            }
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
        return Path.of(System.getProperty("java.io.tmpdir"), "adjoint-emulator-" + System.getProperty("user.name"));
    }

    private static Map<String, byte[]> sources() {
        String chosen = System.getProperty(SOURCES_PROPERTY);
        try {
            if (chosen != null) {
                return files(Path.of(chosen));
            }
            URL header = EmulatorBuild.class.getResource("native/device.h");
            if (header == null) {
                throw new IllegalStateException("the emulator's sources are not on the class path");
            }
            URI uri = header.toURI();
            if (!uri.getScheme().equals("jar")) {
                return files(Path.of(uri).getParent());
            }
            try (FileSystem jar = FileSystems.newFileSystem(uri, Map.of())) {
                String file = uri.toString().substring(uri.toString().indexOf('!') + 1);
                return files(jar.getPath(file).getParent());
            }
        } catch (IOException | URISyntaxException e) {
            throw new IllegalStateException("the emulator's sources can't be read", e);
        }
    }

    private static Map<String, byte[]> files(Path folder) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(folder)) {
            paths = walk.filter(Files::isRegularFile).toList();
        }
        for (Path path : paths) {
            files.put(folder.relativize(path).toString(), Files.readAllBytes(path));
        }
        return files;
    }
}

package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.adjoint.backend.DeviceUnavailableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Good and bad environments, and what each says. */
class LibrariesTest {
    private static final String PIP_12 = "pip install nvidia-cublas-cu12 nvidia-cuda-nvrtc-cu12";

    @TempDir
    private Path root;

    private final Map<String, String> environment = new HashMap<>();

    // Good ones, each in a JVM of its own, through unmodified JCuda

    @Test
    void cudaTwelveIsLoadedFromTheFoldersOfTheProperty() throws IOException {
        Path driver = root.resolve("driver");
        FakeLibraries.driver(driver, 12_040);
        Path toolkit = FakeLibraries.toolkit(root.resolve("toolkit"), 12);
        Path temporary = Files.createDirectories(root.resolve("temporary"));
        assertEquals(List.of(
            "driver CUDA up to 12.4: " + driver.resolve("libcuda.so.1") + " (adjoint.cuda.libraries)",
            "cuBLAS 12.7.0: " + toolkit.resolve("libcublas.so.12") + " (adjoint.cuda.libraries)",
            "NVRTC 12.3: " + toolkit.resolve("libnvrtc.so.12") + " (adjoint.cuda.libraries)",
            "CUDA 12",
            "cuInit gives 100",
            "nvrtcVersion gives 12.3",
            "cublasCreate gives 12000",
            "has cublasCreate_v2: true, nvrtcGetNVVMSize: false",
            "temporary folder " + temporary),
            LibrariesChild.run(Map.of(), List.of("-Djava.io.tmpdir=" + temporary,
                "-Dadjoint.cuda.libraries=" + driver + ":" + toolkit), "load"));
        assertEquals(List.of(), children(temporary));
    }

    /** JCuda's libraries need libcublas.so.12 and libnvrtc.so.12, by name and by symbol version. */
    @Test
    void cudaThirteenAloneServesThroughPatchedLibraries() {
        FakeLibraries.driver(root.resolve("usr/lib64"), 13_000);
        Path toolkit = FakeLibraries.toolkit(root.resolve("usr/local/cuda-13.0/lib64"), 13);
        assertEquals(List.of(
            "driver CUDA up to 13.0: " + root.resolve("usr/lib64/libcuda.so.1") + " (system)",
            "cuBLAS 13.7.0: " + toolkit.resolve("libcublas.so.13") + " (system)",
            "NVRTC 13.3: " + toolkit.resolve("libnvrtc.so.13") + " (system)",
            "CUDA 13",
            "cuInit gives 100",
            "nvrtcVersion gives 13.3",
            "cublasCreate gives 13000"),
            LibrariesChild.run(Map.of(), List.of(), root.toString()).subList(0, 7));
    }

    @Test
    void twelveIsPreferredWhereverItIs() {
        FakeLibraries.driver(root.resolve("usr/lib64"), 13_000);
        FakeLibraries.toolkit(root.resolve("home/lib64"), 13);
        Path twelve = FakeLibraries.toolkit(root.resolve("usr/lib64"), 12);
        List<String> lines = LibrariesChild.run(Map.of("CUDA_HOME", root.resolve("home").toString()), List.of(),
            root.toString());
        assertTrue(lines.contains("CUDA 12"), lines.toString());
        assertTrue(lines.contains("cuBLAS 12.7.0: " + twelve.resolve("libcublas.so.12") + " (system)"),
            lines.toString());
    }

    @Test
    void thirteenNamedExplicitlyIsPreferredToTwelve() {
        FakeLibraries.driver(root.resolve("usr/lib64"), 13_000);
        FakeLibraries.toolkit(root.resolve("usr/lib64"), 12);
        Path thirteen = FakeLibraries.toolkit(root.resolve("named"), 13);
        List<String> lines = LibrariesChild.run(Map.of("ADJOINT_CUDA_LIBRARIES", thirteen.toString()), List.of(),
            root.toString());
        assertTrue(lines.contains("cublasCreate gives 13000"), lines.toString());
    }

    @Test
    void anIncompleteTwelveGivesWayToThirteen() {
        FakeLibraries.driver(root.resolve("usr/lib64"), 13_000);
        FakeLibraries.cublas(root.resolve("usr/lib64"), 12, 0);
        FakeLibraries.toolkit(root.resolve("usr/local/cuda/lib64"), 13);
        List<String> lines = LibrariesChild.run(Map.of(), List.of(), root.toString());
        assertTrue(lines.contains("CUDA 13") && lines.contains("cublasCreate gives 13000"), lines.toString());
    }

    @Test
    void jarsOnTheClassPathServe() throws IOException {
        FakeLibraries.driver(root.resolve("usr/lib64"), 12_040);
        Path jar = LibrarySearchTest.jar(root.resolve("redistributables.jar"),
            FakeLibraries.toolkit(root.resolve("made"), 12));
        List<String> lines = LibrariesChild.run(Map.of("XDG_CACHE_HOME", root.resolve("cache").toString()), List.of(),
            List.of(jar), root.toString());
        assertTrue(lines.contains("cublasCreate gives 12000"), lines.toString());
        assertTrue(lines.get(2).endsWith("/libnvrtc.so.12 (from a jar on the class path)"), lines.toString());
    }

    // The compiler alone, without a driver

    @Test
    void theCompilerNeedsNeitherDriverNorCublas() {
        Path folder = root.resolve("nvrtc");
        FakeLibraries.nvrtc(folder, 12, 9);
        assertEquals(List.of("NVRTC 12.9: " + folder.resolve("libnvrtc.so.12") + " (adjoint.cuda.libraries)",
            "nvrtcVersion gives 12.9"),
            LibrariesChild.run(Map.of(), List.of("-Dadjoint.cuda.libraries=" + folder), "compiler"));
    }

    @Test
    void theCompilerOfCudaThirteenServesThroughAPatchedLibrary() {
        Path folder = root.resolve("nvrtc");
        FakeLibraries.nvrtc(folder, 13, 0);
        assertEquals(List.of("NVRTC 13.0: " + folder.resolve("libnvrtc.so.13") + " (ADJOINT_CUDA_LIBRARIES)",
            "nvrtcVersion gives 13.0"),
            LibrariesChild.run(Map.of("ADJOINT_CUDA_LIBRARIES", folder.toString()), List.of(), "compiler"));
    }

    /** JCuda has one NVRTC in a process: after 13 alone, cuBLAS of 12 beside a whole 12 is not taken. */
    @Test
    void whatIsLoadedAfterTheCompilerIsOfItsMajorVersion() {
        Path thirteen = FakeLibraries.toolkit(root.resolve("thirteen"), 13);
        FakeLibraries.driver(root.resolve("driver"), 13_000);
        Path twelve = FakeLibraries.toolkit(root.resolve("twelve"), 12);
        List<String> lines = LibrariesChild.run(Map.of(), List.of("-Dadjoint.cuda.libraries=" + thirteen), "compiler",
            root.resolve("driver") + ":" + twelve + ":" + thirteen);
        assertTrue(lines.contains("nvrtcVersion gives 13.3") && lines.contains("cublasCreate gives 13000"),
            lines.toString());
    }

    @Test
    void withoutACompiler() {
        FakeLibraries.driver(root.resolve("usr/lib64"), 12_040);
        FakeLibraries.cublas(root.resolve("usr/lib64"), 12, 0);
        List<String> lines = assertThrows(DeviceUnavailableException.class,
            () -> Libraries.findCompiler(surroundings())).getMessage().lines().toList();
        assertTrue(lines.getFirst().startsWith("no NVRTC was found (libnvrtc.so.12); pip install "
            + "nvidia-cuda-nvrtc-cu12, or install CUDA 12 and set CUDA_HOME to it, or name the folders with "
            + "-Dadjoint.cuda.libraries=... or ADJOINT_CUDA_LIBRARIES"), lines.toString());
        assertTrue(lines.get(1).startsWith("tried: libnvrtc.so.12 is not in jars on the class path")
            && lines.get(2).startsWith("tried: libnvrtc.so.13 is not in "), lines.toString());
    }

    @Test
    void withACompilerThatIsIncomplete() throws IOException {
        FakeLibraries.nvrtc(root.resolve("usr/lib64"), 13, 0);
        Files.delete(root.resolve("usr/lib64/libnvrtc-builtins.so.13.0"));
        String reason = assertThrows(DeviceUnavailableException.class,
            () -> Libraries.findCompiler(surroundings())).getMessage().lines().findFirst().orElseThrow();
        assertTrue(reason.startsWith(root.resolve("usr/lib64/libnvrtc-builtins.so.13.0")
            + ": missing, but it belongs to a library beside it; pip install nvidia-cuda-nvrtc, "), reason);
    }

    @Test
    void aFailureIsTriedAgainWhenThePropertyChanges() {
        Path whole = FakeLibraries.toolkit(root.resolve("whole"), 12);
        FakeLibraries.driver(whole, 12_040);
        Path lacking = root.resolve("lacking");
        FakeLibraries.driver(lacking, 11_040);
        List<String> lines = LibrariesChild.run(Map.of(), List.of("-Dadjoint.cuda.libraries=" + lacking), "load",
            lacking.toString(), whole.toString(), "/nowhere");
        assertEquals(2, lines.stream().filter(line -> line.startsWith("unavailable: " + lacking)).count(),
            lines.toString());
        assertEquals(2, lines.stream().filter("cublasCreate gives 12000"::equals).count(), lines.toString());
    }

    // Bad ones

    @Test
    void withoutDriver() {
        FakeLibraries.toolkit(root.resolve("usr/lib64"), 12);
        environment.put("ADJOINT_CUDA_LIBRARIES", "/nowhere");
        assertEquals(List.of(
            "no NVIDIA driver was found (libcuda.so.1); install NVIDIA driver 525 or newer",
            "tried: libcuda.so.1 is not in /nowhere (ADJOINT_CUDA_LIBRARIES; no such folder), the loader's search "
                + "(LD_LIBRARY_PATH, /etc/ld.so.conf), " + root.resolve("usr/lib64") + " (system)"), failure());
    }

    @Test
    void withADriverThatIsTooOld() {
        Path driver = FakeLibraries.driver(root.resolve("usr/lib64"), 11_040);
        FakeLibraries.toolkit(root.resolve("usr/lib64"), 12);
        assertEquals(driver + ": this driver is too old: it serves CUDA up to 11.4, and 12.0 is needed; "
            + "install NVIDIA driver 525 or newer", failure().getFirst());
    }

    @Test
    void withoutCublas() {
        FakeLibraries.driver(root.resolve("usr/lib64"), 12_040);
        FakeLibraries.nvrtc(root.resolve("usr/lib64"), 12, 3);
        assertTrue(failure().getFirst().startsWith(
            "no cuBLAS was found (libcublas.so.12); pip install nvidia-cublas-cu12, or install CUDA 12 and set "),
            failure().getFirst());
        assertTrue(failure().contains("tried: libnvrtc.so.12 is " + root.resolve("usr/lib64/libnvrtc.so.12")
            + " (system), version 12.3"), failure().toString());
    }

    @Test
    void withoutNvrtc() {
        FakeLibraries.driver(root.resolve("usr/lib64"), 13_000);
        FakeLibraries.cublas(root.resolve("usr/lib64"), 13, 0);
        assertTrue(failure().getFirst().startsWith(
            "no NVRTC was found (libnvrtc.so.13); pip install nvidia-cuda-nvrtc, "), failure().getFirst());
    }

    @Test
    void withoutBoth() {
        FakeLibraries.driver(root.resolve("usr/lib64"), 12_040);
        environment.put("CUDA_HOME", "/nowhere");
        assertTrue(failure().getFirst().startsWith("no cuBLAS was found (libcublas.so.12); "
            + "no NVRTC was found (libnvrtc.so.12); " + PIP_12), failure().getFirst());
        assertTrue(failure().get(2).contains("/nowhere/lib64 (CUDA_HOME; no such folder)"), failure().get(2));
    }

    @Test
    void withCudaThirteenAndADriverForTwelve() {
        FakeLibraries.driver(root.resolve("usr/lib64"), 12_080);
        Path toolkit = FakeLibraries.toolkit(root.resolve("usr/local/cuda/lib64"), 13);
        assertTrue(failure().getFirst().startsWith(toolkit.resolve("libcublas.so.13")
            + " is of CUDA 13, but the driver serves CUDA up to 12.8; install NVIDIA driver 580 or newer, or "
            + PIP_12), failure().getFirst());
    }

    @Test
    void withALibraryOfAnotherArchitecture() throws IOException {
        FakeLibraries.driver(root.resolve("usr/lib64"), 12_040);
        Path toolkit = FakeLibraries.toolkit(root.resolve("usr/lib64"), 12);
        overwrite(toolkit.resolve("libcublas.so.12"), 18, 183);
        assertTrue(failure().getFirst().startsWith(toolkit.resolve("libcublas.so.12")
            + ": it is a library for AArch64; this machine is x86-64; pip install nvidia-cublas-cu12"),
            failure().getFirst());
    }

    @Test
    void withALibraryThatIsCutShort() throws IOException {
        Path driver = FakeLibraries.driver(root.resolve("usr/lib64"), 12_040);
        Files.write(driver, Arrays.copyOf(Files.readAllBytes(driver), 5000));
        assertTrue(failure().getFirst().startsWith(driver + ": the file is cut short: 5000 bytes of at least "),
            failure().getFirst());
    }

    @Test
    void onAnotherMachine() {
        assertEquals(List.of("unavailable: CUDA is supported on Linux x86-64 only, for now; this is Linux aarch64"),
            LibrariesChild.run(Map.of(), List.of("-Dos.arch=aarch64"), "load"));
    }

    @Test
    void whereNativeAccessIsDenied() {
        FakeLibraries.driver(root.resolve("driver"), 12_040);
        assertEquals(
            List.of("unavailable: this JVM calls no native code; start it with --enable-native-access=ALL-UNNAMED"),
            LibrariesChild.run(Map.of(), List.of("--illegal-native-access=deny",
                "-Dadjoint.cuda.libraries=" + root.resolve("driver")), "load")
                .stream().filter(line -> line.startsWith("unavailable")).toList());
    }

    @Test
    void whereTheTemporaryFolderTakesNoFiles() {
        Path all = FakeLibraries.toolkit(root.resolve("all"), 12);
        FakeLibraries.driver(all, 12_040);
        List<String> lines = LibrariesChild.run(Map.of("XDG_RUNTIME_DIR", "/nowhere"),
            List.of("-Djava.io.tmpdir=/proc", "-Dadjoint.cuda.libraries=" + all), "load");
        assertTrue(lines.contains("cublasCreate gives 12000"), lines.toString());
    }

    private List<String> failure() {
        return assertThrows(DeviceUnavailableException.class, () -> Libraries.find(surroundings(), null))
            .getMessage().lines().toList();
    }

    private Surroundings surroundings() {
        return new Surroundings(null, environment::get, LibrarySearchTest.noJars(), root);
    }

    private static void overwrite(Path file, int at, int value) throws IOException {
        byte[] content = Files.readAllBytes(file);
        content[at] = (byte) value;
        Files.write(file, content);
    }

    private static List<Path> children(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }
}

package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The order of the search, and that what belongs together comes from one folder. */
class LibrarySearchTest {
    @TempDir
    private Path root;

    private final Map<String, String> environment = new HashMap<>();
    private Path cublas;

    @BeforeEach
    void make() {
        cublas = root.resolve("made");
        FakeLibraries.cublas(cublas, 12, 0);
    }

    @Test
    void cublasIsSoughtInTheOrderOfTheDesign() throws IOException {
        Path property = at("property");
        Path variable = at("variable");
        Path jar = jar(root.resolve("redistributable.jar"), cublas);
        Path cudaHome = at("home/lib64");
        Path cudaPath = at("path/targets/x86_64-linux/lib");
        Path virtual = at("virtual/lib/python3.12/site-packages/nvidia/cublas/lib");
        Path conda = at("conda/lib");
        Path python = at("python/lib/python3/dist-packages/nvidia/cublas/lib");
        Path user = at("me/.local/lib/python3.11/site-packages/nvidia/cublas/lib");
        Path link = at("usr/local/cuda/lib64");
        Path newest = at("usr/local/cuda-12.9/lib64");
        Path older = at("usr/local/cuda-12.4/lib64");
        Path system = at("usr/lib/x86_64-linux-gnu");
        Files.createDirectories(root.resolve("python/bin"));
        Files.setPosixFilePermissions(Files.createFile(root.resolve("python/bin/python3")),
            PosixFilePermissions.fromString("rwx------"));
        environment.put("ADJOINT_CUDA_LIBRARIES", variable.toString());
        environment.put("CUDA_HOME", root.resolve("home").toString());
        environment.put("CUDA_PATH", root.resolve("path").toString());
        environment.put("VIRTUAL_ENV", root.resolve("virtual").toString());
        environment.put("CONDA_PREFIX", root.resolve("conda").toString());
        environment.put("PATH", "/nowhere::" + root.resolve("python/bin"));
        environment.put("HOME", root.resolve("me").toString());
        environment.put("XDG_CACHE_HOME", root.resolve("cache").toString());

        expect(property, "property", property + ":/nowhere");
        expect(property, "property", "/nowhere:" + property);
        expect(variable, "ADJOINT_CUDA_LIBRARIES", null);
        environment.remove("ADJOINT_CUDA_LIBRARIES");
        try (URLClassLoader jars = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
            Path unpacked = load(null, jars).orElseThrow();
            assertTrue(unpacked.startsWith(root.resolve("cache/adjoint/libraries")), unpacked.toString());
        }
        for (Path folder : List.of(cudaHome, cudaPath, virtual, conda, python, user, link, newest, older, system)) {
            expect(folder, folder.toString(), null);
            FakeLibraries.delete(folder);
        }
        assertEquals(Optional.empty(), load(null, noJars()));
    }

    @Test
    void theLoaderIsAskedBeforeTheUsualFolders() throws IOException {
        Path loader = at("loader");
        FakeLibraries.driver(at("usr/lib64"), 12_040);
        FakeLibraries.nvrtc(root.resolve("usr/lib64"), 12, 3);
        List<String> lines = LibrariesChild.run(Map.of("LD_LIBRARY_PATH", loader.toString()), List.of(),
            root.toString());
        assertEquals("cuBLAS 12.7.0: " + loader.resolve("libcublas.so.12") + " (found by the loader)", lines.get(1),
            () -> String.join("\n", lines));
    }

    @Test
    void cudaThirteenOfPipIsInOneFolder() {
        environment.put("VIRTUAL_ENV", root.resolve("virtual").toString());
        Path folder = root.resolve("virtual/lib/python3.13/site-packages/nvidia/cu13/lib");
        FakeLibraries.toolkit(folder, 13);
        LibrarySearch search = search(null, noJars());
        assertEquals(folder.resolve("libcublas.so.13"), path(search.cublas(13)));
        assertEquals(folder.resolve("libnvrtc.so.13"), path(search.nvrtc(13)));
        assertEquals(Optional.empty(), search.cublas(12));
    }

    @Test
    void cublasWithoutItsCublasLtIsPassedOver() throws IOException {
        Path whole = at("usr/local/cuda/lib64");
        Path lacking = at("lacking");
        Files.delete(lacking.resolve("libcublasLt.so.12"));
        LibrarySearch search = search(lacking.toString(), noJars());
        assertEquals(whole.resolve("libcublas.so.12"), path(search.cublas(12)));
        assertEquals(List.of(lacking.resolve("libcublasLt.so.12") + ": missing, but it belongs to a library beside it"),
            search.passedOver());
    }

    @Test
    void nvrtcNeedsTheBuiltinsOfItsVersion() throws IOException {
        Path whole = root.resolve("usr/local/cuda/lib64");
        Path lacking = root.resolve("lacking");
        FakeLibraries.nvrtc(whole, 12, 6);
        FakeLibraries.nvrtc(lacking, 12, 4);
        Files.delete(lacking.resolve("libnvrtc-builtins.so.12.4"));
        FakeLibraries.builtins(lacking, 12, 6);
        LibrarySearch search = search(lacking.toString(), noJars());
        LoadedLibrary nvrtc = search.nvrtc(12).orElseThrow();
        assertEquals("12.6", nvrtc.version());
        assertEquals(whole.resolve("libnvrtc.so.12"), nvrtc.library().path());
        assertEquals(whole.resolve("libnvrtc-builtins.so.12.6"), nvrtc.opened().getLast().path());
        nvrtc.close();
        assertEquals(List.of(lacking.resolve("libnvrtc-builtins.so.12.4")
            + ": missing, but it belongs to a library beside it"), search.passedOver());
    }

    @Test
    void aLibraryOfAnotherNameOrVersionIsPassedOver() throws IOException {
        Path renamed = root.resolve("renamed");
        FakeLibraries.cublas(renamed, 13, 0);
        Files.move(renamed.resolve("libcublas.so.13"), renamed.resolve("libcublas.so.12"));
        Files.move(renamed.resolve("libcublasLt.so.13"), renamed.resolve("libcublasLt.so.12"));
        Path other = root.resolve("other");
        FakeLibraries.cublasOfVersion(other, 12, "libcublas.so.11");
        Path dangling = root.resolve("dangling");
        Files.createSymbolicLink(Files.createDirectories(dangling).resolve("libcublas.so.12"), Path.of("nothing"));
        for (Map.Entry<Path, String> faulty : Map.of(
            renamed, renamed.resolve("libcublasLt.so.12")
                + ": it is another library, whose SONAME is libcublasLt.so.13",
            other, other.resolve("libcublas.so.12")
                + ": its functions lack the symbol version libcublas.so.12, which NVIDIA's have",
            dangling, dangling.resolve("libcublas.so.12") + ": the link leads to no file").entrySet()) {
            LibrarySearch search = search(faulty.getKey().toString(), noJars());
            assertEquals(Optional.empty(), search.cublas(12));
            assertEquals(List.of(faulty.getValue()), search.passedOver());
        }
    }

    @Test
    void jarsAreUnpackedOnceIntoAPrivateFolder() throws IOException, Unfit {
        Path jar = jar(root.resolve("redistributable.jar"), cublas);
        try (URLClassLoader jars = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
            Redistributables place = new Redistributables(jars, root.resolve("cache"));
            Path folder = place.folder("libcublas.so.12");
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)));
            assertEquals(-1, Files.mismatch(cublas.resolve("libcublasLt.so.12"), folder.resolve("libcublasLt.so.12")));
            Files.writeString(folder.resolve("libcublas.so.12"), "cut short");
            assertEquals(folder, place.folder("libcublas.so.12"));
            assertEquals(-1, Files.mismatch(cublas.resolve("libcublas.so.12"), folder.resolve("libcublas.so.12")));
            assertFalse(Files.list(folder).anyMatch(file -> file.toString().endsWith(".tmp")));
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
            LibrarySearch search = search(null, jars, root.resolve("cache"));
            assertEquals(Optional.empty(), search.cublas(12));
            assertTrue(search.passedOver().getFirst().contains("is not a folder that only its user can enter"),
                search.passedOver().toString());
        }
    }

    private Path at(String folder) {
        return FakeLibraries.copy(cublas, root.resolve(folder));
    }

    static Path jar(Path jar, Path folder) throws IOException {
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar)); var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                out.putNextEntry(new JarEntry("org/bytedeco/cuda/linux-x86_64/" + file.getFileName()));
                Files.copy(file, out);
            }
        }
        return jar;
    }

    private void expect(Path folder, String what, String property) {
        assertEquals(Optional.of(folder.resolve("libcublas.so.12")), load(property, noJars()), what);
    }

    /** The file that the loader loaded, which is unloaded again. */
    private Optional<Path> load(String property, ClassLoader jars) {
        LibrarySearch search = search(property, jars);
        Optional<LoadedLibrary> library = search.cublas(12);
        assertEquals(List.of(), search.passedOver().stream().filter(line -> !line.startsWith("/nowhere")).toList());
        library.ifPresent(it -> assertEquals(it.path().resolveSibling("libcublasLt.so.12"),
            it.opened().getLast().path()));
        return library.map(it -> path(Optional.of(it)));
    }

    private static Path path(Optional<LoadedLibrary> library) {
        Path path = library.orElseThrow().library().path();
        library.orElseThrow().close();
        return path;
    }

    private LibrarySearch search(String property, ClassLoader jars) {
        return new LibrarySearch(new Surroundings(property, environment::get, jars, root));
    }

    private LibrarySearch search(String property, ClassLoader jars, Path cache) {
        environment.put("XDG_CACHE_HOME", cache.toString());
        return search(property, jars);
    }

    static ClassLoader noJars() {
        return ClassLoader.getPlatformClassLoader();
    }
}

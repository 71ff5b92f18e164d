package org.adjoint.cuda.driver;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Finds and loads CUDA's libraries, and keeps account of what was tried and why it did not do.
 *
 * <p>Libraries that belong together come from one folder: cuBLAS with cublasLt, NVRTC with its builtins. Those that are
 * needed by others are loaded first, by their absolute path, so that the loader does not look for them elsewhere.
 */
final class LibrarySearch {
    private static final String BUILTINS = "libnvrtc-builtins.so.";

    private final UnaryOperator<String> environment;
    private final List<String> tried = new ArrayList<>();

    LibrarySearch(UnaryOperator<String> environment) {
        this.environment = environment;
    }

    /** What was tried so far, a line each. */
    List<String> tried() {
        return List.copyOf(tried);
    }

    /** The driver's library, {@code libcuda.so.1}. */
    Optional<LoadedLibrary> driver() {
        return first("libcuda.so.1", Places.ofDriver(environment), (folder, place) ->
            List.of(DynamicLoader.open(whole(folder, "libcuda.so.1"))));
    }

    /** cuBLAS of a major version of CUDA, after cublasLt, which it needs. */
    Optional<LoadedLibrary> cublas(int major) {
        String name = "libcublas.so." + major;
        String needed = "libcublasLt.so." + major;
        return first(name, Places.ofToolkit(major, environment), (folder, place) -> {
            Path cublas = whole(folder, name);
            Path cublasLt = whole(folder, needed);
            List<DynamicLoader.Library> opened = new ArrayList<>();
            try {
                opened.addFirst(DynamicLoader.open(cublasLt));
                opened.addFirst(DynamicLoader.open(cublas));
                return opened;
            } catch (Unfit e) {
                opened.forEach(DynamicLoader.Library::close);
                throw e;
            }
        });
    }

    /** NVRTC of a major version of CUDA, with the builtins of its very version, which it would look for by name. */
    Optional<LoadedLibrary> nvrtc(int major) {
        String name = "libnvrtc.so." + major;
        return first(name, Places.ofToolkit(major, environment), (folder, place) -> {
            List<DynamicLoader.Library> opened = new ArrayList<>();
            opened.add(DynamicLoader.open(whole(folder, name)));
            try {
                int[] version = opened.getFirst().integers("nvrtcVersion", 2);
                opened.add(DynamicLoader.open(whole(folder, BUILTINS + version[0] + "." + version[1])));
                return opened;
            } catch (Unfit e) {
                opened.forEach(DynamicLoader.Library::close);
                throw e;
            }
        });
    }

    /** What opens a library, and before or after it those that belong to it; the library itself comes first. */
    @FunctionalInterface
    private interface Opening {
        List<DynamicLoader.Library> open(Path folder, Place place) throws Unfit;
    }

    private Optional<LoadedLibrary> first(String name, List<Place> places, Opening opening) {
        List<String> absent = new ArrayList<>();
        for (Place place : places) {
            try {
                Path folder = place.folder(name);
                if (folder == null) {
                    absent.add(place.text());
                } else {
                    LoadedLibrary library = new LoadedLibrary(folder.resolve(name), place.text(), opening.open(folder, place));
                    return Optional.of(library);
                }
            } catch (Unfit e) {
                tried.add(e.getMessage());
            }
        }
        tried.add(name + " is not in " + String.join(", ", absent));
        return Optional.empty();
    }

    /** A file of this machine's architecture, not cut short, whose SONAME is its name. */
    private static Path whole(Path folder, String name) throws Unfit {
        Path file = folder.resolve(name);
        if (!Files.exists(file)) {
            throw new Unfit(file + ": it is missing beside the library that needs it");
        }
        try {
            String soname = ElfFile.soname(file);
            if (!soname.equals(name)) {
                throw new Unfit("its SONAME is " + soname);
            }
        } catch (Unfit e) {
            throw new Unfit(file + ": " + e.getMessage());
        }
        return file;
    }
}

package org.adjoint.cuda.driver;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds and loads CUDA's libraries, and keeps account of what was tried and why it did not do.
 *
 * <p>Libraries that belong together come from one folder: cuBLAS with cublasLt, NVRTC with its builtins. All are loaded
 * by absolute path, those that are needed by others first, so that the loader does not look for them elsewhere.
 */
final class LibrarySearch {
    static final String DRIVER = "libcuda.so.1";
    static final String CUBLAS = "libcublas.so.";
    static final String NVRTC = "libnvrtc.so.";
    private static final String CUBLAS_LT = "libcublasLt.so.";
    private static final String BUILTINS = "libnvrtc-builtins.so.";
    /** CUDA 12.0, which came with version 525 of NVIDIA's driver. */
    private static final int LEAST_DRIVER = 12_000;

    private final Surroundings surroundings;
    private final List<String> tried = new ArrayList<>();
    private final Map<String, String> faults = new LinkedHashMap<>();
    private final Set<String> usable = new HashSet<>();

    LibrarySearch(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /** What was tried so far, a line each. */
    List<String> tried() {
        return List.copyOf(tried);
    }

    /** What was found but could not be used, and folders that were named but do not exist, a line each. */
    List<String> passedOver() {
        return Stream.concat(Places.explicit(surroundings).stream().filter(folder -> !Files.isDirectory(folder.path()))
            .map(Place.Folder::text), faults.values().stream()).toList();
    }

    /** What is wrong with the first library of this name that was found, if none could be used. */
    Optional<String> fault(String name) {
        return Optional.ofNullable(faults.get(name)).filter(fault -> !isUsable(name));
    }

    /** Was a library of this name found that can be used? */
    boolean isUsable(String name) {
        return usable.contains(name);
    }

    /** The driver's library. */
    Optional<LoadedLibrary> driver() {
        return first(DRIVER, Places.ofDriver(surroundings), LibrarySearch::openDriver);
    }

    /** cuBLAS of a major version of CUDA. */
    Optional<LoadedLibrary> cublas(int major) {
        return first(CUBLAS + major, Places.ofToolkit(major, surroundings), (group, folder) ->
            openCublas(group, folder, major));
    }

    /** NVRTC of a major version of CUDA. */
    Optional<LoadedLibrary> nvrtc(int major) {
        return first(NVRTC + major, Places.ofToolkit(major, surroundings), (group, folder) ->
            openNvrtc(group, folder, major));
    }

    /** A file of cuBLAS or NVRTC in a folder where it would be found; nothing is loaded. */
    Optional<Path> glimpse(int major) {
        return Places.ofToolkit(major, surroundings).stream().filter(Place.Folder.class::isInstance)
            .map(place -> ((Place.Folder) place).path())
            .flatMap(folder -> Stream.of(CUBLAS, NVRTC).map(name -> folder.resolve(name + major)))
            .filter(Files::exists).findFirst();
    }

    /** Opens a library and those that belong to it from one folder, and returns its version. */
    @FunctionalInterface
    private interface Opening {
        String open(Group group, Path folder) throws Unfit;
    }

    /** Libraries opened for one another, the latest first. */
    private static final class Group {
        private final Deque<DynamicLoader.Library> opened = new ArrayDeque<>();

        DynamicLoader.Library open(Path folder, String name) throws Unfit {
            DynamicLoader.Library library = DynamicLoader.open(whole(folder, name));
            opened.addFirst(library);
            return library;
        }
    }

    private Optional<LoadedLibrary> first(String name, List<Place> places, Opening opening) {
        List<String> absent = new ArrayList<>();
        for (Place place : places) {
            try {
                Path folder = place.folder(name);
                if (folder == null) {
                    absent.add(place.text());
                    continue;
                }
                LoadedLibrary library = load(name, place, folder, opening);
                tried.add(name + " is " + library.origin() + ", version " + library.version());
                usable.add(name);
                return Optional.of(library);
            } catch (Unfit e) {
                tried.add(e.getMessage());
                faults.putIfAbsent(name, e.getMessage());
            }
        }
        tried.add(name + " is not in " + String.join(", ", absent));
        return Optional.empty();
    }

    private static LoadedLibrary load(String name, Place place, Path folder, Opening opening) throws Unfit {
        Path file = folder.resolve(name);
        Group group = new Group();
        try {
            String version = opening.open(group, folder);
            return new LoadedLibrary(file, place.why(), version, List.copyOf(group.opened));
        } catch (Unfit e) {
            group.opened.forEach(DynamicLoader.Library::close);
            boolean namesFile = e.getMessage().startsWith("/");
            throw namesFile ? e : new Unfit(file + ": " + e.getMessage());
        }
    }

    private static String openDriver(Group group, Path folder) throws Unfit {
        int cuda = group.open(folder, DRIVER).integers("cuDriverGetVersion", 1)[0];
        if (cuda < LEAST_DRIVER) {
            throw new Unfit("this driver is too old: it serves CUDA up to " + version(cuda) + ", and 12.0 is needed");
        }
        return version(cuda);
    }

    private static String openCublas(Group group, Path folder, int major) throws Unfit {
        group.open(folder, CUBLAS_LT + major);
        DynamicLoader.Library cublas = group.open(folder, CUBLAS + major);
        cublas.requireVersioned("cublasCreate_v2", CUBLAS + major);
        return cublas.property("cublasGetProperty", 0) + "." + cublas.property("cublasGetProperty", 1) + "."
            + cublas.property("cublasGetProperty", 2);
    }

    /** NVRTC looks for its builtins by name at the first compilation; loaded already, they are found. */
    private static String openNvrtc(Group group, Path folder, int major) throws Unfit {
        DynamicLoader.Library nvrtc = group.open(folder, NVRTC + major);
        nvrtc.requireVersioned("nvrtcCompileProgram", NVRTC + major);
        int[] version = nvrtc.integers("nvrtcVersion", 2);
        group.open(folder, BUILTINS + version[0] + "." + version[1]);
        group.opened.addLast(group.opened.removeFirst());
        return version[0] + "." + version[1];
    }

    static String version(int cuda) {
        return cuda / 1000 + "." + cuda % 1000 / 10;
    }

    /** A file of this machine's architecture, not cut short, whose SONAME is its name. */
    private static Path whole(Path folder, String name) throws Unfit {
        Path file = folder.resolve(name);
        if (!Files.exists(file)) {
            throw new Unfit(file + ": missing, but it belongs to a library beside it");
        }
        String soname;
        try {
            soname = ElfFile.soname(file);
        } catch (Unfit e) {
            throw new Unfit(file + ": " + e.getMessage());
        }
        if (!soname.equals(name)) {
            throw new Unfit(file + ": it is another library, whose SONAME is " + soname);
        }
        return file;
    }
}

package org.adjoint.cuda.driver;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where libraries are looked for, in order: folders named explicitly; jars on the class path; CUDA_HOME and CUDA_PATH;
 * the active Python environment; the loader by name; the usual folders of the system. Folders that do not exist are
 * left out, unless somebody named them.
 */
final class Places {
    /** The system property with folders, separated as in a class path; it comes before the environment variable. */
    static final String PROPERTY = "adjoint.cuda.libraries";
    static final String VARIABLE = "ADJOINT_CUDA_LIBRARIES";
    private static final String SYSTEM = "system";

    private final Surroundings surroundings;
    private final List<Place> places = new ArrayList<>();

    private Places(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /** For libcuda.so.1, which the driver's package installs and no toolkit holds. */
    static List<Place> ofDriver(Surroundings surroundings) {
        Places result = new Places(surroundings);
        result.places.addAll(explicit(surroundings));
        result.places.add(new Place.Loader(surroundings.root()));
        result.addSystem("usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib/wsl/lib", "usr/local/nvidia/lib64",
            "usr/lib/x86_64-linux-gnu/nvidia/current", "run/opengl-driver/lib", ".singularity.d/libs");
        return List.copyOf(result.places);
    }

    /** For cuBLAS and NVRTC of one major version of CUDA. */
    static List<Place> ofToolkit(int major, Surroundings surroundings) {
        Places result = new Places(surroundings);
        result.places.addAll(explicit(surroundings));
        result.places.add(Redistributables.of(surroundings));
        for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
            String home = surroundings.variable(variable);
            if (home != null) {
                result.addNamed(Path.of(home), variable);
            }
        }
        for (PythonEnvironment python : PythonEnvironment.active(surroundings)) {
            python.libraryFolders(major).forEach(folder -> result.addExisting(folder, python.why()));
        }
        result.places.add(new Place.Loader(surroundings.root()));
        Path local = surroundings.root().resolve("usr/local");
        List<Path> toolkits = new ArrayList<>(List.of(local.resolve("cuda")));
        toolkits.addAll(children(local, "cuda-" + major + "*").reversed());
        toolkits.add(surroundings.root().resolve("opt/cuda"));
        toolkits.forEach(home -> foldersOf(home).forEach(folder -> result.addExisting(folder, SYSTEM)));
        result.addSystem("usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/local/nvidia/lib64");
        return List.copyOf(result.places);
    }

    /** The folders named by the property or, without it, by the environment variable. */
    static List<Place.Folder> explicit(Surroundings surroundings) {
        String property = surroundings.libraries();
        String value = property != null ? property : surroundings.variable(VARIABLE);
        List<Place.Folder> folders = new ArrayList<>();
        for (String folder : value == null ? new String[0] : value.split(File.pathSeparator)) {
            if (!folder.isBlank()) {
                folders.add(new Place.Folder(Path.of(folder.strip()).toAbsolutePath().normalize(),
                    property != null ? PROPERTY : VARIABLE));
            }
        }
        return folders;
    }

    /** Major versions of CUDA, as they are looked for: 12 first, unless a folder named explicitly holds 13 alone. */
    static List<Integer> majors(Surroundings surroundings) {
        boolean thirteenAlone = explicitlyHolds(13, surroundings) && !explicitlyHolds(12, surroundings);
        return thirteenAlone ? List.of(13, 12) : List.of(12, 13);
    }

    private static boolean explicitlyHolds(int major, Surroundings surroundings) {
        return explicit(surroundings).stream().map(Place.Folder::path)
            .anyMatch(folder -> Files.exists(folder.resolve(LibrarySearch.CUBLAS + major))
                || Files.exists(folder.resolve(LibrarySearch.NVRTC + major)));
    }

    /** The folder of a toolkit that somebody named is shown as tried even where it does not exist. */
    private void addNamed(Path home, String why) {
        List<Path> folders = foldersOf(home).filter(Files::isDirectory).toList();
        for (Path folder : folders.isEmpty() ? List.of(home.resolve("lib64")) : folders) {
            places.add(new Place.Folder(folder.toAbsolutePath().normalize(), why));
        }
    }

    private static Stream<Path> foldersOf(Path toolkit) {
        return Stream.of("lib64", "targets/x86_64-linux/lib", "lib").map(toolkit::resolve);
    }

    private void addSystem(String... folders) {
        for (String folder : folders) {
            addExisting(surroundings.root().resolve(folder), SYSTEM);
        }
    }

    private void addExisting(Path folder, String why) {
        if (Files.isDirectory(folder) && places.stream().noneMatch(place -> isSame(place, folder))) {
            places.add(new Place.Folder(folder, why));
        }
    }

    private static boolean isSame(Place place, Path folder) {
        try {
            return place instanceof Place.Folder other && Files.isSameFile(other.path(), folder);
        } catch (IOException e) {
            return false;
        }
    }

    /** The entries of a folder whose names match a glob, by name; none if it can't be read. */
    static List<Path> children(Path folder, String glob) {
        List<Path> children = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
            entries.forEach(children::add);
        } catch (IOException e) {
            return List.of();
        }
        children.sort(Comparator.naturalOrder());
        return children;
    }
}

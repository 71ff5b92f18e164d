package org.adjoint.cuda.driver;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Where libraries are looked for, in order: folders named explicitly; jars on the class path; CUDA_HOME and
 * CUDA_PATH; the active Python environment; the loader by name; the usual folders of the system. Folders that do not
 * exist are left out, unless somebody named them.
 */
final class Places {
    /** The system property with folders, separated as in a class path; it comes before the environment variable. */
    static final String PROPERTY = "adjoint.cuda.libraries";
    static final String VARIABLE = "ADJOINT_CUDA_LIBRARIES";

    private final UnaryOperator<String> environment;
    private final List<Place> places = new ArrayList<>();

    private Places(UnaryOperator<String> environment) {
        this.environment = environment;
    }

    /** For libcuda.so.1, which the driver's package installs and no toolkit holds. */
    static List<Place> ofDriver(UnaryOperator<String> environment) {
        Places result = new Places(environment);
        result.addExplicit();
        result.places.add(new Place.Loader());
        for (String folder : List.of("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib/wsl/lib",
            "/usr/local/nvidia/lib64", "/usr/lib/x86_64-linux-gnu/nvidia/current", "/run/opengl-driver/lib",
            "/.singularity.d/libs")) {
            result.addExisting(Path.of(folder), "system");
        }
        return List.copyOf(result.places);
    }

    /** For cuBLAS and NVRTC of one major version of CUDA. */
    static List<Place> ofToolkit(int major, UnaryOperator<String> environment) {
        Places result = new Places(environment);
        result.addExplicit();
        result.places.add(Redistributables.onClassPath(environment));
        for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
            String home = environment.apply(variable);
            if (home != null && !home.isBlank()) {
                result.addToolkit(Path.of(home), variable);
            }
        }
        for (PythonEnvironment python : PythonEnvironment.active(environment)) {
            python.libraryFolders(major).forEach(folder -> result.addExisting(folder, python.why()));
        }
        result.places.add(new Place.Loader());
        result.addSystem(major);
        return List.copyOf(result.places);
    }

    /** The folders named by the property or, without it, by the environment variable. */
    static List<Place.Folder> explicit(UnaryOperator<String> environment) {
        String property = System.getProperty(PROPERTY);
        String why = property != null ? PROPERTY : VARIABLE;
        String value = property != null ? property : environment.apply(VARIABLE);
        List<Place.Folder> folders = new ArrayList<>();
        for (String folder : value == null ? new String[0] : value.split(File.pathSeparator)) {
            if (!folder.isBlank()) {
                folders.add(new Place.Folder(Path.of(folder.strip()).toAbsolutePath().normalize(), why));
            }
        }
        return folders;
    }

    /** Major versions of CUDA, in the order to look for them: 12 first, unless a folder named explicitly holds 13 alone. */
    static List<Integer> majors(UnaryOperator<String> environment) {
        return explicitlyHolds(13, environment) && !explicitlyHolds(12, environment) ? List.of(13, 12) : List.of(12, 13);
    }

    private static boolean explicitlyHolds(int major, UnaryOperator<String> environment) {
        return explicit(environment).stream().map(Place.Folder::path).anyMatch(folder ->
            Files.exists(folder.resolve("libcublas.so." + major)) || Files.exists(folder.resolve("libnvrtc.so." + major)));
    }

    private void addExplicit() {
        places.addAll(explicit(environment));
    }

    /** Named by somebody: shown as tried even where it does not exist. */
    private void addToolkit(Path home, String why) {
        List<Path> folders = toolkitFolders(home).filter(Files::isDirectory).toList();
        for (Path folder : folders.isEmpty() ? List.of(home.resolve("lib64")) : folders) {
            places.add(new Place.Folder(folder.toAbsolutePath().normalize(), why));
        }
    }

    private static Stream<Path> toolkitFolders(Path home) {
        return Stream.of("lib64", "targets/x86_64-linux/lib", "lib").map(home::resolve);
    }

    private void addSystem(int major) {
        List<Path> homes = new ArrayList<>();
        homes.add(Path.of("/usr/local/cuda"));
        homes.addAll(children(Path.of("/usr/local"), "cuda-" + major + "*").reversed());
        homes.add(Path.of("/opt/cuda"));
        homes.forEach(home -> toolkitFolders(home).forEach(folder -> addExisting(folder, "system")));
        for (String folder : List.of("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/nvidia/lib64")) {
            addExisting(Path.of(folder), "system");
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

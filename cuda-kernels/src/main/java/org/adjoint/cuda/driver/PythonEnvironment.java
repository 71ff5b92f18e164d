package org.adjoint.cuda.driver;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A Python installation whose packages may hold CUDA's libraries: {@code pip install nvidia-cublas-cu12} puts them into
 * {@code site-packages/nvidia/cublas/lib}, CUDA 13's into {@code site-packages/nvidia/cu13/lib}, and conda into
 * {@code lib}. Python itself is not started.
 *
 * @param prefix the folder that holds {@code lib/python3.12}
 * @param why what led to it
 */
record PythonEnvironment(Path prefix, String why) {

    /** Those of VIRTUAL_ENV, of CONDA_PREFIX and of the {@code python3} on the PATH, in this order. */
    static List<PythonEnvironment> active(Surroundings surroundings) {
        List<PythonEnvironment> found = new ArrayList<>();
        for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
            String prefix = surroundings.variable(variable);
            if (prefix != null) {
                found.add(new PythonEnvironment(Path.of(prefix).toAbsolutePath().normalize(), variable));
            }
        }
        for (Path prefix : prefixesOnPath(surroundings)) {
            found.add(new PythonEnvironment(prefix, "python3 on the PATH"));
        }
        return found;
    }

    /** Folders of libraries of this major version of CUDA, in its packages. */
    List<Path> libraryFolders(int major) {
        List<Path> folders = new ArrayList<>();
        folders.add(prefix.resolve("lib"));
        for (Path packages : packages()) {
            folders.add(packages.resolve("nvidia/cu" + major + "/lib"));
            for (Path vendor : Places.children(packages.resolve("nvidia"), "*")) {
                folders.add(vendor.resolve("lib"));
            }
        }
        return folders.stream().filter(Files::isDirectory).toList();
    }

    private List<Path> packages() {
        List<Path> folders = new ArrayList<>();
        for (Path root : List.of(prefix, prefix.resolve("local"))) {
            for (Path python : Places.children(root.resolve("lib"), "python3*").reversed()) {
                folders.add(python.resolve("site-packages"));
                folders.add(python.resolve("dist-packages"));
            }
        }
        return folders;
    }

    private static Set<Path> prefixesOnPath(Surroundings surroundings) {
        Set<Path> prefixes = new LinkedHashSet<>();
        String path = surroundings.variable("PATH");
        for (String folder : path == null ? new String[0] : path.split(File.pathSeparator)) {
            Path python = Path.of(folder, "python3");
            if (!folder.isBlank() && Files.isExecutable(python)) {
                addPrefixes(python, surroundings, prefixes);
                break;
            }
        }
        return prefixes;
    }

    /** A virtual environment's python3 is a link: its own packages come before those of the Python it leads to. */
    private static void addPrefixes(Path python, Surroundings surroundings, Set<Path> prefixes) {
        Path bin = python.toAbsolutePath().normalize().getParent();
        if (bin.endsWith("shims")) {
            addPyenv(bin.getParent(), surroundings, prefixes);
            return;
        }
        prefixes.add(bin.getParent());
        try {
            prefixes.add(python.toRealPath().getParent().getParent());
        } catch (IOException e) {
            return;
        }
        String home = surroundings.variable("HOME");
        if (home != null) {
            prefixes.add(Path.of(home, ".local"));
        }
    }

    /** pyenv puts a script in place of python3; which Python it starts, PYENV_VERSION or a file says. */
    private static void addPyenv(Path root, Surroundings surroundings, Set<Path> prefixes) {
        String version = surroundings.variable("PYENV_VERSION");
        try {
            if (version == null) {
                version = Files.readString(root.resolve("version")).strip();
            }
        } catch (IOException e) {
            return;
        }
        prefixes.add(root.resolve("versions").resolve(version.lines().findFirst().orElse("")));
    }
}

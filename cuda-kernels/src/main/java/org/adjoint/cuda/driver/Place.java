package org.adjoint.cuda.driver;

import java.nio.file.Files;
import java.nio.file.Path;

/** Somewhere that a library may be. */
sealed interface Place permits Place.Folder, Place.Loader, Redistributables {
    /**
     * The folder in which to take the library and what belongs to it.
     *
     * @param name its file name, which is its SONAME
     * @return null if the library is not in this place
     * @throws Unfit if it is here but can't be had
     */
    Path folder(String name) throws Unfit;

    /** What led to it, as a line on a loaded library says. */
    String why();

    /** As a list of places tried names it. */
    String text();

    /**
     * A folder.
     *
     * @param why what led to it, such as {@code CUDA_HOME}
     */
    record Folder(Path path, String why) implements Place {
        @Override
        public Path folder(String name) throws Unfit {
            Path file = path.resolve(name);
            if (Files.isSymbolicLink(file) && !Files.exists(file)) {
                throw new Unfit(file + ": the link leads to no file");
            }
            return Files.exists(file) ? path : null;
        }

        @Override
        public String text() {
            return path + " (" + why + (Files.isDirectory(path) ? ")" : "; no such folder)");
        }
    }

    /** Wherever the system's loader finds it by its name: LD_LIBRARY_PATH, the loader's cache and its own folders. */
    record Loader() implements Place {
        @Override
        public Path folder(String name) throws Unfit {
            try {
                return DynamicLoader.locate(name).getParent();
            } catch (Unfit e) {
                if (e.getMessage().startsWith(name + ": cannot open shared object file")) {
                    return null;
                }
                throw new Unfit(name + ", by name: " + e.getMessage());
            }
        }

        @Override
        public String why() {
            return "found by the loader";
        }

        @Override
        public String text() {
            return "the loader's search (LD_LIBRARY_PATH, /etc/ld.so.conf)";
        }
    }
}

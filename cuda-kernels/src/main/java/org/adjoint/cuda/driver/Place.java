package org.adjoint.cuda.driver;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

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

    /**
     * Wherever the system's loader finds it by its name: LD_LIBRARY_PATH, the loader's cache and its own folders.
     *
     * @param root what lies elsewhere counts as absent
     */
    record Loader(Path root) implements Place {
        private static final Path CACHE = Path.of("/etc/ld.so.cache");
        private static final Path MAPPED = Path.of("/proc/self/maps");

        @Override
        public Path folder(String name) throws Unfit {
            if (!mayBeKnown(name)) {
                return null;
            }
            try {
                Path file = DynamicLoader.locate(name);
                return file.startsWith(root) ? file.getParent() : null;
            } catch (Unfit e) {
                if (isAbsent(name, e)) {
                    return null;
                }
                throw new Unfit(name + ", as the loader finds it: " + e.getMessage());
            }
        }

        /**
         * Certainly unknown is what neither the loader's cache, nor LD_LIBRARY_PATH, nor this process has heard of; its
         * own folders are among the system's, searched next. To know spares a machine without a card the first call of
         * native code, 0.2 s.
         */
        private static boolean mayBeKnown(String name) {
            String stem = name.substring(0, name.indexOf(".so") + 3);
            String folders = System.getenv("LD_LIBRARY_PATH");
            try {
                return Files.readString(CACHE, StandardCharsets.ISO_8859_1).contains(name)
                    || Files.readString(MAPPED, StandardCharsets.ISO_8859_1).contains(stem)
                    || Stream.of(folders == null ? new String[0] : folders.split("[:;]"))
                        .anyMatch(folder -> Files.exists(Path.of(folder, name)));
            } catch (IOException e) {
                return true;
            }
        }

        /** The loader's words, in whatever language, begin with the name if it found no file, else with a path. */
        private static boolean isAbsent(String name, Unfit reason) {
            return reason.getMessage().startsWith(name + ":");
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

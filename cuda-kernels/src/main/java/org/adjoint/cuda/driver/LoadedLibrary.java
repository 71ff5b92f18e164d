package org.adjoint.cuda.driver;

import java.nio.file.Path;
import java.util.List;

/**
 * A library of CUDA in memory.
 *
 * @param path the file it was loaded from
 * @param why what led there
 * @param version such as {@code 12.6.4}
 * @param opened the library, then those that were loaded with it
 */
record LoadedLibrary(Path path, String why, String version, List<DynamicLoader.Library> opened) {

    DynamicLoader.Library library() {
        return opened.getFirst();
    }

    /** The part of the version before the first point. */
    int major() {
        return Integer.parseInt(version.substring(0, version.indexOf('.')));
    }

    /** Takes the loading back. */
    void close() {
        opened.forEach(DynamicLoader.Library::close);
    }

    /** The file and what led to it. */
    String origin() {
        return path + " (" + why + ")";
    }
}

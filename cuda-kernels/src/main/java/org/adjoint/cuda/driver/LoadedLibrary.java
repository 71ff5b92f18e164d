package org.adjoint.cuda.driver;

import java.nio.file.Path;
import java.util.List;

/**
 * A library of CUDA in memory.
 *
 * @param path the file it was loaded from
 * @param place what led there
 * @param opened the library, then those that were loaded for it
 */
record LoadedLibrary(Path path, String place, List<DynamicLoader.Library> opened) {

    DynamicLoader.Library library() {
        return opened.getFirst();
    }

    /** Takes back the loading, where a search goes on without it. */
    void close() {
        opened.forEach(DynamicLoader.Library::close);
    }
}

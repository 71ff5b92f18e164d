package org.adjoint.cuda.driver;

import java.nio.file.Path;

/** CUDA's compiler, loaded: {@link Libraries#loadCompiler} gives it, on machines without a card too. */
public final class Nvrtc {
    private final LoadedLibrary library;

    Nvrtc(LoadedLibrary library) {
        this.library = library;
    }

    /** Such as {@code "12.6"}. */
    public String version() {
        return library.version();
    }

    /** The file that it was loaded from. */
    public Path path() {
        return library.path();
    }

    /** The file that it was loaded from, and what led there. */
    public String origin() {
        return library.origin();
    }

    int major() {
        return library.major();
    }
}

package org.adjoint.io;

import java.io.IOException;
import java.nio.file.Path;

/** A file that is there but does not hold what it should. The message names the file and what is wrong with it. */
public final class InvalidFileException extends IOException {
    public InvalidFileException(Path file, String reason) {
        super(file + ": " + reason);
    }

    public InvalidFileException(Path file, String reason, Throwable cause) {
        super(file + ": " + reason, cause);
    }
}

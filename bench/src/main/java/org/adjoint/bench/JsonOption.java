package org.adjoint.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine.Option;

/** {@code --json FILE}: the results of a command, for programs. */
public final class JsonOption {
    @Option(names = "--json", paramLabel = "FILE", description = "Write the results as JSON to FILE.")
    private Path file;

    /** Call before long work. @throws IOException if the file could not be written afterwards */
    public void requireWritable() throws IOException {
        if (file != null) {
            AtomicFile.requireWritable(file);
        }
    }

    /** Writes the results if they were asked for; the file is replaced as a whole. See {@link Json} for the values. */
    public void write(Map<String, ?> results) throws IOException {
        if (file != null) {
            Json.write(file, results);
        }
    }
}

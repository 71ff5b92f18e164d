package org.adjoint.bench.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import org.adjoint.bench.AtomicFile;

/**
 * What a training leaves behind: {@code config.json}, {@code checkpoint.safetensors}, {@code metrics.csv},
 * {@code loss.png}.
 */
record RunFolder(Path path) {
    private static final String CONFIGURATION = "config.json";
    private static final String METRICS = "metrics.csv";
    private static final DateTimeFormatter NAME = DateTimeFormatter.ofPattern("yyyy-MM-dd-HHmmss");

    /**
     * A folder for a new run, made now: {@code out}, or {@code runs/<date-time>} with an addition that tells its kind.
     *
     * @throws IOException if it can't be written, or holds a run already
     */
    static RunFolder create(Path out, String kind) throws IOException {
        if (out != null) {
            if (isOne(out)) {
                throw new IOException("the folder '" + out + "' holds a run already: name another one, or continue "
                        + "that with --resume " + out);
            }
            AtomicFile.requireWritableFolder(out);
            return new RunFolder(out);
        }
        String name = LocalDateTime.now().format(NAME) + kind;
        Path folder = Path.of("runs", name);
        for (int i = 2; Files.exists(folder); i++) {
            folder = Path.of("runs", name + "-" + i);
        }
        AtomicFile.requireWritableFolder(folder);
        return new RunFolder(folder);
    }

    /** The folder of a run; one of its files will do as well. */
    static RunFolder existing(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString());
        }
        Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
        RunFolder run = new RunFolder(folder);
        if (!Files.exists(run.configuration()) || !Files.exists(run.checkpoint())) {
            Path missing = Files.exists(run.configuration()) ? run.checkpoint() : run.configuration();
            throw new IOException("'" + path + "' is not the folder of a training run: it lacks "
                    + missing.getFileName());
        }
        return run;
    }

    /** Whether a folder belongs to a run, finished or not. */
    private static boolean isOne(Path folder) {
        return Files.exists(folder.resolve(CONFIGURATION)) && Files.exists(folder.resolve(METRICS));
    }

    Path configuration() {
        return path.resolve(CONFIGURATION);
    }

    Path checkpoint() {
        return path.resolve("checkpoint.safetensors");
    }

    Path metrics() {
        return path.resolve(METRICS);
    }

    Path lossChart() {
        return path.resolve("loss.png");
    }
}

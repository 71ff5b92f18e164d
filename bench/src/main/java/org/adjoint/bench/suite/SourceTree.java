package org.adjoint.bench.suite;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The clone of the repository that this program was built from. */
final class SourceTree {
    private static final Path PEERS = Path.of("bench", "peers", "pom.xml");

    private SourceTree() { }

    /** Its root: the launcher says where it is; else this program lies somewhere in it, or there is none. */
    static Optional<Path> root() {
        String home = System.getProperty("adjoint.home");
        if (home != null) {
            return Optional.of(Path.of(home));
        }
        try {
            Path folder = Path.of(SourceTree.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            while (folder != null && !Files.exists(folder.resolve(PEERS))) {
                folder = folder.getParent();
            }
            return Optional.ofNullable(folder);
        } catch (URISyntaxException e) {
            return Optional.empty();
        }
    }

    /** A folder for logs, made if it is missing: in the build output, or a temporary one. */
    static Path logs() throws IOException {
        Optional<Path> root = root();
        return root.isPresent() ? Files.createDirectories(root.get().resolve(Path.of("target", "bench")))
            : Files.createTempDirectory("adjoint-bench");
    }
}

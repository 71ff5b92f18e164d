package org.adjoint.cuda.driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A folder of this process alone, for libraries on their way from a jar into memory. Nobody else can write to it or
 * exchange it, and closing deletes it: the system keeps what is loaded.
 */
final class NativeFolder implements AutoCloseable {
    private static final int WRITABLE_BY_OTHERS = 0022;
    private static final int STICKY = 01000;

    private final Path path;
    private final List<Path> files = new ArrayList<>();

    private NativeFolder(Path path) {
        this.path = path;
    }

    /** No such folder can be made in a place; another place may do. */
    static final class Unusable extends Exception {
        private static final long serialVersionUID = 1L;

        Unusable(String reason) {
            super(reason);
        }
    }

    /** Where such a folder may be made, best first: private to the user, or for all but safe from exchange. */
    static List<Path> parents() {
        Set<Path> parents = new LinkedHashSet<>();
        String runtime = System.getenv("XDG_RUNTIME_DIR");
        if (runtime != null && !runtime.isBlank()) {
            parents.add(Path.of(runtime));
        }
        parents.add(Path.of(System.getProperty("java.io.tmpdir")));
        parents.add(Path.of("/tmp"));
        parents.add(Path.of(System.getProperty("user.home")));
        return List.copyOf(parents);
    }

    /** Makes a fresh folder with mode 0700. */
    static NativeFolder create(Path parent) throws Unusable {
        try {
            int mode = (int) Files.getAttribute(parent, "unix:mode");
            if ((mode & WRITABLE_BY_OTHERS) != 0 && (mode & STICKY) == 0) {
                throw new Unusable("other users could exchange what is put there");
            }
            return new NativeFolder(Files.createTempDirectory(parent.toRealPath(), ".adjoint-cuda-",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))));
        } catch (IOException e) {
            throw new Unusable("no folder can be made there (" + e + ")");
        }
    }

    Path path() {
        return path;
    }

    /** Writes a file that does not exist yet. */
    Path write(String name, byte[] content) throws Unusable {
        Path file = path.resolve(name);
        files.add(file);
        try {
            return Files.write(file, content, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new Unusable("no file can be written there (" + e + ")");
        }
    }

    @Override
    public void close() {
        try {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                Files.delete(path);
            }
        } catch (IOException e) {
            System.getLogger(NativeFolder.class.getName()).log(System.Logger.Level.WARNING,
                path + " can't be deleted: " + e);
        }
    }
}

package org.adjoint.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Files that are replaced as a whole: a reader sees the old or the new one, at any moment and after any crash. */
public final class AtomicFile {

    private AtomicFile() {}

    /** Replaces {@code file}, whose folder must exist. */
    public static void write(Path file, byte[] content) throws IOException {
        Path target = file.toAbsolutePath();
        Path fresh = target.resolveSibling(target.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
        try {
            try (FileChannel channel = FileChannel.open(fresh,
                    StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                ByteBuffer buffer = ByteBuffer.wrap(content);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
                channel.force(true);
            }
            try {
                Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(fresh, target, StandardCopyOption.REPLACE_EXISTING);
            }
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    /**
     * Fails now, with a message for the user, if {@link #write} would fail later; makes the folder if it is missing.
     *
     * @throws IOException if {@code file} is a folder or can't be written
     */
    public static void requireWritable(Path file) throws IOException {
        Path target = file.toAbsolutePath();
        if (Files.isDirectory(target)) {
            throw new IOException("'" + file + "' is a folder, and a file is to be written there");
        }
        requireWritableFolder(target.getParent());
    }

    /**
     * Makes a folder if it is missing, and fails with a message for the user if no file can be made in it.
     *
     * @throws IOException if it can't be made or written
     */
    public static void requireWritableFolder(Path folder) throws IOException {
        Path trial = null;
        try {
            Files.createDirectories(folder);
            trial = Files.createTempFile(folder, ".trial", null);
        } catch (IOException e) {
            throw new IOException("the folder '" + folder + "' can't be written: " + Failure.describe(e), e);
        } finally {
            if (trial != null) {
                Files.deleteIfExists(trial);
            }
        }
    }
}

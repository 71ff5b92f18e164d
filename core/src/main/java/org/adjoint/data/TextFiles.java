package org.adjoint.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/**
 * Bytes of text from a file or of all text files of a folder, in the order of their names: the same bytes for the same
 * files on every machine. Not read are hidden files and folders, build outputs ({@code target}, {@code build},
 * {@code node_modules}, {@code __pycache__}), folders of training runs (that hold a {@code checkpoint.safetensors} or a
 * {@code metrics.csv}), symbolic links, and files that hold a NUL byte.
 */
public final class TextFiles {
    private static final Set<String> OUTPUTS = Set.of("target", "build", "node_modules", "__pycache__");
    private static final List<String> RUN_MARKS = List.of("checkpoint.safetensors", "metrics.csv");

    private TextFiles() { }

    /**
     * Reads text. Where a file does not end with a line break, one is put between it and the next.
     *
     * @throws NoSuchFileException if the path does not exist
     * @throws IOException if there is no text, or it can't be read
     */
    public static byte[] read(Path fileOrFolder) throws IOException {
        if (!Files.exists(fileOrFolder)) {
            throw new NoSuchFileException(fileOrFolder.toString(), null, "there is no such file or folder");
        }
        if (Files.isDirectory(fileOrFolder)) {
            return readFolder(fileOrFolder);
        }
        byte[] bytes = Files.readAllBytes(fileOrFolder);
        if (bytes.length == 0) {
            throw new IOException(fileOrFolder + ": the file is empty");
        }
        return bytes;
    }

    private static byte[] readFolder(Path folder) throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        int last = '\n';
        for (Path file : list(folder)) {
            byte[] bytes = Files.readAllBytes(file);
            if (bytes.length == 0 || isBinary(bytes)) {
                continue;
            }
            if (last != '\n') {
                text.write('\n');
            }
            text.writeBytes(bytes);
            last = bytes[bytes.length - 1];
        }
        if (text.size() == 0) {
            throw new IOException(folder + ": there are no text files in this folder");
        }
        return text.toByteArray();
    }

    private static boolean isBinary(byte[] bytes) {
        for (byte b : bytes) {
            if (b == 0) {
                return true;
            }
        }
        return false;
    }

    /** The files of a folder that are read if they turn out to be text, in order. */
    public static List<Path> list(Path folder) throws IOException {
        List<Path> files = new ArrayList<>();
        collect(folder, files);
        return files;
    }

    private static void collect(Path folder, List<Path> files) throws IOException {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            stream.forEach(entries::add);
        }
        // By name as a string: the order of paths depends on the system.
        entries.sort(Comparator.comparing(TextFiles::name));
        for (Path entry : entries) {
            if (name(entry).startsWith(".")) {
                continue;
            }
            if (Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)) {
                files.add(entry);
            } else if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS) && !isOutput(entry)) {
                collect(entry, files);
            }
        }
    }

    private static String name(Path path) {
        return path.getFileName().toString();
    }

    private static boolean isOutput(Path folder) {
        return OUTPUTS.contains(name(folder))
            || RUN_MARKS.stream().anyMatch(mark -> Files.exists(folder.resolve(mark)));
    }
}

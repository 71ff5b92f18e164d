package org.adjoint.bench.train;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/** Training text out of a file, or out of a folder of sources and documents. */
final class TextFiles {
    private static final long MOST_BYTES = 1L << 30;
    /** Folders of build results and of runs; hidden ones are left out anyway. */
    private static final Set<String> LEFT_OUT = Set.of("target", "build", "out", "runs", "node_modules", "__pycache__");

    private TextFiles() {}

    /**
     * A file as it is, or the text files below a folder one after the other: in the order of their paths, the same on
     * every system, without hidden ones, build results, run folders, links and what is no UTF-8 text.
     *
     * @throws IOException if there is nothing to read, or more than 1 GiB
     */
    static byte[] read(Path source) throws IOException {
        if (!Files.exists(source)) {
            throw new NoSuchFileException(source.toString());
        }
        if (!Files.isDirectory(source)) {
            requireFitting(source, Files.size(source));
            byte[] text = Files.readAllBytes(source);
            if (text.length == 0) {
                throw new IOException("the file '" + source + "' is empty: there is no text to train on");
            }
            return text;
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (Path file : files(source)) {
            requireFitting(source, all.size() + Files.size(file));
            byte[] content = Files.readAllBytes(file);
            if (isText(content)) {
                all.write(content);
                if (content[content.length - 1] != '\n') {
                    all.write('\n');
                }
            }
        }
        if (all.size() == 0) {
            throw new IOException("the folder '" + source + "' holds no text files: there is no text to train on");
        }
        return all.toByteArray();
    }

    private static void requireFitting(Path source, long bytes) throws IOException {
        if (bytes > MOST_BYTES) {
            throw new IOException("'" + source + "' holds more than 1 GiB of text: name a smaller file or folder");
        }
    }

    private static List<Path> files(Path root) throws IOException {
        List<Path> files = new ArrayList<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                return !folder.equals(root) && (isLeftOut(folder) || RunFolder.isOne(folder))
                        ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (attributes.isRegularFile() && attributes.size() > 0
                        && !file.getFileName().toString().startsWith(".")) {
                    files.add(file);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) {
                return FileVisitResult.CONTINUE;
            }
        });
        files.sort(Comparator.comparing(file -> root.relativize(file).toString().replace('\\', '/')));
        return files;
    }

    private static boolean isLeftOut(Path folder) {
        String name = folder.getFileName().toString();
        return name.startsWith(".") || LEFT_OUT.contains(name);
    }

    private static boolean isText(byte[] content) {
        for (byte b : content) {
            if (b == 0) {
                return false;
            }
        }
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }
}

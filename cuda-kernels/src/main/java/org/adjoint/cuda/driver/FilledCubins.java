package org.adjoint.cuda.driver;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * Entries of a cache that was filled beforehand: a folder of files, or an archive of them. Never written.
 *
 * <p>An archive is compressed by gzip as a whole, for its thousands of entries resemble each other: how many there are
 * in 4 bytes; then of each the name, as {@link DataOutputStream#writeUTF} writes it, the length in 4 bytes and the
 * content.
 */
public final class FilledCubins {
    private static final System.Logger LOG = System.getLogger(FilledCubins.class.getName());
    private static final int BUFFER_BYTES = 1 << 16;

    private final Path place;
    private Map<String, byte[]> archive;

    FilledCubins(Path place) {
        this.place = place;
    }

    /** Writes the files of a folder into an archive. */
    public static void pack(Path folder, Path archive) throws IOException {
        try (Stream<Path> stream = Files.list(folder);
            DataOutputStream out = new DataOutputStream(new GZIPOutputStream(Files.newOutputStream(archive),
                BUFFER_BYTES))) {
            // Those of one size are of one kernel, in another dtype: a quarter less than in the order of their keys.
            List<Path> files = stream.sorted(Comparator.comparingLong((Path file) -> file.toFile().length())
                .thenComparing(Comparator.naturalOrder())).toList();
            out.writeInt(files.size());
            for (Path file : files) {
                byte[] content = Files.readAllBytes(file);
                out.writeUTF(file.getFileName().toString());
                out.writeInt(content.length);
                out.write(content);
            }
        }
    }

    /** The content of an entry, if it is there and can be read. */
    Optional<byte[]> read(String file) {
        if (!Files.isDirectory(place)) {
            return Optional.ofNullable(archive().get(file));
        }
        try {
            return Optional.of(Files.readAllBytes(place.resolve(file)));
        } catch (IOException absent) {
            return Optional.empty();
        }
    }

    private synchronized Map<String, byte[]> archive() {
        if (archive == null) {
            archive = new HashMap<>();
            if (Files.exists(place)) {
                try {
                    unpack();
                } catch (IOException e) {
                    LOG.log(System.Logger.Level.WARNING, "the compiled kernels in " + place + " can't be read (" + e
                        + "): what is missing is compiled anew");
                }
            }
        }
        return archive;
    }

    private void unpack() throws IOException {
        try (DataInputStream in = new DataInputStream(new GZIPInputStream(Files.newInputStream(place),
            BUFFER_BYTES))) {
            int count = in.readInt();
            for (int i = 0; i < count; i++) {
                String name = in.readUTF();
                byte[] content = in.readNBytes(in.readInt());
                archive.put(name, content);
            }
        }
    }
}

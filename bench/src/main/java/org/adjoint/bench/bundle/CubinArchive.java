package org.adjoint.bench.bundle;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZInputStream;
import org.tukaani.xz.XZOutputStream;

/**
 * A folder of compiled kernels as one file. It is compressed by xz as a whole, for its thousands of entries resemble
 * each other: a quarter of what gzip takes, which looks back over 32 KiB alone. An entry is its name, as
 * {@link DataOutputStream#writeUTF} writes it, its length in 4 bytes, and its content; their number comes first, in 4.
 */
public final class CubinArchive {
    private static final int DICTIONARY_BYTES = 32 << 20;

    private CubinArchive() { }

    /** Writes the files of a folder into an archive. */
    static void pack(Path folder, Path archive) throws IOException {
        LZMA2Options options = new LZMA2Options();
        options.setDictSize(DICTIONARY_BYTES);
        try (Stream<Path> stream = Files.list(folder);
            DataOutputStream out = new DataOutputStream(new XZOutputStream(Files.newOutputStream(archive), options))) {
            // Those of one size are of one kernel, in another dtype.
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

    /**
     * Makes the folder that was packed.
     *
     * @param folder which appears as a whole; it is left alone if it is there
     * @throws IOException if the archive is damaged, or the folder can't be made
     */
    static void unpack(Path archive, Path folder) throws IOException {
        Path fresh = Files.createTempDirectory(folder.toAbsolutePath().getParent(), "cubins");
        try {
            try (DataInputStream in = new DataInputStream(new XZInputStream(Files.newInputStream(archive)))) {
                int count = in.readInt();
                for (int i = 0; i < count; i++) {
                    String name = in.readUTF();
                    byte[] content = in.readNBytes(in.readInt());
                    if (!name.matches("\\w+\\.cubin")) {
                        throw new IOException("'" + name + "' is no entry of a cache of kernels");
                    }
                    Files.write(fresh.resolve(name), content);
                }
                // What stands behind the last entry proves that all of them are whole.
                if (in.read() >= 0) {
                    throw new IOException(archive + " is longer than its " + count + " entries");
                }
            }
            try {
                Files.move(fresh, folder);
            } catch (IOException e) {
                // Somebody else has made it meanwhile, or before.
                if (!Files.exists(folder)) {
                    throw e;
                }
            }
        } finally {
            remove(fresh);
        }
    }

    /** Deletes a folder of files, if it is there. */
    static void remove(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    /** Unpacks the archive named first into the folder named second; for the script that starts a bundle. */
    public static void main(String[] arguments) throws IOException {
        unpack(Path.of(arguments[0]), Path.of(arguments[1]));
    }
}

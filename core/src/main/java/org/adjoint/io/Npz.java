package org.adjoint.io;

import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.adjoint.Device;
import org.adjoint.Tensor;

/**
 * NumPy's file of named arrays, as {@code numpy.savez} and {@code numpy.savez_compressed} write and {@code numpy.load}
 * reads it: a zip archive of {@linkplain Npy npy files}.
 */
public final class Npz {
    private static final String SUFFIX = ".npy";
    /** Deflated data becomes at most so many times as long: what claims more is no honest archive. */
    private static final long MOST_INFLATION = 1032;
    private static final int CHUNK = 1 << 16;

    private Npz() { }

    /**
     * Reads all arrays onto a device, by their names, in the order of the file.
     *
     * @throws java.nio.file.NoSuchFileException if the file is not there
     * @throws InvalidFileException if it is no zip archive of arrays, or holds one that can't be read here, saying why
     */
    public static Map<String, Tensor> read(Device device, Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new InvalidFileException(file, "is a folder, not an npz file");
        }
        long size = Files.size(file);
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        try (ZipFile zip = new ZipFile(file.toFile())) {
            List<? extends ZipEntry> entries = Collections.list(zip.entries());
            for (ZipEntry entry : entries) {
                String name = entry.getName();
                if (!name.endsWith(SUFFIX)) {
                    throw new InvalidFileException(file, "holds '" + name
                        + "', which is no array: their names end in " + SUFFIX);
                }
                Path place = file.resolveSibling(file.getFileName() + "!" + name.replaceAll("[^\\w.-]", "_"));
                Tensor tensor = read(device, place, zip, entry, Math.min(size, entry.getCompressedSize()));
                if (tensors.put(name.substring(0, name.length() - SUFFIX.length()), tensor) != null) {
                    throw new InvalidFileException(file, "holds '" + name + "' twice");
                }
            }
        } catch (ZipException | EOFException | IllegalArgumentException e) {
            throw new InvalidFileException(file, "is no zip archive, or a damaged one: " + e.getMessage(), e);
        }
        return tensors;
    }

    private static Tensor read(Device device, Path place, ZipFile zip, ZipEntry entry, long stored) throws IOException {
        CRC32 checksum = new CRC32();
        try (Arena arena = Arena.ofConfined();
            InputStream in = new CheckedInputStream(zip.getInputStream(entry), checksum)) {
            NpyHeader header = NpyHeader.read(place, in);
            long bytes = header.dataBytes();
            if (bytes / MOST_INFLATION > stored) {
                throw new InvalidFileException(place, "is truncated: " + bytes + " bytes of data are announced but its "
                    + stored + " bytes in the archive can't hold them");
            }
            MemorySegment data = arena.allocate(Math.max(1, bytes), 8).asSlice(0, bytes);
            byte[] chunk = new byte[CHUNK];
            long filled = 0;
            while (filled < bytes) {
                int count = in.read(chunk, 0, (int) Math.min(CHUNK, bytes - filled));
                if (count < 0) {
                    throw new InvalidFileException(place, "is truncated: " + bytes + " bytes of data are announced but "
                        + filled + " are there");
                }
                MemorySegment.copy(chunk, 0, data, ValueLayout.JAVA_BYTE, filled, count);
                filled += count;
            }
            if (in.read() >= 0) {
                throw new InvalidFileException(place, "has bytes that follow the array");
            }
            if (checksum.getValue() != entry.getCrc()) {
                throw new InvalidFileException(place, "is damaged: its checksum is not the archive's");
            }
            return Npy.tensor(device, place, header, data);
        }
    }

    /** Writes tensors as they are, as {@code numpy.savez} does; a file that is there is replaced. */
    public static void write(Path file, Map<String, Tensor> tensors) throws IOException {
        write(file, tensors, ZipEntry.STORED);
    }

    /** Writes tensors deflated, as {@code numpy.savez_compressed} does; a file that is there is replaced. */
    public static void writeCompressed(Path file, Map<String, Tensor> tensors) throws IOException {
        write(file, tensors, ZipEntry.DEFLATED);
    }

    private static void write(Path file, Map<String, Tensor> tensors, int method) throws IOException {
        try (OutputStream out = Files.newOutputStream(file);
            ZipOutputStream zip = new ZipOutputStream(new BufferedOutputStream(out, CHUNK))) {
            for (Map.Entry<String, Tensor> named : tensors.entrySet()) {
                try (Arena arena = Arena.ofConfined()) {
                    byte[] header = NpyHeader.of(named.getValue().type());
                    write(zip, named.getKey() + SUFFIX, method, header, Npy.values(named.getValue(), arena));
                }
            }
        }
    }

    private static void write(ZipOutputStream zip, String name, int method, byte[] header, MemorySegment values)
        throws IOException {
        ZipEntry entry = new ZipEntry(name);
        entry.setMethod(method);
        byte[] chunk = new byte[CHUNK];
        if (method == ZipEntry.STORED) {
            CRC32 checksum = new CRC32();
            checksum.update(header);
            for (long at = 0; at < values.byteSize(); at += CHUNK) {
                ByteBuffer part = values.asSlice(at, Math.min(CHUNK, values.byteSize() - at)).asByteBuffer();
                checksum.update(part);
            }
            entry.setSize(header.length + values.byteSize());
            entry.setCrc(checksum.getValue());
        }
        zip.putNextEntry(entry);
        zip.write(header);
        for (long at = 0; at < values.byteSize(); at += CHUNK) {
            int count = (int) Math.min(CHUNK, values.byteSize() - at);
            MemorySegment.copy(values, ValueLayout.JAVA_BYTE, at, chunk, 0, count);
            zip.write(chunk, 0, count);
        }
        zip.closeEntry();
    }
}

package org.adjoint.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.TensorType;

/**
 * A safetensors file, mapped into memory: named tensors and strings (github.com/huggingface/safetensors, version 0.3 of
 * the format). A file can't harm the reader: the header is at most 100 MB of at most 100,000 entries, names are unique,
 * the tensors cover the data exactly, without gap or overlap, and truth values are 0 or 1; all of it is checked when
 * the file is opened. What is read takes less than the file and 64 MiB of heap; the tensors stay in the file until they
 * are asked for.
 */
public final class Safetensors implements AutoCloseable {
    private static final long LONGEST_HEADER = 100_000_000;
    private static final ValueLayout.OfLong LENGTH =
        ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final Arena arena;
    private final MemorySegment data;
    private final SafetensorsHeader header;

    private Safetensors(Path file, Arena arena, MemorySegment data, SafetensorsHeader header) {
        this.file = file;
        this.arena = arena;
        this.data = data;
        this.header = header;
    }

    /**
     * Maps a file and checks it.
     *
     * @throws NoSuchFileException if it is not there
     * @throws InvalidFileException if it is no safetensors file, saying why
     */
    public static Safetensors open(Path file) throws IOException {
        requireLittleEndian();
        if (Files.isDirectory(file)) {
            throw new InvalidFileException(file, "is a folder, not a safetensors file");
        }
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size < 8) {
                throw new InvalidFileException(file, "is too short for a safetensors file: " + size + " bytes");
            }
            return of(file, arena, channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena));
        } catch (IOException | RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /** A file of at least 8 bytes that is in memory; {@code arena} is closed with the result. */
    static Safetensors of(Path file, Arena arena, MemorySegment whole) throws InvalidFileException {
        long length = whole.get(LENGTH, 0);
        if (length < 0 || length > LONGEST_HEADER) {
            throw new InvalidFileException(file, "this is no safetensors file: its header would be "
                + Long.toUnsignedString(length) + " bytes long, more than the " + LONGEST_HEADER + " that are allowed");
        }
        if (length > whole.byteSize() - 8) {
            throw new InvalidFileException(file, "the file is truncated: its header is " + length
                + " bytes long but " + (whole.byteSize() - 8) + " are there");
        }
        MemorySegment data = whole.asSlice(8 + length);
        SafetensorsHeader header = SafetensorsHeader.parse(file, whole.asSlice(8, length), data.byteSize());
        Safetensors tensors = new Safetensors(file, arena, data, header);
        tensors.requireTruthValues();
        return tensors;
    }

    /** Kernels count with 0 and 1: of other bytes, comparisons and sums would come out wrong. */
    private void requireTruthValues() throws InvalidFileException {
        for (Map.Entry<String, SafetensorsHeader.Entry> tensor : header.tensors().entrySet()) {
            NpyElement element = NpyElement.of(tensor.getValue().type().dtype());
            if (!element.isValid(data(tensor.getKey()))) {
                throw new InvalidFileException(file, "tensor " + SafetensorsHeader.quoted(tensor.getKey())
                    + " holds truth values other than 0 and 1");
            }
        }
    }

    private static void requireLittleEndian() {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new UnsupportedOperationException("safetensors files are little-endian and this machine is not");
        }
    }

    /** The tensors' types by name, in the order of the header. */
    public Map<String, TensorType> types() {
        Map<String, TensorType> types = new LinkedHashMap<>();
        header.tensors().forEach((name, entry) -> types.put(name, entry.type()));
        return types;
    }

    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(header.metadata());
    }

    /**
     * A tensor's bytes: row-major, little-endian, not aligned, readable until this file is closed.
     *
     * @throws IllegalArgumentException if there is no tensor of that name
     */
    public MemorySegment data(String name) {
        SafetensorsHeader.Entry entry = entry(name);
        return data.asSlice(entry.begin(), entry.end() - entry.begin());
    }

    /** A tensor, copied to a device. */
    public Tensor tensor(Device device, String name) {
        SafetensorsHeader.Entry entry = entry(name);
        return device.tensor(entry.type().dtype(), entry.type().shape(), data(name));
    }

    private SafetensorsHeader.Entry entry(String name) {
        SafetensorsHeader.Entry entry = header.tensors().get(name);
        if (entry == null) {
            throw new IllegalArgumentException(file + ": there is no tensor '" + name + "'");
        }
        return entry;
    }

    /** Unmaps the file. */
    @Override
    public void close() {
        arena.close();
    }

    // Writing

    /** A value that can be copied into memory. */
    private record Source(String name, TensorType type, Consumer<MemorySegment> copy) { }

    /** Writes tensors to a file, which is replaced if it is there; not atomic, see {@link Checkpoint} for that. */
    public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        List<Source> sources = new ArrayList<>();
        tensors.forEach((name, tensor) -> sources.add(new Source(name, tensor.type(), tensor::copyTo)));
        write(file, sources, metadata);
    }

    /** As {@link #write}, with the values that variables have now, synced to the disk before it returns. */
    static void writeVariables(Path file, Map<String, Variable> variables, Map<String, String> metadata)
        throws IOException {
        List<Source> sources = new ArrayList<>();
        variables.forEach((name, variable) -> sources.add(new Source(name, variable.type(), variable::copyTo)));
        write(file, sources, metadata);
    }

    private static void write(Path file, List<Source> sources, Map<String, String> metadata) throws IOException {
        requireLittleEndian();
        // Wide elements first: then all are aligned, as the reference implementation writes them.
        List<Source> ordered = sources.stream()
            .sorted(Comparator.comparingInt((Source source) -> -source.type.dtype().bytes())).toList();
        Map<String, TensorType> types = new LinkedHashMap<>();
        ordered.forEach(source -> types.put(source.name, source.type));
        byte[] json = SafetensorsHeader.of(types, metadata).toJson();
        if (json.length > LONGEST_HEADER) {
            throw new IOException(file + ": the header would be longer than " + LONGEST_HEADER + " bytes");
        }
        // What can't be read again is not written.
        long bytes = types.values().stream().mapToLong(TensorType::bytes).sum();
        SafetensorsHeader.parse(file, MemorySegment.ofArray(json), bytes);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
            writeFully(channel, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, json.length));
            writeFully(channel, ByteBuffer.wrap(json));
            for (Source source : ordered) {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment values = arena.allocate(source.type.bytes(), 8);
                    source.copy.accept(values);
                    writeSegment(channel, values);
                }
            }
            channel.force(true);
        }
    }

    static void writeSegment(FileChannel channel, MemorySegment segment) throws IOException {
        for (long start = 0; start < segment.byteSize(); ) {
            long length = Math.min(1 << 30, segment.byteSize() - start);
            writeFully(channel, segment.asSlice(start, length).asByteBuffer());
            start += length;
        }
    }

    static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}

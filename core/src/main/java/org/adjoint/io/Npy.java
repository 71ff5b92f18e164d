package org.adjoint.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/**
 * NumPy's file of one array, as {@code numpy.save} writes and {@code numpy.load} reads it, of the versions 1 to 3 ("NEP
 * 1: a simple file format for NumPy arrays"). Arrays may be row-major or column-major, little-endian or big-endian.
 *
 * <p>Elements become those of the same dtype; {@code int8}, {@code int16} and {@code uint16} become {@code I32},
 * {@code uint32} becomes {@code I64}. {@code BF16}, for which NumPy has no name, is {@code V2}, as with ml_dtypes:
 * {@code load(file).view(ml_dtypes.bfloat16)} reads it. Objects, strings and records are refused.
 */
public final class Npy {
    private Npy() { }

    /**
     * Reads an array onto a device.
     *
     * @throws java.nio.file.NoSuchFileException if the file is not there
     * @throws InvalidFileException if it is no npy file, or one that can't be read here, saying why
     */
    public static Tensor read(Device device, Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new InvalidFileException(file, "is a folder, not an npy file");
        }
        try (Arena arena = Arena.ofConfined(); FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return read(device, file, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
        }
    }

    /** Reads a file that is in memory. */
    static Tensor read(Device device, Path file, MemorySegment bytes) throws IOException {
        SegmentInputStream in = new SegmentInputStream(bytes);
        NpyHeader header = NpyHeader.read(file, in);
        MemorySegment data = bytes.asSlice(in.position());
        if (data.byteSize() < header.dataBytes()) {
            throw new InvalidFileException(file, "is truncated: " + header.dataBytes()
                + " bytes of data are announced but "
                + data.byteSize() + " are there");
        }
        if (data.byteSize() > header.dataBytes()) {
            throw new InvalidFileException(file, (data.byteSize() - header.dataBytes()) + " bytes follow the array");
        }
        return tensor(device, file, header, data);
    }

    /** The tensor of an array's elements. */
    static Tensor tensor(Device device, Path file, NpyHeader header, MemorySegment data) throws InvalidFileException {
        if (!header.element().isValid(data)) {
            throw new InvalidFileException(file, "holds truth values other than 0 and 1");
        }
        TensorType type = header.type();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = data;
            if (!header.element().isNative()) {
                values = arena.allocate(Math.max(1, type.bytes()), 8).asSlice(0, type.bytes());
                header.element().convert(data, values);
            }
            int rank = type.shape().rank();
            if (!header.isFortranOrder() || rank < 2) {
                return device.tensor(type.dtype(), type.shape(), values);
            }
            long[] extents = new long[rank];
            int[] reversed = new int[rank];
            for (int axis = 0; axis < rank; axis++) {
                extents[axis] = type.shape().extent(rank - 1 - axis);
                reversed[axis] = rank - 1 - axis;
            }
            return device.tensor(type.dtype(), Shape.of(extents), values).permute(reversed);
        }
    }

    /** Writes a tensor, little-endian and row-major; a file that is there is replaced. */
    public static void write(Path file, Tensor tensor) throws IOException {
        try (Arena arena = Arena.ofConfined(); FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE,
            StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING)) {
            MemorySegment values = values(tensor, arena);
            Safetensors.writeFully(channel, ByteBuffer.wrap(NpyHeader.of(tensor.type())));
            Safetensors.writeSegment(channel, values);
        }
    }

    /** A tensor's elements as they are written. */
    static MemorySegment values(Tensor tensor, Arena arena) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new UnsupportedOperationException("npy files are written little-endian and this machine is not");
        }
        long bytes = tensor.type().bytes();
        MemorySegment values = arena.allocate(Math.max(1, bytes), 8).asSlice(0, bytes);
        tensor.copyTo(values);
        return values;
    }
}

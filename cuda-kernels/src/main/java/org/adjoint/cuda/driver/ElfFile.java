package org.adjoint.cuda.driver;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What the headers of a shared library say before anything of it is loaded: for which machine it is, whether the file
 * is whole, and its SONAME, by which the loader recognizes it when another library needs it.
 *
 * <p>Only headers and the dynamic section are read, for libcublasLt has 700 MB. The format is that of the System V ABI
 * (gABI 4.1, chapters 4 and 5).
 */
final class ElfFile implements AutoCloseable {
    private static final int HEADER_BYTES = 64;
    private static final int SEGMENT_BYTES = 56;
    private static final int SHARED_OBJECT = 3;
    private static final int X86_64 = 62;
    private static final int LOAD = 1;
    private static final int DYNAMIC = 2;
    private static final long STRING_TABLE = 5;
    private static final long SONAME = 14;
    private static final int LONGEST_NAME = 256;

    private final FileChannel channel;
    private final long size;
    private final ByteBuffer segments;

    private ElfFile(FileChannel channel) throws IOException, Unfit {
        this.channel = channel;
        this.size = channel.size();
        ByteBuffer header = header();
        if (Short.toUnsignedInt(header.getShort(54)) != SEGMENT_BYTES) {
            throw new Unfit("its ELF header is damaged");
        }
        this.segments = read(header.getLong(32), SEGMENT_BYTES * Short.toUnsignedInt(header.getShort(56)));
        requireWhole(header);
    }

    /**
     * Reads the SONAME of a library of this machine's architecture.
     *
     * @throws Unfit if it is for another machine, cut short, or no shared library
     */
    static String soname(Path file) throws Unfit {
        try (ElfFile elf = new ElfFile(FileChannel.open(file, StandardOpenOption.READ))) {
            return elf.soname();
        } catch (IOException e) {
            throw new Unfit("it can't be read (" + e + ")");
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private ByteBuffer header() throws IOException, Unfit {
        if (size < 4 || read(0, 4).getInt(0) != 0x464c457f) {
            throw new Unfit(size == 0 ? "the file is empty" : "it is no ELF library");
        }
        int identity = (int) Math.min(size, 20);
        ByteBuffer start = read(0, identity);
        if (identity < 20) {
            throw new Unfit("the file is cut short: " + size + " bytes");
        }
        if (start.get(4) != 2) {
            throw new Unfit("it is a 32-bit library; this JVM needs one for 64-bit x86-64");
        }
        int machine = start.get(5) == 2
            ? Short.toUnsignedInt(Short.reverseBytes(start.getShort(18))) : Short.toUnsignedInt(start.getShort(18));
        if (machine != X86_64 || start.get(5) != 1) {
            throw new Unfit("it is a library for " + architecture(machine) + "; this machine is x86-64");
        }
        if (start.getShort(16) != SHARED_OBJECT) {
            throw new Unfit("it is an ELF file but no shared library");
        }
        return read(0, HEADER_BYTES);
    }

    /** Names as in the registry of ELF machine numbers. */
    private static String architecture(int machine) {
        return switch (machine) {
            case 3 -> "32-bit x86";
            case 20, 21 -> "PowerPC";
            case 40 -> "32-bit ARM";
            case 183 -> "AArch64";
            case 243 -> "RISC-V";
            default -> "another processor (ELF machine " + machine + ")";
        };
    }

    private void requireWhole(ByteBuffer header) throws Unfit {
        long end = header.getLong(40)
            + (long) Short.toUnsignedInt(header.getShort(58)) * Short.toUnsignedInt(header.getShort(60));
        for (int at = 0; at < segments.capacity(); at += SEGMENT_BYTES) {
            if (segments.getInt(at) == LOAD) {
                end = Math.max(end, segments.getLong(at + 8) + segments.getLong(at + 32));
            }
        }
        if (end > size || end < 0) {
            throw new Unfit("the file is cut short: " + size + " bytes of at least " + Long.toUnsignedString(end));
        }
    }

    private String soname() throws IOException, Unfit {
        for (int at = 0; at < segments.capacity(); at += SEGMENT_BYTES) {
            if (segments.getInt(at) == DYNAMIC) {
                long offset = segments.getLong(at + 8);
                ByteBuffer dynamic = read(offset, (int) Math.min(segments.getLong(at + 32), 1 << 16));
                long strings = -1;
                long name = -1;
                for (int entry = 0; entry + 16 <= dynamic.capacity(); entry += 16) {
                    long tag = dynamic.getLong(entry);
                    if (tag == STRING_TABLE) {
                        strings = offsetOf(dynamic.getLong(entry + 8));
                    } else if (tag == SONAME) {
                        name = dynamic.getLong(entry + 8);
                    }
                }
                if (strings >= 0 && name >= 0) {
                    return string(strings + name);
                }
            }
        }
        throw new Unfit("it has no SONAME, so that the loader would not take it for the library that is needed");
    }

    private long offsetOf(long address) throws Unfit {
        for (int at = 0; at < segments.capacity(); at += SEGMENT_BYTES) {
            long start = segments.getLong(at + 16);
            if (segments.getInt(at) == LOAD && address >= start && address < start + segments.getLong(at + 32)) {
                return segments.getLong(at + 8) + (address - start);
            }
        }
        throw new Unfit("its dynamic section is damaged");
    }

    private String string(long offset) throws IOException, Unfit {
        ByteBuffer bytes = read(offset, (int) Math.min(LONGEST_NAME, size - offset));
        int length = 0;
        while (length < bytes.capacity() && bytes.get(length) != 0) {
            length++;
        }
        return StandardCharsets.UTF_8.decode(bytes.slice(0, length)).toString();
    }

    private ByteBuffer read(long offset, int length) throws IOException, Unfit {
        if (offset < 0 || length < 0 || length > size - offset) {
            throw new Unfit("the file is cut short: " + size + " bytes of at least "
                + Long.toUnsignedString(offset + length));
        }
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, offset + bytes.position()) < 0) {
                throw new Unfit("the file became shorter while it was read");
            }
        }
        return bytes.rewind();
    }
}

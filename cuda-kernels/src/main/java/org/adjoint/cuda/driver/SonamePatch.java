package org.adjoint.cuda.driver;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Makes a library that needs {@code libcublas.so.12} need {@code libcublas.so.13}.
 *
 * <p>CUDA's libraries give their symbols a version node named as the library. A needed library and a needed version
 * refer to one string of the dynamic string table, which is overwritten in place, for both names are equally long. The
 * version entry also holds the name's hash, by which the loader compares (gABI; "Linux Standard Base Core", section
 * symbol versioning).
 */
final class SonamePatch {
    private static final int SECTION_BYTES = 64;
    private static final int DYNAMIC = 6;
    private static final int NEEDED_VERSIONS = 0x6ffffffe;

    private final byte[] library;
    private final ByteBuffer buffer;
    private final String from;
    private final String to;

    private SonamePatch(byte[] library, String from, String to) {
        this.library = library;
        this.buffer = ByteBuffer.wrap(library).order(ByteOrder.LITTLE_ENDIAN);
        this.from = from;
        this.to = to;
    }

    /**
     * A copy of {@code library} that needs {@code to} wherever it needed {@code from}.
     *
     * @throws IllegalArgumentException if it does not need {@code from} or the names differ in length
     */
    static byte[] apply(byte[] library, String from, String to) {
        if (from.length() != to.length()) {
            throw new IllegalArgumentException(from + " can't be overwritten by " + to + ": another length");
        }
        SonamePatch patch = new SonamePatch(library.clone(), from, to);
        patch.renameVersions();
        patch.renameLibrary();
        return patch.library;
    }

    /** The hash of a name in ELF's tables of symbols and versions (gABI 4.1, chapter 5, "Hash Table"). */
    static int hash(String name) {
        int hash = 0;
        for (byte character : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash << 4) + Byte.toUnsignedInt(character);
            int high = hash & 0xf0000000;
            hash = (hash ^ high >>> 24) & ~high;
        }
        return hash;
    }

    private void renameVersions() {
        int section = find(NEEDED_VERSIONS);
        int strings = stringsOf(section);
        int library = offset(section);
        for (int next = -1; next != 0; library += next) {
            int count = Short.toUnsignedInt(buffer.getShort(library + 2));
            int version = library + buffer.getInt(library + 8);
            for (int i = 0; i < count; i++) {
                if (isFrom(strings + buffer.getInt(version + 8))) {
                    buffer.putInt(version, hash(to));
                }
                version += buffer.getInt(version + 12);
            }
            next = buffer.getInt(library + 12);
        }
    }

    private void renameLibrary() {
        int section = header(find(DYNAMIC));
        int strings = offset(section);
        int end = strings + Math.toIntExact(buffer.getLong(sectionAt(section) + 32));
        boolean found = false;
        for (int at = strings; at < end; at++) {
            boolean starts = at == strings || library[at - 1] == 0;
            if (starts && isFrom(at)) {
                System.arraycopy(to.getBytes(StandardCharsets.UTF_8), 0, library, at, to.length());
                found = true;
            }
        }
        if (!found) {
            throw new IllegalArgumentException("the library does not need " + from);
        }
    }

    private boolean isFrom(int at) {
        byte[] name = (from + '\0').getBytes(StandardCharsets.UTF_8);
        return Arrays.equals(library, at, Math.min(at + name.length, library.length), name, 0, name.length);
    }

    private int find(int type) {
        int count = Short.toUnsignedInt(buffer.getShort(60));
        for (int section = 0; section < count; section++) {
            if (buffer.getInt(sectionAt(section) + 4) == type) {
                return section;
            }
        }
        throw new IllegalArgumentException("the library lacks a section of type " + Integer.toHexString(type));
    }

    private int stringsOf(int section) {
        return offset(header(section));
    }

    /** The section that holds a section's strings. */
    private int header(int section) {
        return buffer.getInt(sectionAt(section) + 40);
    }

    private int offset(int section) {
        return Math.toIntExact(buffer.getLong(sectionAt(section) + 24));
    }

    private int sectionAt(int section) {
        return Math.toIntExact(buffer.getLong(40)) + SECTION_BYTES * section;
    }
}

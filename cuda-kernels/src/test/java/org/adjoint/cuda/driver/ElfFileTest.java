package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A library's headers tell why it can't serve, tried on one of JCuda's. */
class ElfFileTest {
    @TempDir
    private Path folder;

    private final byte[] library = library();

    private static byte[] library() {
        try {
            return JCudaNatives.read(JCudaNatives.fileName("JNvrtc"));
        } catch (Unfit e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void tellsTheSoname() throws IOException, Unfit {
        assertEquals("libJNvrtc-12.6.0-linux-x86_64.so", ElfFile.soname(write(library)));
    }

    @Test
    void namesAnotherArchitecture() throws IOException {
        library[18] = (byte) 183;
        assertEquals("it is a library for AArch64; this machine is x86-64", fault(library));
        library[18] = (byte) 21;
        assertEquals("it is a library for PowerPC; this machine is x86-64", fault(library));
        library[4] = 1;
        assertEquals("it is a 32-bit library; this JVM needs one for 64-bit x86-64", fault(library));
    }

    @Test
    void namesBytesInTheOtherOrder() throws IOException {
        library[5] = 2;
        library[18] = 0;
        library[19] = 21;
        assertEquals("it is a library for PowerPC; this machine is x86-64", fault(library));
    }

    @Test
    void seesThatAFileIsCutShort() throws IOException {
        for (int length = 1; length < library.length; length += length < 2000 ? 1 : 997) {
            String fault = fault(Arrays.copyOf(library, length));
            assertTrue(fault.startsWith("the file is cut short: " + length + " bytes") || length < 4, fault);
        }
        assertEquals("the file is cut short: 88647 bytes of at least 88648", fault(Arrays.copyOf(library, 88_647)));
    }

    @Test
    void seesWhatIsNoLibrary() throws IOException {
        assertEquals("the file is empty", fault(new byte[0]));
        assertEquals("it is no ELF library", fault("GROUP ( libcublas.so.12 )".getBytes()));
        library[16] = 1;
        assertEquals("it is an ELF file but no shared library", fault(library));
        assertTrue(assertThrows(Unfit.class, () -> ElfFile.soname(folder)).getMessage().startsWith("it can't be read"));
    }

    @Test
    void survivesDamagedHeaders() throws IOException {
        for (int at = 16; at < 600; at++) {
            byte[] damaged = library.clone();
            damaged[at] ^= (byte) 0xa5;
            try {
                ElfFile.soname(write(damaged));
            } catch (Unfit e) {
                assertTrue(e.getMessage().length() > 10);
            }
        }
    }

    private String fault(byte[] content) throws IOException {
        Path file = write(content);
        return assertThrows(Unfit.class, () -> ElfFile.soname(file)).getMessage();
    }

    private Path write(byte[] content) throws IOException {
        return Files.write(folder.resolve("library.so"), content);
    }
}

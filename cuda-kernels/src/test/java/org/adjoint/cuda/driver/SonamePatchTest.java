package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The patch of JCuda's own libraries; that a patched one resolves, {@link LibrariesTest} shows. */
class SonamePatchTest {

    /** From glibc's own binaries: the hashes of GLIBC_2.2.5 and GLIBC_2.4, as readelf and objdump show them. */
    @Test
    void hashesAsTheLoaderDoes() {
        assertEquals(0x09691a75, SonamePatch.hash("GLIBC_2.2.5"));
        assertEquals(0x0d696914, SonamePatch.hash("GLIBC_2.4"));
    }

    @Test
    void changesTheNameAndTheHashAlone() throws Unfit {
        byte[] twelve = JCudaNatives.read(JCudaNatives.fileName("JCublas2"));
        byte[] thirteen = SonamePatch.apply(twelve, "libcublas.so.12", "libcublas.so.13");
        assertTrue(text(twelve).contains("\0libcublas.so.12\0"));
        assertFalse(text(thirteen).contains("\0libcublas.so.12\0"));
        assertTrue(text(thirteen).contains("\0libcublas.so.13\0"));
        long changed = 0;
        for (int i = 0; i < twelve.length; i++) {
            changed += twelve[i] == thirteen[i] ? 0 : 1;
        }
        assertEquals(2, changed, "the last digit of the name, and the last bits of the hash");
        assertArrayEquals(twelve, SonamePatch.apply(thirteen, "libcublas.so.13", "libcublas.so.12"));
    }

    @Test
    void refusesWhatItCantDo() throws Unfit {
        byte[] library = JCudaNatives.read(JCudaNatives.fileName("JNvrtc"));
        byte[] before = library.clone();
        assertThrows(IllegalArgumentException.class,
            () -> SonamePatch.apply(library, "libcublas.so.12", "libcublas.so.13"));
        assertThrows(IllegalArgumentException.class,
            () -> SonamePatch.apply(library, "libnvrtc.so.9", "libnvrtc.so.13"));
        assertTrue(Arrays.equals(before, library));
    }

    private static String text(byte[] library) {
        return new String(library, StandardCharsets.ISO_8859_1);
    }
}

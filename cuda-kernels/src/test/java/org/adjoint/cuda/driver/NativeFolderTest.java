package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A folder that only this process's user can enter, and only while it is needed. */
class NativeFolderTest {
    @TempDir
    private Path parent;

    @Test
    void isPrivateAndLeavesNothing() throws IOException, NativeFolder.Unusable {
        Path path;
        try (NativeFolder folder = NativeFolder.create(parent)) {
            path = folder.path();
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
            assertEquals("content", Files.readString(folder.write("library.so", "content".getBytes())));
            assertThrows(NativeFolder.Unusable.class, () -> folder.write("library.so", new byte[1]));
        }
        assertFalse(Files.exists(path));
    }

    @Test
    void isNotMadeWhereOthersCouldExchangeIt() throws IOException, NativeFolder.Unusable {
        Files.setAttribute(parent, "unix:mode", 0777);
        assertEquals("other users could exchange what is put there",
            assertThrows(NativeFolder.Unusable.class, () -> NativeFolder.create(parent)).getMessage());
        Files.setAttribute(parent, "unix:mode", 01777);
        NativeFolder.create(parent).close();
    }

    @Test
    void saysThatThereIsNoSuchParent() {
        assertThrows(NativeFolder.Unusable.class, () -> NativeFolder.create(parent.resolve("nowhere")));
    }
}

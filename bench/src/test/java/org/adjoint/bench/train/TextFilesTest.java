package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextFilesTest {
    @TempDir
    private Path folder;

    private void write(String path, String text) throws IOException {
        write(path, text.getBytes(StandardCharsets.UTF_8));
    }

    private void write(String path, byte[] content) throws IOException {
        Path file = folder.resolve(path);
        Files.createDirectories(file.getParent());
        Files.write(file, content);
    }

    @Test
    void aFolderIsReadInTheOrderOfItsPaths() throws IOException {
        write("b.txt", "b\n");
        write("a/z.java", "az");
        write("a.txt", "a\n");
        assertEquals("a\naz\nb\n", new String(TextFiles.read(folder), StandardCharsets.UTF_8));
    }

    @Test
    void buildsRunsHiddenFilesAndBinariesAreLeftOut() throws IOException {
        write("src/Main.java", "text\n");
        write("target/Main.txt", "built");
        write("module/target/Main.txt", "built");
        write("runs/one/notes.txt", "run");
        write("elsewhere/config.json", "{}");
        write("elsewhere/metrics.csv", "step");
        write("elsewhere/notes.txt", "run");
        write(".git/HEAD", "ref");
        write(".hidden", "hidden");
        write("image.png", new byte[] {(byte) 0x89, 'P', 'N', 'G', 0});
        write("latin1.txt", new byte[] {'a', (byte) 0xe9, 'b'});
        write("empty.txt", "");
        assertEquals("text\n", new String(TextFiles.read(folder), StandardCharsets.UTF_8));
    }

    @Test
    void aFileIsReadAsItIs() throws IOException {
        byte[] content = {0, 1, (byte) 0xff};
        Path file = Files.write(folder.resolve("bytes.bin"), content);
        assertEquals(3, TextFiles.read(file).length);
    }

    /** The folder that is asked for is read whatever its name is. */
    @Test
    void theRootMayBeNamedTarget() throws IOException {
        write("target/a.txt", "a\n");
        assertEquals(2, TextFiles.read(folder.resolve("target")).length);
    }

    @Test
    void nothingToReadIsAnError() throws IOException {
        assertThrows(NoSuchFileException.class, () -> TextFiles.read(folder.resolve("missing")));
        Path empty = Files.createFile(folder.resolve("empty.txt"));
        assertEquals("the file '" + empty + "' is empty: there is no text to train on",
                assertThrows(IOException.class, () -> TextFiles.read(empty)).getMessage());
        assertEquals("the folder '" + folder + "' holds no text files: there is no text to train on",
                assertThrows(IOException.class, () -> TextFiles.read(folder)).getMessage());
    }
}

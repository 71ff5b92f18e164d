package org.adjoint.data;

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

    private void write(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    private String read() throws IOException {
        return new String(TextFiles.read(folder), StandardCharsets.UTF_8);
    }

    @Test
    void aFolderIsReadInTheOrderOfNames() throws IOException {
        write("b.txt", "second\n");
        write("a/z.txt", "first\n");
        write("c.txt", "third\n");
        assertEquals("first\nsecond\nthird\n", read());
    }

    @Test
    void aLineBreakStandsBetweenFiles() throws IOException {
        write("a.txt", "one");
        write("b.txt", "");
        write("c.txt", "two\n");
        write("d.txt", "three");
        assertEquals("one\ntwo\nthree", read());
    }

    @Test
    void onlyTextIsRead() throws IOException {
        write("a.txt", "text\n");
        write("image.png", "not\0text");
        write(".git/config", "hidden\n");
        write(".hidden", "hidden\n");
        write("module/target/classes/list.txt", "built\n");
        write("runs/1/metrics.csv", "step,loss\n");
        write("runs/1/notes.txt", "of a run\n");
        write("runs/2/checkpoint.safetensors", "weights");
        write("runs/2/config.json", "{}\n");
        write("runs/about.txt", "about runs\n");
        Files.createSymbolicLink(folder.resolve("link.txt"), folder.resolve("a.txt"));
        assertEquals("text\nabout runs\n", read());
    }

    @Test
    void aFileIsReadWhateverItHolds() throws IOException {
        write("x.bin", "a\0b");
        assertEquals("a\0b", new String(TextFiles.read(folder.resolve("x.bin")), StandardCharsets.UTF_8));
    }

    @Test
    void whatIsNotThereIsAnError() {
        Path missing = folder.resolve("none");
        NoSuchFileException e = assertThrows(NoSuchFileException.class, () -> TextFiles.read(missing));
        assertEquals(missing + ": there is no such file or folder", e.getMessage());
    }

    @Test
    void whatIsEmptyIsAnError() throws IOException {
        write("x.bin", "\0");
        IOException e = assertThrows(IOException.class, () -> TextFiles.read(folder));
        assertEquals(folder + ": there are no text files in this folder", e.getMessage());
        write("empty.txt", "");
        e = assertThrows(IOException.class, () -> TextFiles.read(folder.resolve("empty.txt")));
        assertEquals(folder.resolve("empty.txt") + ": the file is empty", e.getMessage());
    }
}

package org.adjoint.bench.bundle;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CubinArchiveTest {
    @TempDir
    private Path root;

    private final Map<String, byte[]> entries = new TreeMap<>();
    private Path archive;

    @BeforeEach
    void pack() throws IOException {
        Path folder = Files.createDirectory(root.resolve("made"));
        Random random = new Random(5);
        for (int size : new int[] {0, 1, 700, 70_000, 70_000}) {
            byte[] content = new byte[size];
            random.nextBytes(content);
            entries.put("a" + entries.size() + ".cubin", content);
        }
        for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
            Files.write(folder.resolve(entry.getKey()), entry.getValue());
        }
        archive = root.resolve("cubins.xz");
        CubinArchive.pack(folder, archive);
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(root)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void whatIsUnpackedIsWhatWasPacked() throws IOException {
        Path folder = root.resolve("cubins");
        CubinArchive.main(new String[] {archive.toString(), folder.toString()});
        for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
            assertArrayEquals(entry.getValue(), Files.readAllBytes(folder.resolve(entry.getKey())), entry.getKey());
        }
        assertEquals(List.of("cubins", "cubins.xz", "made"), names());
        Files.delete(folder.resolve("a2.cubin"));
        CubinArchive.unpack(archive, folder);
        assertEquals(4, folder.toFile().list().length, "a folder that is there is left alone");
    }

    @Test
    void ofADamagedArchiveNothingIsLeft() throws IOException {
        byte[] whole = Files.readAllBytes(archive);
        for (int length : new int[] {0, 20, whole.length / 2, whole.length - 1}) {
            Files.write(archive, Arrays.copyOf(whole, length));
            assertThrows(IOException.class, () -> CubinArchive.unpack(archive, root.resolve("cubins")));
            assertEquals(List.of("cubins.xz", "made"), names(), length + " bytes");
        }
    }
}

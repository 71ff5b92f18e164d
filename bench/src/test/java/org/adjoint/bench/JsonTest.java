package org.adjoint.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonTest {
    @TempDir
    private Path folder;

    @Test
    void whatIsWrittenIsReadBack() throws IOException {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("text", "a \"b\" \u00e9\n");
        value.put("whole", 1L << 60);
        value.put("real", 0.1);
        value.put("flag", true);
        value.put("nothing", null);
        value.put("list", Arrays.asList(1L, 2.5, "x", null, List.of(), Map.of()));
        Path file = folder.resolve("value.json");
        Json.write(file, value);
        assertEquals(value, Json.readObject(file));
    }

    @Test
    void aNumberThatIsNotFiniteIsNull() throws IOException {
        assertEquals("[ null, null, null, 1.5 ]",
                Json.text(List.of(Double.NaN, Double.POSITIVE_INFINITY, Float.NaN, 1.5f)));
    }

    @Test
    void aFileIsReplacedAndLeavesNothingBeside() throws IOException {
        Path file = folder.resolve("value.json");
        Json.write(file, Map.of("a", 1));
        Json.write(file, Map.of("a", 2));
        assertEquals(2L, Json.readObject(file).get("a"));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(file), files.toList());
        }
    }

    @Test
    void aFileThatIsNoJsonIsNamed() throws IOException {
        Path file = Files.writeString(folder.resolve("broken.json"), "{\"a\": ");
        IOException failure = assertThrows(IOException.class, () -> Json.readObject(file));
        assertTrue(failure.getMessage().startsWith(file + " is not valid JSON: "), failure::getMessage);
    }

    @Test
    void aFileInPlaceOfAFolderCanNotBeWritten() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "text");
        IOException failure = assertThrows(IOException.class, () -> AtomicFile.requireWritable(file.resolve("a.json")));
        assertTrue(failure.getMessage().startsWith("the folder '" + file + "' can't be written: "),
                failure::getMessage);
        failure = assertThrows(IOException.class, () -> AtomicFile.requireWritable(folder));
        assertEquals("'" + folder + "' is a folder, and a file is to be written there", failure.getMessage());
    }
}

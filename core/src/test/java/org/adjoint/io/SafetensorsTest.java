package org.adjoint.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
    @TempDir
    private Path folder;

    private Path file(String header, int dataBytes) throws IOException {
        return file(header.getBytes(StandardCharsets.UTF_8), dataBytes);
    }

    private Path file(byte[] header, int dataBytes) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length).put(header);
        for (int i = 0; i < dataBytes; i++) {
            bytes.put((byte) i);
        }
        return Files.write(folder.resolve("x.safetensors"), bytes.array());
    }

    private static void assertRefused(Path file, String message) {
        InvalidFileException e = assertThrows(InvalidFileException.class, () -> Safetensors.open(file));
        assertEquals(file + ": " + message, e.getMessage());
    }

    /** {@code save({'a': f32 [[1.5], [-2.5]], 'b': i64 [-2]}, {'format': 'np'})} of safetensors 0.8.0 for Python. */
    private static final String REFERENCE_BYTES =
        "90000000000000007b225f5f6d657461646174615f5f223a7b22666f726d6174223a226e70227d2c2262223a7b226474"
        + "797065223a22493634222c227368617065223a5b315d2c22646174615f6f666673657473223a5b302c385d7d2c226122"
        + "3a7b226474797065223a22463332222c227368617065223a5b322c315d2c22646174615f6f666673657473223a5b382c"
        + "31365d7d7d202020feffffffffffffff0000c03f000020c0";

    @Test
    void readsAFileOfTheReferenceImplementation() throws IOException {
        Path file = Files.write(folder.resolve("reference"), HexFormat.of().parseHex(REFERENCE_BYTES));
        try (Safetensors tensors = Safetensors.open(file)) {
            assertEquals(List.of("b", "a"), List.copyOf(tensors.types().keySet()));
            assertEquals(new TensorType(DType.F32, Shape.of(2, 1)), tensors.types().get("a"));
            assertEquals(Map.of("format", "np"), tensors.metadata());
            MemorySegment a = tensors.data("a");
            assertEquals(1.5f, a.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0));
            assertEquals(-2.5f, a.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4));
            assertEquals(-2, tensors.data("b").get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
        }
    }

    @Test
    void writesTheBytesOfTheReferenceImplementation() throws IOException {
        Path file = folder.resolve("written");
        try (Device device = Device.open("reference")) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("a", device.tensor(new float[] {1.5f, -2.5f}, 2, 1));
            tensors.put("b", device.tensor(new long[] {-2}, 1));
            Safetensors.write(file, tensors, Map.of("format", "np"));
        }
        assertEquals(REFERENCE_BYTES, HexFormat.of().formatHex(Files.readAllBytes(file)));
    }

    @Test
    void whatIsWrittenIsReadAgain() throws IOException {
        Path file = folder.resolve("all.safetensors");
        try (Device device = Device.open("reference")) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (DType dtype : DType.values()) {
                tensors.put("t." + dtype.text(), device.tensor(new float[] {0, 1, 0}, 3, 1).to(dtype));
            }
            tensors.put("scalar \"quoted\" \u00e9", device.scalar(2.5));
            tensors.put("empty", device.zeros(DType.F32, 0, 4));
            Safetensors.write(file, tensors, Map.of("key", "a\nb"));
            try (Safetensors read = Safetensors.open(file)) {
                assertEquals(Map.of("key", "a\nb"), read.metadata());
                assertEquals(tensors.keySet(), read.types().keySet());
                tensors.forEach((name, tensor) -> {
                    assertEquals(tensor.type(), read.types().get(name), name);
                    assertArrayEquals(tensor.toDoubleArray(), read.tensor(device, name).toDoubleArray(), name);
                });
            }
        }
        byte[] bytes = Files.readAllBytes(file);
        long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        assertEquals(0, header % 8, "the data is aligned");
    }

    @Test
    void anUnknownNameIsAnError() throws IOException {
        try (Safetensors tensors = Safetensors.open(file("{}", 0))) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> tensors.data("w"));
            assertTrue(e.getMessage().endsWith(": there is no tensor 'w'"), e.getMessage());
        }
    }

    @Test
    void aMissingFileIsAnError() {
        assertThrows(NoSuchFileException.class, () -> Safetensors.open(folder.resolve("none")));
    }

    @Test
    void aFolderIsAnError() {
        assertRefused(folder, "is a folder, not a safetensors file");
    }

    @Test
    void whatIsTooShortOrClaimsALongHeaderIsRefused() throws IOException {
        Path file = Files.write(folder.resolve("x"), new byte[7]);
        assertRefused(file, "is too short for a safetensors file: 7 bytes");
        Files.writeString(file, "not a header, just text that is longer");
        assertRefused(file, "this is no safetensors file: its header would be 7307125996937047918 bytes long, more "
            + "than the 100000000 that are allowed");
        Files.write(file, new byte[] {-1, -1, -1, -1, -1, -1, -1, -1});
        assertRefused(file, "this is no safetensors file: its header would be 18446744073709551615 bytes long, more "
            + "than the 100000000 that are allowed");
        Files.write(file, new byte[] {100, 0, 0, 0, 0, 0, 0, 0, '{', '}'});
        assertRefused(file, "the file is truncated: its header is 100 bytes long but 2 are there");
    }

    /** Truncated anywhere at all, a file is refused. */
    @Test
    void everyTruncationIsRefused() throws IOException {
        String header = "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}".replace('\'', '"');
        byte[] whole = Files.readAllBytes(file(header, 8));
        List<Integer> accepted = new ArrayList<>();
        for (int length = 0; length < whole.length; length++) {
            Path file = Files.write(folder.resolve("cut"), Arrays.copyOf(whole, length));
            try (Safetensors opened = Safetensors.open(file)) {
                accepted.add(length);
            } catch (InvalidFileException e) {
                assertTrue(e.getMessage().startsWith(file + ": "));
            }
        }
        assertEquals(List.of(), accepted);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "[] | 0 | the header must begin with '{'",
        "{ | 0 | the header is not JSON: Unexpected end-of-input*",
        "{} {} | 0 | something follows the header's object",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}} | 7"
            + " | the file is truncated: 8 bytes of data are announced but 7 are there",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}} | 9 | 1 bytes follow the last tensor",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'U8','shape':[2],'data_offsets':[7,9]}} | 9"
            + " | tensors 'a' and 'b' overlap",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'U8','shape':[2],'data_offsets':[9,11]}}"
            + " | 11 | there is a gap of 1 bytes before tensor 'b'",
        "{'a':{'dtype':'U8','shape':[0],'data_offsets':[0,0]},'a':{'dtype':'U8','shape':[0],'data_offsets':[0,0]}} | 0"
            + " | the header names 'a' twice",
        "{'__metadata__':{},'__metadata__':{}} | 0 | the header names '__metadata__' twice",
        "{'__metadata__':{'k':'1','k':'2'}} | 0 | metadata 'k' is there twice",
        "{'__metadata__':{'k':1}} | 0 | metadata 'k' is not a string",
        "{'a':{'dtype':'F8_E4M3','shape':[0],'data_offsets':[0,0]}} | 0"
            + " | tensor 'a' has dtype 'F8_E4M3', which is unknown here: only"
            + " [BOOL, U8, I32, I64, F16, BF16, F32, F64] can be read",
        "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}} | 8"
            + " | tensor 'a': f32(3) does not take the 8 bytes that data_offsets gives it",
        "{'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,0]}} | 0"
            + " | tensor 'a': the shape [4294967296, 4294967296] has more bytes than a file can hold",
        "{'a':{'dtype':'F32','shape':[2305843009213693952],'data_offsets':[0,0]}} | 0"
            + " | tensor 'a': the shape [2305843009213693952] has more bytes than a file can hold",
        "{'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,0]}} | 0"
            + " | tensor 'a': shape must be a list of whole numbers from 0",
        "{'a':{'dtype':'F32','shape':[1.5],'data_offsets':[0,0]}} | 0"
            + " | tensor 'a': shape must be a list of whole numbers from 0",
        "{'a':{'dtype':'F32','shape':2,'data_offsets':[0,0]}} | 0"
            + " | tensor 'a': shape must be a list of whole numbers from 0",
        "{'a':{'dtype':'F32','shape':[0],'data_offsets':[8,0]}} | 8"
            + " | tensor 'a': data_offsets [8, 0] must be a begin and an end",
        "{'a':{'dtype':'F32','shape':[0],'data_offsets':[0]}} | 0"
            + " | tensor 'a': data_offsets [0] must be a begin and an end",
        "{'a':{'dtype':'F32','shape':[0],'data_offsets':[0,99999999999999999999]}} | 0"
            + " | tensor 'a': data_offsets must be a list of whole numbers from 0",
        "{'a':{'dtype':'F32','shape':[0]}} | 0 | tensor 'a' lacks data_offsets",
        "{'a':{'dtype':'F32','dtype':'F32'}} | 0 | tensor 'a' has 'dtype' twice",
        "{'a':{'dtype':'F32','kind':1}} | 0"
            + " | tensor 'a' has 'kind' where only dtype, shape and data_offsets may be",
        "{'a':3} | 0 | 'a' in the header must be an object",
        "{'a':{'dtype':'BOOL','shape':[3],'data_offsets':[0,3]}} | 3"
            + " | tensor 'a' holds truth values other than 0 and 1",
    })
    void aBadHeaderIsRefused(String header, int dataBytes, String message) throws IOException {
        Path file = file(header.replace('\'', '"'), dataBytes);
        if (!message.endsWith("*")) {
            assertRefused(file, message);
            return;
        }
        InvalidFileException e = assertThrows(InvalidFileException.class, () -> Safetensors.open(file));
        assertTrue(e.getMessage().startsWith(file + ": " + message.substring(0, message.length() - 1)), e.getMessage());
    }

    private static String tensor(String name) {
        return "\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    }

    @Test
    void whatIsLongerOrDeeperThanItHasToBeIsRefused() throws IOException {
        String shape = "{\"a\":{\"shape\":[0" + ",0".repeat(64) + "]}}";
        assertRefused(file(shape, 0), "tensor 'a': shape has more than 64 numbers");
        String entries = IntStream.rangeClosed(0, 100_000).mapToObj(i -> tensor("t" + i))
            .collect(Collectors.joining(",", "{", "}"));
        assertRefused(file(entries, 0),
            "the header has more than 100000 entries or 16777216 characters of names and metadata");
        assertRefused(file("{" + tensor("n".repeat(1 << 17)) + "}", 0), "the header has a name of more than 65536 "
            + "characters, a string of more than 4194304, a number of more than 40, or is more than 8 levels deep");
        // However deep it is: nothing is read beyond the first list or object that may not be there.
        String deep = "[".repeat(100_000);
        String deeper = "{\"a\":".repeat(100_000);
        assertRefused(file("{\"a\":" + deep, 0), "'a' in the header must be an object");
        assertRefused(file(deeper, 0), "tensor 'a' has 'a' where only dtype, shape and data_offsets may be");
        assertRefused(file("{\"a\":{\"dtype\":" + deep, 0), "tensor 'a': dtype must be a string");
        assertRefused(file("{\"a\":{\"shape\":" + deep, 0), "tensor 'a': shape must be a list of whole numbers from 0");
        assertRefused(file("{\"__metadata__\":{\"k\":" + deeper, 0), "metadata 'k' is not a string");
    }

    @Test
    void messagesQuoteWithoutControlCharactersAndInShort() throws IOException {
        assertRefused(file("{\"\\u0007" + "x".repeat(200) + "\":1}", 0),
            "'\ufffd" + "x".repeat(99) + "...' in the header must be an object");
    }

    @Test
    void whatCouldNotBeReadIsNotWritten() {
        try (Device device = Device.open("reference")) {
            Path file = folder.resolve("long");
            Map<String, Tensor> tensors = Map.of("n".repeat(70_000), device.scalar(1));
            assertThrows(InvalidFileException.class, () -> Safetensors.write(file, tensors, Map.of()));
            assertTrue(Files.notExists(file));
        }
    }

    /**
     * 100,000 mutated files and some hostile ones, in a heap of 64 MiB, which holds the hostile ones themselves as
     * well.
     */
    @Test
    void mutatedFilesDoNoHarm() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx64m",
            "-XX:+UseSerialGC", "-cp", CheckpointTest.classPath(), SafetensorsMutations.class.getName(),
            folder.resolve("mutated").toString(), "100000").redirectErrorStream(true).start();
        List<String> lines = process.inputReader().lines().toList();
        assertEquals(0, process.waitFor(), () -> String.join("\n", lines));
        String[] counts = lines.getFirst().split(" ");
        assertEquals(100_000, Long.parseLong(counts[0]) + Long.parseLong(counts[1]));
        assertTrue(Long.parseLong(counts[0]) > 1000, "opened " + counts[0]);
        assertTrue(Long.parseLong(counts[1]) > 50_000, "refused " + counts[1]);
        assertTrue(lines.stream().skip(1).allMatch(line -> line.startsWith("refused ")), lines::toString);
        assertEquals(9, lines.size());
    }

    @Test
    void aHeaderThatIsNotUtf8IsRefused() throws IOException {
        assertRefused(file("{\"\u00e9\":{}}".getBytes(StandardCharsets.ISO_8859_1), 0), "the header is not UTF-8");
        assertRefused(file("{}".getBytes(StandardCharsets.UTF_16LE), 0), "the header is not JSON: Illegal character "
            + "((CTRL-CHAR, code 0)): only regular white space (\\r, \\n, \\t) is allowed between tokens");
    }
}

package org.adjoint.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against files of NumPy 2.4. */
class NpyTest {
    @TempDir
    private Path folder;
    private final Device device = Device.open("reference");

    @AfterEach
    void close() {
        device.close();
    }

    /** A file as NumPy writes it: a dictionary, padded with spaces to 128 bytes in all, and data. */
    private static byte[] file(int version, String dictionary, String data) {
        byte[] elements = HexFormat.of().parseHex(data);
        int before = version == 1 ? 10 : 12;
        byte[] bytes = new byte[128 + elements.length];
        Arrays.fill(bytes, before, 127, (byte) ' ');
        byte[] magic = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0, (byte) (128 - before)};
        System.arraycopy(magic, 0, bytes, 0, magic.length);
        byte[] text = dictionary.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(text, 0, bytes, before, text.length);
        bytes[127] = '\n';
        System.arraycopy(elements, 0, bytes, 128, elements.length);
        return bytes;
    }

    private static byte[] file(String description, String shape, String data) {
        return file(1, "{'descr': '" + description + "', 'fortran_order': False, 'shape': " + shape + ", }", data);
    }

    private Tensor read(byte[] bytes) throws IOException {
        return Npy.read(device, Files.write(folder.resolve("x.npy"), bytes));
    }

    private void assertReads(TensorType type, double[] values, byte[] bytes) throws IOException {
        Tensor tensor = read(bytes);
        assertEquals(type, tensor.type());
        assertArrayEquals(values, tensor.toDoubleArray());
    }

    private void assertRefused(byte[] bytes, String message) {
        InvalidFileException e = assertThrows(InvalidFileException.class, () -> read(bytes));
        assertEquals(folder.resolve("x.npy") + ": " + message, e.getMessage());
    }

    private static TensorType type(DType dtype, long... shape) {
        return new TensorType(dtype, Shape.of(shape));
    }

    /** The whole of {@code save(array([[1.5, -2.5, 3], [4, 5, 6]], '<f4'))}. */
    private static final String WHOLE =
        "934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2046616c73652c2027"
        + "7368617065273a2028322c2033292c207d2020202020202020202020202020202020202020202020202020202020202020202020"
        + "20202020202020202020202020202020202020202020200a0000c03f000020c000004040000080400000a0400000c040";

    @Test
    void readsAndWritesTheBytesOfNumPy() throws IOException {
        byte[] bytes = HexFormat.of().parseHex(WHOLE);
        assertArrayEquals(bytes, file("<f4", "(2, 3)", WHOLE.substring(256)));
        assertReads(type(DType.F32, 2, 3), new double[] {1.5, -2.5, 3, 4, 5, 6}, bytes);
        Path written = folder.resolve("written.npy");
        Npy.write(written, read(bytes));
        assertEquals(WHOLE, HexFormat.of().formatHex(Files.readAllBytes(written)));
    }

    @Test
    void readsEveryElementType() throws IOException {
        assertReads(type(DType.BOOL, 2), new double[] {1, 0}, file("|b1", "(2,)", "0100"));
        assertReads(type(DType.U8, 2), new double[] {1, 255}, file("|u1", "(2,)", "01ff"));
        assertReads(type(DType.I32, 1), new double[] {-1}, file("|i1", "(1,)", "ff"));
        assertReads(type(DType.I32, 1), new double[] {-2}, file("<i2", "(1,)", "feff"));
        assertReads(type(DType.I32, 2), new double[] {1, 65535}, file("<u2", "(2,)", "0100ffff"));
        assertReads(type(DType.I32, 2), new double[] {1, -2}, file(">i4", "(2,)", "00000001fffffffe"));
        assertReads(type(DType.I64, 1), new double[] {4294967295.0}, file("<u4", "(1,)", "ffffffff"));
        assertReads(type(DType.I64, 1), new double[] {7}, file("<i8", "(1,)", "0700000000000000"));
        assertReads(type(DType.F16), new double[] {1.5}, file("<f2", "()", "003e"));
        assertReads(type(DType.F16, 1), new double[] {1.5}, file(">f2", "(1,)", "3e00"));
        assertReads(type(DType.BF16, 1), new double[] {1}, file("|V2", "(1,)", "803f"));
        assertReads(type(DType.F64, 1), new double[] {0.1}, file(">f8", "(1,)", "3fb999999999999a"));
        assertReads(type(DType.F64, 0, 3), new double[0], file("<f8", "(0, 3)", ""));
    }

    @Test
    void readsColumnMajorArrays() throws IOException {
        String dictionary = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
        assertReads(type(DType.F32, 2, 3), new double[] {1.5, -2.5, 3, 4, 5, 6},
            file(1, dictionary, "0000c03f00008040000020c00000a040000040400000c040"));
        String cube = "{'descr': '|u1', 'fortran_order': True, 'shape': (1, 2, 3), }";
        assertReads(type(DType.U8, 1, 2, 3), new double[] {0, 2, 4, 1, 3, 5}, file(1, cube, "000102030405"));
    }

    @Test
    void readsEveryVersionAndWhatPythonMayWrite() throws IOException {
        String truth = "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }";
        assertReads(type(DType.BOOL, 2), new double[] {1, 0}, file(2, truth, "0100"));
        assertReads(type(DType.BOOL, 2), new double[] {1, 0}, file(3, truth, "0100"));
        assertReads(type(DType.U8, 1, 2), new double[] {1, 2},
            file(1, "{\"shape\":(1L,2),\t\"fortran_order\" : False,\"descr\":\"u1\"}", "0102"));
    }

    @Test
    void whatIsWrittenIsReadAgain() throws IOException {
        for (DType dtype : DType.values()) {
            for (long[] shape : new long[][] {{}, {0}, {3}, {2, 3}, {1, 2, 3}}) {
                long count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
                Tensor tensor = device.arange(DType.I64, count).reshape(shape).to(dtype);
                Path file = folder.resolve("t.npy");
                Npy.write(file, tensor);
                Tensor read = Npy.read(device, file);
                assertEquals(tensor.type(), read.type());
                assertArrayEquals(tensor.toDoubleArray(), read.toDoubleArray());
                assertEquals(0, (Files.size(file) - tensor.type().bytes()) % 64);
            }
        }
    }

    @Test
    void aMissingFileOrAFolderIsAnError() {
        assertThrows(NoSuchFileException.class, () -> Npy.read(device, folder.resolve("none")));
        assertThrows(InvalidFileException.class, () -> Npy.read(device, folder));
        assertThrows(NoSuchFileException.class, () -> Npz.read(device, folder.resolve("none")));
        assertThrows(InvalidFileException.class, () -> Npz.read(device, folder));
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = HexFormat.of().parseHex(WHOLE);
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThrows(InvalidFileException.class, () -> read(cut), "of " + length + " bytes");
        }
    }

    @Test
    void whatIsNoArrayIsRefused() {
        assertRefused("no array at all".getBytes(StandardCharsets.US_ASCII),
            "is no npy file: it does not begin with \\x93NUMPY and a version");
        assertRefused(file(4, "{}", ""), "is an npy file of version 4.0: only 1.0, 2.0 and 3.0 can be read");
        byte[] large = file(2, "{}", "");
        large[10] = 1;
        assertRefused(large, "has a header of 65652 bytes, more than the 65536 that are allowed");
        byte[] latin = file("<f4", "(1,)", "");
        latin[60] = (byte) 0xe9;
        assertRefused(latin, "has a header that is not UTF-8");
        assertRefused(file("<f4", "(2,)", "00000000"), "is truncated: 8 bytes of data are announced but 4 are there");
        assertRefused(file("|u1", "(2,)", "000000"), "1 bytes follow the array");
        assertRefused(file("|b1", "(2,)", "0102"), "holds truth values other than 0 and 1");
        assertRefused(file("|O", "(1,)", ""), "holds Python objects, which are code: save an array of numbers");
        assertRefused(file("<c8", "(1,)", "0000000000000000"),
            "holds elements of type '<c8', which is unknown here: cast "
            + "them to one of b1, u1, i4, i8, f2, V2, f4, f8, i1, i2, u2, u4 with astype");
        assertRefused(file(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "00000000"),
            "holds records of named fields: save each field as an array of its own");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "[] | '{' must be at character 0",
        "{'descr': '<f4'} | it lacks shape",
        "{'descr': '<f4', 'shape': ()} | it lacks fortran_order",
        "{'descr': '<f4', 'descr': '<f4'} | it has 'descr' twice",
        "{'kind': 1} | it has 'kind' where only descr, fortran_order and shape may be",
        "{'descr' '<f4'} | ':' must be at character 9",
        "{'descr': <f4} | a short string must be at character 10",
        "{'descr': '<f4} | a short string must be at character 10",
        "{'descr': '<\\x34'} | the string at character 10 must be plain ASCII",
        "{'fortran_order': 1} | fortran_order must be True or False",
        "{'shape': 3} | '(' must be at character 10",
        "{'shape': (3 4)} | ')' must be at character 13",
        "{'shape': (-1,)} | the shape must be whole numbers from 0 to 10^18",
        "{'shape': (1.5,)} | ')' must be at character 12",
        "{'shape': (9999999999999999999,)} | the shape must be whole numbers from 0 to 10^18",
        "{'shape': (4294967296,4294967296)} | the shape [4294967296, 4294967296] has more bytes than a file can hold",
        "{'descr':'<f8','fortran_order':False,'shape':(999999999999999999,2)}"
            + " | the shape (999999999999999999, 2) has more bytes than a file can hold",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x | something follows its dictionary",
    })
    void aBadHeaderIsRefused(String dictionary, String message) {
        assertRefused(file(1, dictionary, ""), "has a header that is no dictionary of an array: " + message);
    }

    /** Mutated files are read or refused, and nothing else. */
    @Test
    void mutatedFilesDoNoHarm() throws IOException {
        byte[] whole = HexFormat.of().parseHex(WHOLE);
        String characters = "{}()[]'\",:0123456789LTF<>|=fiub \n";
        Path name = folder.resolve("mutated");
        int read = 0;
        for (int seed = 0; seed < 20_000; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            byte[] bytes = whole.clone();
            for (int i = random.nextInt(3); i >= 0; i--) {
                int at = random.nextInt(80);
                bytes[at] = random.nextBoolean() ? (byte) random.nextInt(256)
                    : (byte) characters.charAt(random.nextInt(characters.length()));
            }
            try (Tensor tensor = Npy.read(device, name, MemorySegment.ofArray(bytes))) {
                read++;
            } catch (InvalidFileException e) {
                assertTrue(e.getMessage().startsWith(name + ": "));
            }
        }
        assertTrue(read > 100 && read < 10_000, read + " were read");
    }

    // Archives

    /** {@code savez_compressed(w=array([[1.5, -2.5, 3], [4, 5, 6]], '<f4'))} */
    private static final String COMPRESSED =
        "504b03042d00000008000000210063cc5a8fffffffffffffffff05001400772e6e70790100100098000000000000005c0000000000000"
        + "09bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94920a12774bcc294e058a17672416a4"
        + "02f91a463a0ac69a3a0ab50a64032e068603f60c0c0a0718181c1c18181a807801101f700000504b01022d032d000000080000002100"
        + "63cc5a8f5c00000098000000050000000000000000000000800100000000772e6e7079504b0506000000000100010033000000930000"
        + "000000";

    @Test
    void readsAnArchiveOfNumPy() throws IOException {
        Path file = Files.write(folder.resolve("c.npz"), HexFormat.of().parseHex(COMPRESSED));
        Map<String, Tensor> tensors = Npz.read(device, file);
        assertEquals(List.of("w"), List.copyOf(tensors.keySet()));
        assertEquals(type(DType.F32, 2, 3), tensors.get("w").type());
        assertArrayEquals(new double[] {1.5, -2.5, 3, 4, 5, 6}, tensors.get("w").toDoubleArray());
    }

    @Test
    void archivesAreReadAgain() throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (DType dtype : DType.values()) {
            tensors.put("layer/" + dtype.text(), device.arange(DType.I64, 200_000).remainder(2).to(dtype));
        }
        tensors.put("", device.scalar(2));
        tensors.put("empty", device.zeros(DType.F64, 0, 2));
        Path stored = folder.resolve("s.npz");
        Path deflated = folder.resolve("d.npz");
        Npz.write(stored, tensors);
        Npz.writeCompressed(deflated, tensors);
        assertTrue(Files.size(deflated) < Files.size(stored) / 20);
        for (Path file : List.of(stored, deflated)) {
            Map<String, Tensor> read = Npz.read(device, file);
            assertEquals(List.copyOf(tensors.keySet()), List.copyOf(read.keySet()));
            tensors.forEach((name, tensor) -> {
                assertEquals(tensor.type(), read.get(name).type());
                assertArrayEquals(tensor.toDoubleArray(), read.get(name).toDoubleArray());
            });
        }
    }

    private void assertArchiveRefused(byte[] bytes, String message) throws IOException {
        Path file = Files.write(folder.resolve("x.npz"), bytes);
        InvalidFileException e = assertThrows(InvalidFileException.class, () -> Npz.read(device, file));
        assertTrue(e.getMessage().startsWith(file.toString()) && e.getMessage().contains(message), e.getMessage());
    }

    private static byte[] archive(String name, byte[] content) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.putNextEntry(new ZipEntry(name));
            zip.write(content);
        }
        return out.toByteArray();
    }

    @Test
    void whatIsNoArchiveOfArraysIsRefused() throws IOException {
        byte[] array = HexFormat.of().parseHex(WHOLE);
        assertArchiveRefused(array, "is no zip archive, or a damaged one");
        assertArchiveRefused(new byte[0], "is no zip archive, or a damaged one");
        assertArchiveRefused(archive("notes.txt", array),
            "holds 'notes.txt', which is no array: their names end in .npy");
        assertArchiveRefused(archive("w.npy", Arrays.copyOf(array, 140)),
            "x.npz!w.npy: is truncated: 24 bytes of data are announced but 12 are there");
        assertArchiveRefused(archive("w.npy", Arrays.copyOf(array, 160)), "has bytes that follow the array");
        assertArchiveRefused(archive("w.npy", file("<f8", "(100000000000,)", "")),
            "is truncated: 800000000000 bytes of data are announced but its");
        assertArchiveRefused(archive("../w.npy", file("|O", "(1,)", "")), "x.npz!.._w.npy: holds Python objects");
    }

    /** Cut short or with a bit turned anywhere, an archive is read as it was or refused. */
    @Test
    void damagedArchivesDoNoHarm() throws IOException {
        byte[] whole = HexFormat.of().parseHex(COMPRESSED);
        for (int at = 0; at < whole.length; at++) {
            byte[] cut = Arrays.copyOf(whole, at);
            assertThrows(InvalidFileException.class,
                () -> Npz.read(device, Files.write(folder.resolve("cut.npz"), cut)), "of " + at + " bytes");
            for (int bit = 0; bit < 8; bit++) {
                byte[] turned = whole.clone();
                turned[at] ^= (byte) (1 << bit);
                try {
                    Map<String, Tensor> read = Npz.read(device, Files.write(folder.resolve("turned.npz"), turned));
                    for (Tensor tensor : read.values()) {
                        assertArrayEquals(new double[] {1.5, -2.5, 3, 4, 5, 6}, tensor.toDoubleArray());
                    }
                } catch (InvalidFileException e) {
                    assertTrue(e.getMessage().startsWith(folder.toString()));
                }
            }
        }
    }
}

package org.adjoint.io;

import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.adjoint.graph.TensorType;

/**
 * Reads mutated and hostile safetensors files; a program of its own, so that a test can bound its heap. Prints how many
 * it opened and refused, or what went wrong.
 */
final class SafetensorsMutations {
    private static final int ON_DISK = 100;
    private static final List<String> FILES = List.of(
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}",
        "{'__metadata__':{'format':'pt','\u00e9\u20ac':'\\u0041\\n'},"
            + "'w.0':{'dtype':'BF16','shape':[2,3],'data_offsets':[0,12]},"
            + "'b':{'dtype':'I64','shape':[],'data_offsets':[12,20]},"
            + "'e':{'dtype':'U8','shape':[0,4],'data_offsets':[20,20]}}  ",
        "{'x':{'dtype':'F64','shape':[1],'data_offsets':[4,12]},'y':{'dtype':'BOOL','shape':[4],'data_offsets':[0,4]}}",
        "{}");
    private static final int[] DATA = {8, 20, 12, 0};
    private static final List<String> TOKENS = List.of("[[[[[[[[[[[[", "{\"a\":{", "}}", "null", "true", "1e999", "-0",
        "-1",
        "0.5", "00", "18446744073709551616", "9223372036854775807", "4611686018427387904", "\"\\ud800\"", "\\u0000",
            "\u0000",
        "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},", "\"__metadata__\":{},", "\"dtype\":\"F32\",",
        "\"shape\":[],", "\"data_offsets\":[0,0],", "\"F8_E4M3\"", "\"", "\\", ",", ":", "NaN", "/*", "\ufeff",
            "\u00ff",
        "\"shape\":[4294967296,4294967296]", "\"shape\":[0,9223372036854775807,9223372036854775807]");

    private final Path file;
    private long opened;
    private long refused;

    private SafetensorsMutations(Path file) {
        this.file = file;
    }

    /** @param arguments a file that may be overwritten, and how many mutated files to read */
    public static void main(String[] arguments) throws IOException {
        SafetensorsMutations run = new SafetensorsMutations(Path.of(arguments[0]));
        int count = Integer.parseInt(arguments[1]);
        for (int seed = 0; seed < count; seed++) {
            byte[] mutated = mutated(new SplittableRandom(seed));
            try {
                run.read(mutated, seed % ON_DISK == 0);
            } catch (RuntimeException | Error e) {
                throw new AssertionError("file " + seed + " is neither opened nor refused", e);
            }
        }
        System.out.println(run.opened + " " + run.refused);
        for (Map.Entry<String, Header> hostile : hostile().entrySet()) {
            write(run.file, hostile.getValue());
            try (Safetensors tensors = Safetensors.open(run.file)) {
                System.out.println("opened " + hostile.getKey());
            } catch (InvalidFileException e) {
                System.out.println("refused " + hostile.getKey());
            }
        }
    }

    private void read(byte[] bytes, boolean onDisk) throws IOException {
        if (bytes.length < 8 || onDisk) {
            Files.write(file, bytes);
            try (Safetensors tensors = Safetensors.open(file)) {
                use(tensors, bytes.length);
            } catch (InvalidFileException e) {
                refused++;
            }
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            use(Safetensors.of(file, arena, MemorySegment.ofArray(bytes)), bytes.length);
        } catch (InvalidFileException e) {
            refused++;
        }
    }

    /** Reads all there is. */
    private void use(Safetensors tensors, int size) {
        long bytes = 8;
        for (Map.Entry<String, TensorType> tensor : tensors.types().entrySet()) {
            MemorySegment data = tensors.data(tensor.getKey());
            if (data.byteSize() != tensor.getValue().bytes()) {
                throw new AssertionError(tensor + " has " + data.byteSize() + " bytes");
            }
            for (long i = 0; i < data.byteSize(); i++) {
                data.get(ValueLayout.JAVA_BYTE, i);
            }
            bytes += data.byteSize();
        }
        if (bytes > size) {
            throw new AssertionError("the tensors have more bytes than the file");
        }
        opened++;
    }

    static byte[] file(byte[] header, int dataBytes) {
        return ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length)
            .put(header).array();
    }

    private static byte[] mutated(SplittableRandom random) {
        int which = random.nextInt(FILES.size());
        byte[] bytes = file(FILES.get(which).replace('\'', '"').getBytes(StandardCharsets.UTF_8), DATA[which]);
        int length = bytes.length;
        for (int i = random.nextInt(4); i >= 0; i--) {
            bytes = mutated(bytes, random);
        }
        if (bytes.length >= 8 && random.nextInt(3) > 0) {
            // Else hardly a header that has another length would be parsed.
            ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            header.putLong(0, header.getLong(0) + bytes.length - length);
        }
        return bytes;
    }

    private static byte[] mutated(byte[] bytes, SplittableRandom random) {
        if (bytes.length == 0) {
            return new byte[random.nextInt(20)];
        }
        // Mostly behind the length.
        int at = random.nextInt(random.nextInt(4) == 0 ? 0 : Math.min(8, bytes.length - 1), bytes.length);
        int end = Math.min(bytes.length, at + 1 + random.nextInt(12));
        byte[] part = Arrays.copyOfRange(bytes, at, end);
        switch (random.nextInt(9)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[at] = (byte) random.nextInt(256);
            case 2 -> bytes[at] = (byte) "{}[]\",:\\0123456789-.eE \n".charAt(random.nextInt(24));
            case 3 -> {
                return replaced(bytes, at, end, new byte[0]);
            }
            case 4 -> {
                return replaced(bytes, at, at, part);
            }
            case 5 -> {
                return replaced(bytes, at, at, TOKENS.get(random.nextInt(TOKENS.size()))
                    .getBytes(StandardCharsets.UTF_8));
            }
            case 6 -> {
                return replaced(bytes, at, end, TOKENS.get(random.nextInt(TOKENS.size()))
                    .getBytes(StandardCharsets.UTF_8));
            }
            case 7 -> {
                return Arrays.copyOf(bytes, at);
            }
            default -> {
                if (bytes.length >= 8) {
                    long[] lengths = {0, 1, bytes.length - 8, bytes.length - 7, 100_000_000, 100_000_001, -1,
                        Long.MIN_VALUE};
                    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(lengths[random.nextInt(lengths.length)]);
                }
            }
        }
        return bytes;
    }

    private static byte[] replaced(byte[] bytes, int from, int to, byte[] by) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(bytes, 0, from);
        out.writeBytes(by);
        out.write(bytes, to, bytes.length - to);
        return out.toByteArray();
    }

    /** Writes a header. */
    private interface Header {
        void write(Writer out) throws IOException;
    }

    /** A file without data, which is never in memory as a whole. */
    private static void write(Path file, Header header) throws IOException {
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(new byte[8]);
            try (Writer text = new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8))) {
                header.write(text);
            }
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, Files.size(file) - 8), 0);
        }
    }

    private static void repeat(Writer out, String text, int count) throws IOException {
        for (int i = 0; i < count; i++) {
            out.write(text);
        }
    }

    /** Headers of many megabytes that would take several times as much in memory. */
    private static Map<String, Header> hostile() {
        String tensor = ":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
        return Map.of(
            "brackets", out -> repeat(out.append("{\"a\":"), "[", 32 << 20),
            "objects", out -> repeat(out, "{\"a\":", 8 << 20),
            "many tensors", out -> {
                out.append("{\"t\"").append(tensor);
                for (int i = 0; i < 1_000_000; i++) {
                    out.append(",\"").append(Integer.toString(i)).append('"').append(tensor);
                }
                out.append('}');
            },
            "much metadata", out -> {
                out.append("{\"__metadata__\":{\"k\":\"\"");
                for (int i = 0; i < 30; i++) {
                    repeat(out.append(",\"" + i + "\":\"\u20ac"), "m", 3 << 20);
                    out.append('"');
                }
                out.append("}}");
            },
            "a long name", out -> {
                repeat(out.append("{\""), "n", 64 << 20);
                out.append('"').append(tensor).append('}');
            },
            "a long string", out -> {
                repeat(out.append("{\"__metadata__\":{\"k\":\""), "s", 64 << 20);
                out.append("\"}}");
            },
            "many axes", out -> {
                repeat(out.append("{\"a\":{\"shape\":[0"), ",0", 32 << 20);
                out.append("],\"dtype\":\"U8\",\"data_offsets\":[0,0]}}");
            },
            "a long number", out -> {
                repeat(out.append("{\"a\":{\"shape\":["), "9", 64 << 20);
                out.append("],\"dtype\":\"U8\"}}");
            });
    }
}

package org.adjoint.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/** The header of a safetensors file, as JSON and as checked facts. */
record SafetensorsHeader(Map<String, Entry> tensors, Map<String, String> metadata) {
    private static final String METADATA = "__metadata__";
    /** Tensors and metadata strings of a file, which bounds what its header takes in memory: some 300 bytes each. */
    private static final int MOST_ENTRIES = 100_000;
    /** Characters of names, keys and metadata in all. */
    private static final int MOST_CHARACTERS = 16 << 20;
    private static final int MOST_AXES = 64;
    private static final int LONGEST_NAME = 1 << 16;
    private static final int LONGEST_STRING = 4 << 20;
    private static final int LONGEST_NUMBER = 40;
    private static final int DEEPEST = 8;
    /** No table of names, which a file could fill with collisions; nothing is longer or deeper than it has to be. */
    private static final JsonFactory JSON = JsonFactory.builder()
        .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
        .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(DEEPEST).maxNumberLength(LONGEST_NUMBER)
            .maxNameLength(LONGEST_NAME).maxStringLength(LONGEST_STRING).build()).build();

    /** A tensor's type and where its bytes are, [begin, end) counted from the end of the header. */
    record Entry(TensorType type, long begin, long end) { }

    /** A header for tensors that lie one after the other in this order. */
    static SafetensorsHeader of(Map<String, TensorType> types, Map<String, String> metadata) {
        Map<String, Entry> tensors = new LinkedHashMap<>();
        long end = 0;
        for (Map.Entry<String, TensorType> type : types.entrySet()) {
            long begin = end;
            end = begin + type.getValue().bytes();
            tensors.put(type.getKey(), new Entry(type.getValue(), begin, end));
        }
        return new SafetensorsHeader(tensors, metadata);
    }

    /** UTF-8, padded with spaces to a multiple of 8 bytes, so that the data is aligned. */
    byte[] toJson() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(out)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectFieldStart(METADATA);
                for (Map.Entry<String, String> entry : metadata.entrySet()) {
                    json.writeStringField(entry.getKey(), entry.getValue());
                }
                json.writeEndObject();
            }
            for (Map.Entry<String, Entry> tensor : tensors.entrySet()) {
                Entry entry = tensor.getValue();
                json.writeObjectFieldStart(tensor.getKey());
                json.writeStringField("dtype", entry.type.dtype().name());
                json.writeFieldName("shape");
                json.writeArray(entry.type.shape().toArray(), 0, entry.type.shape().rank());
                json.writeFieldName("data_offsets");
                json.writeArray(new long[] {entry.begin, entry.end}, 0, 2);
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        byte[] text = out.toByteArray();
        byte[] padded = Arrays.copyOf(text, (text.length + 7) / 8 * 8);
        Arrays.fill(padded, text.length, padded.length, (byte) ' ');
        return padded;
    }

    /**
     * Reads and checks a header, as a stream: the text is never in memory as a whole.
     *
     * @param bytes of the header
     * @param dataLength how many bytes follow the header
     */
    static SafetensorsHeader parse(Path file, MemorySegment bytes, long dataLength) throws InvalidFileException {
        if (bytes.byteSize() == 0 || bytes.get(ValueLayout.JAVA_BYTE, 0) != '{') {
            throw new InvalidFileException(file, "the header must begin with '{'");
        }
        SafetensorsHeader header = new SafetensorsHeader(new LinkedHashMap<>(), new LinkedHashMap<>());
        try (Reader text = new InputStreamReader(new SegmentInputStream(bytes), StandardCharsets.UTF_8.newDecoder());
            JsonParser json = JSON.createParser(text)) {
            json.nextToken();
            header.readTensors(file, json);
            if (json.nextToken() != null) {
                throw new InvalidFileException(file, "something follows the header's object");
            }
        } catch (CharacterCodingException e) {
            throw new InvalidFileException(file, "the header is not UTF-8", e);
        } catch (StreamConstraintsException e) {
            throw new InvalidFileException(file, "the header has a name of more than " + LONGEST_NAME
                + " characters, a string of more than " + LONGEST_STRING + ", a number of more than " + LONGEST_NUMBER
                + ", or is more than " + DEEPEST + " levels deep", e);
        } catch (JsonProcessingException e) {
            throw new InvalidFileException(file, "the header is not JSON: " + e.getOriginalMessage(), e);
        } catch (InvalidFileException e) {
            throw e;
        } catch (IOException e) {
            throw new InvalidFileException(file, "the header can't be read: " + e.getMessage(), e);
        }
        header.requireWholeCover(file, dataLength);
        return header;
    }

    private void readTensors(Path file, JsonParser json) throws IOException {
        boolean metadataSeen = false;
        long characters = 0;
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String name = json.currentName();
            JsonToken value = json.nextToken();
            characters += name.length();
            requireBounded(file, characters);
            if (name.equals(METADATA) ? metadataSeen : tensors.containsKey(name)) {
                throw new InvalidFileException(file, "the header names " + quoted(name) + " twice");
            }
            if (value != JsonToken.START_OBJECT) {
                throw new InvalidFileException(file, quoted(name) + " in the header must be an object");
            }
            if (name.equals(METADATA)) {
                metadataSeen = true;
                characters += readMetadata(file, json, characters);
            } else {
                tensors.put(name, readEntry(file, json, name));
            }
        }
    }

    private void requireBounded(Path file, long characters) throws InvalidFileException {
        if (tensors.size() + metadata.size() >= MOST_ENTRIES || characters > MOST_CHARACTERS) {
            throw new InvalidFileException(file, "the header has more than " + MOST_ENTRIES + " entries or "
                + MOST_CHARACTERS + " characters of names and metadata");
        }
    }

    /** Returns how many characters there are. */
    private long readMetadata(Path file, JsonParser json, long before) throws IOException {
        long characters = 0;
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String key = json.currentName();
            if (json.nextToken() != JsonToken.VALUE_STRING) {
                throw new InvalidFileException(file, "metadata " + quoted(key) + " is not a string");
            }
            String text = json.getText();
            characters += key.length() + text.length();
            requireBounded(file, before + characters);
            if (metadata.put(key, text) != null) {
                throw new InvalidFileException(file, "metadata " + quoted(key) + " is there twice");
            }
        }
        return characters;
    }

    private static Entry readEntry(Path file, JsonParser json, String name) throws IOException {
        DType dtype = null;
        long[] shape = null;
        long[] offsets = null;
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String field = json.currentName();
            json.nextToken();
            boolean repeated = switch (field) {
                case "dtype" -> dtype != null;
                case "shape" -> shape != null;
                case "data_offsets" -> offsets != null;
                default -> throw new InvalidFileException(file,
                    "tensor " + quoted(name) + " has " + quoted(field)
                        + " where only dtype, shape and data_offsets may be");
            };
            if (repeated) {
                throw new InvalidFileException(file, "tensor " + quoted(name) + " has '" + field + "' twice");
            }
            switch (field) {
                case "dtype" -> dtype = readDtype(file, json, name);
                case "shape" -> shape = readNumbers(file, json, name, field);
                default -> offsets = readNumbers(file, json, name, field);
            }
        }
        if (dtype == null || shape == null || offsets == null) {
            throw new InvalidFileException(file, "tensor " + quoted(name) + " lacks "
                + (dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets"));
        }
        if (offsets.length != 2 || offsets[0] > offsets[1]) {
            throw new InvalidFileException(file, "tensor " + quoted(name) + ": data_offsets " + Arrays.toString(offsets)
                + " must be a begin and an end");
        }
        return new Entry(type(file, name, dtype, shape, offsets), offsets[0], offsets[1]);
    }

    private static TensorType type(Path file, String name, DType dtype, long[] shape, long[] offsets)
        throws InvalidFileException {
        try {
            TensorType type = new TensorType(dtype, Shape.of(shape));
            if (Math.multiplyExact(type.shape().elements(), (long) dtype.bytes()) == offsets[1] - offsets[0]) {
                return type;
            }
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new InvalidFileException(file, "tensor " + quoted(name) + ": the shape " + Arrays.toString(shape)
                + " has more bytes than a file can hold", e);
        }
        throw new InvalidFileException(file, "tensor " + quoted(name) + ": " + new TensorType(dtype, Shape.of(shape))
            + " does not take the " + (offsets[1] - offsets[0]) + " bytes that data_offsets gives it");
    }

    private static DType readDtype(Path file, JsonParser json, String name) throws IOException {
        if (json.currentToken() != JsonToken.VALUE_STRING) {
            throw new InvalidFileException(file, "tensor " + quoted(name) + ": dtype must be a string");
        }
        String text = json.getText();
        for (DType dtype : DType.values()) {
            if (dtype.name().equals(text)) {
                return dtype;
            }
        }
        throw new InvalidFileException(file, "tensor " + quoted(name) + " has dtype " + quoted(text)
            + ", which is unknown here: only " + Arrays.toString(DType.values()) + " can be read");
    }

    private static long[] readNumbers(Path file, JsonParser json, String name, String field) throws IOException {
        List<Long> numbers = new ArrayList<>();
        boolean valid = json.currentToken() == JsonToken.START_ARRAY;
        while (valid && json.nextToken() != JsonToken.END_ARRAY) {
            valid = json.currentToken() == JsonToken.VALUE_NUMBER_INT
                && json.getNumberType() != JsonParser.NumberType.BIG_INTEGER && json.getLongValue() >= 0;
            if (valid) {
                numbers.add(json.getLongValue());
            }
            if (numbers.size() > MOST_AXES) {
                throw new InvalidFileException(file,
                    "tensor " + quoted(name) + ": " + field + " has more than " + MOST_AXES + " numbers");
            }
        }
        if (!valid) {
            throw new InvalidFileException(file,
                "tensor " + quoted(name) + ": " + field + " must be a list of whole numbers from 0");
        }
        return numbers.stream().mapToLong(Long::longValue).toArray();
    }

    /** What a file says, for a message: cut short, and without control characters. */
    static String quoted(String text) {
        String start = text.length() <= 100 ? text : text.substring(0, 100) + "...";
        return "'" + start.replaceAll("\\p{Cntrl}", "\ufffd") + "'";
    }

    /** Tensors must cover the data without gap or overlap, so that a file hides nothing and points nowhere. */
    private void requireWholeCover(Path file, long dataLength) throws InvalidFileException {
        List<Map.Entry<String, Entry>> ordered = new ArrayList<>(tensors.entrySet());
        ordered.sort(Comparator.<Map.Entry<String, Entry>>comparingLong(e -> e.getValue().begin)
            .thenComparingLong(e -> e.getValue().end));
        long end = 0;
        String previous = null;
        for (Map.Entry<String, Entry> tensor : ordered) {
            long begin = tensor.getValue().begin;
            if (begin < end) {
                throw new InvalidFileException(file,
                    "tensors " + quoted(previous) + " and " + quoted(tensor.getKey()) + " overlap");
            }
            if (begin > end) {
                throw new InvalidFileException(file, "there is a gap of " + (begin - end) + " bytes before tensor "
                    + quoted(tensor.getKey()));
            }
            end = tensor.getValue().end;
            previous = tensor.getKey();
        }
        if (end > dataLength) {
            throw new InvalidFileException(file, "the file is truncated: " + end + " bytes of data are announced but "
                + dataLength + " are there");
        }
        if (end < dataLength) {
            throw new InvalidFileException(file, (dataLength - end) + " bytes follow the last tensor");
        }
    }
}

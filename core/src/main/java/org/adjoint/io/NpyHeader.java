package org.adjoint.io;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/**
 * The header of an npy file: magic, version, length, and a Python dictionary of the element type, the order and the
 * shape ("NEP 1: a simple file format for NumPy arrays").
 *
 * @param element how elements are stored
 * @param isFortranOrder whether the first axis varies fastest
 * @param shape of the array
 */
record NpyHeader(NpyElement element, boolean isFortranOrder, Shape shape) {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    /** What a header may take; NumPy itself refuses more than 10,000. */
    private static final int LONGEST = 1 << 16;
    private static final int MOST_AXES = 64;
    private static final int ALIGNMENT = 64;
    /** NumPy leaves room for an extent of so many digits, so that a file can grow. */
    private static final int GROWTH_DIGITS = 21;

    /** The type of the tensor that the array becomes. */
    TensorType type() {
        return new TensorType(element.dtype(), shape);
    }

    /** Bytes of the elements in the file. */
    long dataBytes() {
        return shape.elements() * element.bytes();
    }

    /** The bytes in front of a row-major tensor's elements, as NumPy writes them. */
    static byte[] of(TensorType type) {
        StringBuilder text = new StringBuilder("{'descr': '").append(NpyElement.of(type.dtype()).description())
            .append("', 'fortran_order': False, 'shape': (");
        Shape shape = type.shape();
        for (int axis = 0; axis < shape.rank(); axis++) {
            text.append(axis == 0 ? "" : ", ").append(shape.extent(axis));
        }
        text.append(shape.rank() == 1 ? ",), }" : "), }");
        if (shape.rank() > 0) {
            text.append(" ".repeat(Math.max(0, GROWTH_DIGITS - Long.toString(shape.extent(0)).length())));
        }
        int before = MAGIC.length + 4;
        int length = Math.ceilDiv(before + text.length() + 1, ALIGNMENT) * ALIGNMENT;
        byte[] bytes = Arrays.copyOf(MAGIC, length);
        Arrays.fill(bytes, before, length, (byte) ' ');
        bytes[MAGIC.length] = 1;
        bytes[MAGIC.length + 2] = (byte) (length - before);
        bytes[MAGIC.length + 3] = (byte) (length - before >> 8);
        byte[] dictionary = text.toString().getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(dictionary, 0, bytes, before, dictionary.length);
        bytes[length - 1] = '\n';
        return bytes;
    }

    /**
     * Reads and checks a header, and leaves the stream where the elements begin.
     *
     * @param file for messages
     */
    static NpyHeader read(Path file, InputStream in) throws IOException {
        byte[] start = in.readNBytes(MAGIC.length + 2);
        if (start.length < MAGIC.length + 2 || !Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new InvalidFileException(file, "is no npy file: it does not begin with \\x93NUMPY and a version");
        }
        int major = start[MAGIC.length];
        int minor = start[MAGIC.length + 1];
        if (major < 1 || major > 3 || minor != 0) {
            throw new InvalidFileException(file, "is an npy file of version " + (major & 0xff) + "." + (minor & 0xff)
                + ": only 1.0, 2.0 and 3.0 can be read");
        }
        byte[] size = in.readNBytes(major == 1 ? 2 : 4);
        if (size.length < (major == 1 ? 2 : 4)) {
            throw new InvalidFileException(file, "is truncated in its header");
        }
        long length = 0;
        for (int i = size.length - 1; i >= 0; i--) {
            length = length << 8 | size[i] & 0xff;
        }
        if (length > LONGEST) {
            throw new InvalidFileException(file, "has a header of " + length + " bytes, more than the " + LONGEST
                + " that are allowed");
        }
        byte[] text = in.readNBytes((int) length);
        if (text.length < length) {
            throw new InvalidFileException(file, "is truncated in its header");
        }
        try {
            // NumPy writes Latin-1 up to version 2, but what is read here is ASCII in any case.
            return new Parser(file, StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString())
                .header();
        } catch (CharacterCodingException e) {
            throw new InvalidFileException(file, "has a header that is not UTF-8", e);
        }
    }

    /** Reads the dictionary: of Python's literals those that an array can have. */
    private static final class Parser {
        private final Path file;
        private final String text;
        private int at;

        Parser(Path file, String text) {
            this.file = file;
            this.text = text;
        }

        NpyHeader header() throws InvalidFileException {
            NpyElement element = null;
            Boolean isFortranOrder = null;
            Shape shape = null;
            expect('{');
            while (!accept('}')) {
                String key = string();
                expect(':');
                boolean repeated = switch (key) {
                    case "descr" -> element != null;
                    case "fortran_order" -> isFortranOrder != null;
                    case "shape" -> shape != null;
                    default -> throw invalid("it has '" + key + "' where only descr, fortran_order and shape may be");
                };
                if (repeated) {
                    throw invalid("it has '" + key + "' twice");
                }
                switch (key) {
                    case "descr" -> element = element();
                    case "fortran_order" -> isFortranOrder = truth();
                    default -> shape = shape();
                }
                if (!accept(',')) {
                    expect('}');
                    break;
                }
            }
            if (peek() != 0) {
                throw invalid("something follows its dictionary");
            }
            if (element == null || isFortranOrder == null || shape == null) {
                throw invalid("it lacks " + (element == null ? "descr" : shape == null ? "shape" : "fortran_order"));
            }
            try {
                Math.multiplyExact(shape.elements(), (long) Math.max(element.bytes(), element.dtype().bytes()));
            } catch (ArithmeticException e) {
                throw invalid("the shape " + shape + " has more bytes than a file can hold");
            }
            return new NpyHeader(element, isFortranOrder, shape);
        }

        private NpyElement element() throws InvalidFileException {
            if (peek() == '[') {
                throw new InvalidFileException(file,
                    "holds records of named fields: save each field as an array of its own");
            }
            String description = string();
            NpyElement element = NpyElement.parse(description);
            if (element == null) {
                throw new InvalidFileException(file, description.endsWith("O")
                    ? "holds Python objects, which are code: save an array of numbers"
                    : "holds elements of type '" + description + "', which is unknown here: cast them to one of "
                        + NpyElement.readable() + " with astype");
            }
            return element;
        }

        private boolean truth() throws InvalidFileException {
            boolean isTrue = text.startsWith("True", skipped());
            if (!isTrue && !text.startsWith("False", at)) {
                throw invalid("fortran_order must be True or False");
            }
            at += isTrue ? 4 : 5;
            return isTrue;
        }

        private Shape shape() throws InvalidFileException {
            expect('(');
            List<Long> extents = new ArrayList<>();
            while (!accept(')')) {
                extents.add(number());
                if (extents.size() > MOST_AXES) {
                    throw invalid("the shape has more than " + MOST_AXES + " axes");
                }
                if (!accept(',')) {
                    expect(')');
                    break;
                }
            }
            try {
                return Shape.of(extents.stream().mapToLong(Long::longValue).toArray());
            } catch (IllegalArgumentException e) {
                throw invalid("the shape " + extents + " has more bytes than a file can hold");
            }
        }

        private long number() throws InvalidFileException {
            int start = skipped();
            while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
                at++;
            }
            if (at == start || at - start > 18) {
                throw invalid("the shape must be whole numbers from 0 to 10^18");
            }
            long number = Long.parseLong(text, start, at, 10);
            // Python 2 wrote 3L.
            if (at < text.length() && text.charAt(at) == 'L') {
                at++;
            }
            return number;
        }

        private String string() throws InvalidFileException {
            char quote = peek();
            int end = quote == '\'' || quote == '"' ? text.indexOf(quote, at + 1) : -1;
            if (end < 0 || end - at > 40) {
                throw invalid("a short string must be at character " + at);
            }
            String string = text.substring(at + 1, end);
            if (!string.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '\\')) {
                throw invalid("the string at character " + at + " must be plain ASCII");
            }
            at = end + 1;
            return string;
        }

        private boolean accept(char expected) {
            boolean found = peek() == expected;
            at += found ? 1 : 0;
            return found;
        }

        private void expect(char expected) throws InvalidFileException {
            if (!accept(expected)) {
                throw invalid("'" + expected + "' must be at character " + at);
            }
        }

        /** The next character that is not white space; 0 where there is none. */
        private char peek() {
            return skipped() < text.length() ? text.charAt(at) : 0;
        }

        private int skipped() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            return at;
        }

        private InvalidFileException invalid(String reason) {
            return new InvalidFileException(file, "has a header that is no dictionary of an array: " + reason);
        }
    }
}

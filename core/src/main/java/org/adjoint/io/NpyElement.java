package org.adjoint.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.Collectors;
import org.adjoint.graph.DType;

/**
 * How an array's elements are stored, in NumPy's notation: byte order, kind, and size in bytes.
 *
 * @param kind {@code b} for truth values, {@code i} and {@code u} for integers, {@code f} for floating numbers;
 *     {@code V} for 2 bytes of no meaning to NumPy, which is how {@code bfloat16} (of ml_dtypes) is saved
 * @param bytes the size of one
 * @param order of its bytes
 * @param dtype what it becomes: the same, or a wider integer
 */
record NpyElement(char kind, int bytes, ByteOrder order, DType dtype) {
    private record Known(String name, DType dtype) { }

    private static final List<Known> KNOWN = List.of(new Known("b1", DType.BOOL), new Known("u1", DType.U8),
        new Known("i4", DType.I32), new Known("i8", DType.I64), new Known("f2", DType.F16), new Known("V2", DType.BF16),
        new Known("f4", DType.F32), new Known("f8", DType.F64), new Known("i1", DType.I32), new Known("i2", DType.I32),
        new Known("u2", DType.I32), new Known("u4", DType.I64));

    /** Elements of a dtype as they are written. */
    static NpyElement of(DType dtype) {
        // The first is the one without widening.
        String name = KNOWN.stream().filter(known -> known.dtype == dtype).findFirst().orElseThrow().name;
        return new NpyElement(name.charAt(0), name.charAt(1) - '0', ByteOrder.LITTLE_ENDIAN, dtype);
    }

    /** The element that {@code <f4} or the like describes, or null where there is none. */
    static NpyElement parse(String description) {
        boolean hasOrder = !description.isEmpty() && "<>|=".indexOf(description.charAt(0)) >= 0;
        String name = hasOrder ? description.substring(1) : description;
        ByteOrder order = description.startsWith(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        return KNOWN.stream().filter(known -> known.name.equals(name))
            .map(known -> new NpyElement(name.charAt(0), name.charAt(1) - '0', order, known.dtype)).findFirst()
                .orElse(null);
    }

    /** The types that can be read, by NumPy's names. */
    static String readable() {
        return KNOWN.stream().map(Known::name).collect(Collectors.joining(", "));
    }

    /** As NumPy writes it: {@code <f4}, {@code |b1}. */
    String description() {
        return (bytes == 1 || kind == 'V' ? "|" : order == ByteOrder.BIG_ENDIAN ? ">" : "<") + kind + bytes;
    }

    /** Whether memory of such elements is memory of the dtype. */
    boolean isNative() {
        return bytes == dtype.bytes() && (bytes == 1 || order == ByteOrder.nativeOrder());
    }

    /** Writes elements as the dtype's, in the host's byte order. */
    void convert(MemorySegment source, MemorySegment target) {
        long count = source.byteSize() / bytes;
        ValueLayout.OfShort shorts = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(order);
        ValueLayout.OfInt ints = ValueLayout.JAVA_INT_UNALIGNED.withOrder(order);
        ValueLayout.OfLong longs = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(order);
        for (long i = 0; i < count; i++) {
            long value = switch (bytes) {
                case 1 -> kind == 'i' ? source.get(ValueLayout.JAVA_BYTE, i) : source.get(ValueLayout.JAVA_BYTE, i)
                    & 0xff;
                case 2 -> kind == 'u' ? source.get(shorts, 2 * i) & 0xffff : source.get(shorts, 2 * i);
                case 4 -> kind == 'u' ? source.get(ints, 4 * i) & 0xffffffffL : source.get(ints, 4 * i);
                default -> source.get(longs, 8 * i);
            };
            switch (dtype.bytes()) {
                case 1 -> target.set(ValueLayout.JAVA_BYTE, i, (byte) value);
                case 2 -> target.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i, (short) value);
                case 4 -> target.set(ValueLayout.JAVA_INT_UNALIGNED, 4 * i, (int) value);
                default -> target.set(ValueLayout.JAVA_LONG_UNALIGNED, 8 * i, value);
            }
        }
    }

    /** Whether truth values are 0 or 1, and anything else is anything. */
    boolean isValid(MemorySegment source) {
        if (kind != 'b') {
            return true;
        }
        for (long i = 0; i < source.byteSize(); i++) {
            if ((source.get(ValueLayout.JAVA_BYTE, i) & 0xfe) != 0) {
                return false;
            }
        }
        return true;
    }
}

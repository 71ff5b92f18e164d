package org.adjoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;

/** The values of a {@link Tensor}, computed if need be. In a traced function there are none: that is an error. */
public sealed interface ValueMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    private int length(String method) {
        long elements = self().shape().elements();
        if (elements > Integer.MAX_VALUE - 8) {
            throw new IllegalStateException(method + ": " + self().shape()
                + " has more elements than a Java array can hold: read slices of it");
        }
        return (int) elements;
    }

    /** All elements in row-major order, converted to float. */
    default float[] toFloatArray() {
        self().requireEager("toFloatArray");
        float[] result = new float[length("toFloatArray")];
        if (self().dtype() == DType.F32) {
            self().read("toFloatArray", MemorySegment.ofArray(result));
            return result;
        }
        double[] wide = toDoubleArray();
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) wide[i];
        }
        return result;
    }

    /** All elements in row-major order, converted to double; {@code I64} beyond 2^53 loses bits. */
    default double[] toDoubleArray() {
        self().requireEager("toDoubleArray");
        double[] result = new double[length("toDoubleArray")];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = self().read(arena);
            for (int i = 0; i < result.length; i++) {
                result[i] = switch (self().dtype()) {
                    case BOOL, U8 -> data.get(ValueLayout.JAVA_BYTE, i) & 0xff;
                    case I32 -> data.getAtIndex(ValueLayout.JAVA_INT, i);
                    case I64 -> data.getAtIndex(ValueLayout.JAVA_LONG, i);
                    case F16 -> Float.float16ToFloat(data.getAtIndex(ValueLayout.JAVA_SHORT, i));
                    case BF16 -> Halves.bf16ToFloat(data.getAtIndex(ValueLayout.JAVA_SHORT, i));
                    case F32 -> data.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                    case F64 -> data.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
                };
            }
        }
        return result;
    }

    /**
     * All elements in row-major order.
     *
     * @throws IllegalArgumentException if the tensor is floating: cast it first
     */
    default long[] toLongArray() {
        return integers("toLongArray");
    }

    private long[] integers(String method) {
        self().requireEager(method);
        if (self().dtype().isFloating()) {
            throw new IllegalArgumentException(
                method + ": " + self().type() + " is floating: cast it with to(DType.I64)");
        }
        long[] result = new long[length(method)];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = self().read(arena);
            for (int i = 0; i < result.length; i++) {
                result[i] = switch (self().dtype()) {
                    case BOOL, U8 -> data.get(ValueLayout.JAVA_BYTE, i) & 0xff;
                    case I32 -> data.getAtIndex(ValueLayout.JAVA_INT, i);
                    case I64 -> data.getAtIndex(ValueLayout.JAVA_LONG, i);
                    case F16, BF16, F32, F64 -> throw new AssertionError(self().dtype());
                };
            }
        }
        return result;
    }

    /**
     * All elements, as in {@link #toLongArray}.
     *
     * @throws IllegalArgumentException if the tensor is floating, or an element does not fit an int
     */
    default int[] toIntArray() {
        long[] wide = integers("toIntArray");
        int[] result = new int[wide.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = (int) wide[i];
            if (result[i] != wide[i]) {
                throw new IllegalArgumentException("toIntArray: " + wide[i] + ", element " + i + " of " + self().type()
                    + ", does not fit an int: use toLongArray");
            }
        }
        return result;
    }

    /**
     * Copies the elements, in their dtype, in row-major order and the host's byte order.
     *
     * @throws IllegalArgumentException if the segment is not exactly as long as the tensor
     */
    default void copyTo(MemorySegment target) {
        self().requireOpen("copyTo");
        Transfers.requireWritable("copyTo", target);
        if (target.byteSize() != Words.of("copyTo", self().type()::bytes)) {
            throw new IllegalArgumentException("copyTo: " + self().type() + " takes " + self().type().bytes()
                + " bytes, not " + target.byteSize());
        }
        self().read("copyTo", target);
    }

    /** The only element. */
    default double item() {
        self().requireEager("item");
        if (self().shape().elements() != 1) {
            throw new IllegalArgumentException(
                "item: " + self().type() + " has " + self().shape().elements() + " elements, not one");
        }
        return toDoubleArray()[0];
    }

    /** Prints type and values. */
    default void print() {
        System.out.println(self());
    }
}

package org.adjoint;

import java.lang.foreign.MemorySegment;
import org.adjoint.graph.DType;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Shape;
import org.adjoint.graph.SourceOps;
import org.adjoint.graph.TensorType;

/** Tensors that a {@link Device} makes of numbers: of the host's, or of what needs no memory until it is computed. */
public sealed interface CreationMethods permits Device {
    private Device self() {
        return (Device) this;
    }

    // From the host's memory

    /** A tensor of dtype {@code F32}; without extents, a vector. */
    default Tensor tensor(float[] values, long... extents) {
        return tensor(values, shapeOf(values.length, extents));
    }

    /** A tensor of dtype {@code F32}. */
    default Tensor tensor(float[] values, Shape shape) {
        return self().upload(DType.F32, requireCount(values.length, shape), MemorySegment.ofArray(values));
    }

    /** A tensor of dtype {@code F64}; without extents, a vector. */
    default Tensor tensor(double[] values, long... extents) {
        return tensor(values, shapeOf(values.length, extents));
    }

    /** A tensor of dtype {@code F64}. */
    default Tensor tensor(double[] values, Shape shape) {
        return self().upload(DType.F64, requireCount(values.length, shape), MemorySegment.ofArray(values));
    }

    /** A tensor of dtype {@code I32}; without extents, a vector. */
    default Tensor tensor(int[] values, long... extents) {
        return tensor(values, shapeOf(values.length, extents));
    }

    /** A tensor of dtype {@code I32}. */
    default Tensor tensor(int[] values, Shape shape) {
        return self().upload(DType.I32, requireCount(values.length, shape), MemorySegment.ofArray(values));
    }

    /** A tensor of dtype {@code I64}; without extents, a vector. */
    default Tensor tensor(long[] values, long... extents) {
        return tensor(values, shapeOf(values.length, extents));
    }

    /** A tensor of dtype {@code I64}. */
    default Tensor tensor(long[] values, Shape shape) {
        return self().upload(DType.I64, requireCount(values.length, shape), MemorySegment.ofArray(values));
    }

    /** A tensor of dtype {@code BOOL}; without extents, a vector. */
    default Tensor tensor(boolean[] values, long... extents) {
        return tensor(values, shapeOf(values.length, extents));
    }

    /** A tensor of dtype {@code BOOL}. */
    default Tensor tensor(boolean[] values, Shape shape) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (values[i] ? 1 : 0);
        }
        return self().upload(DType.BOOL, requireCount(values.length, shape), MemorySegment.ofArray(bytes));
    }

    /**
     * A tensor from memory in the host's byte order, row-major.
     *
     * @throws IllegalArgumentException if the segment is not exactly as long as the tensor
     */
    default Tensor tensor(DType dtype, Shape shape, MemorySegment values) {
        TensorType type = new TensorType(dtype, shape);
        Transfers.requireReadable("tensor", values);
        if (values.byteSize() != Words.of("tensor", type::bytes)) {
            throw new IllegalArgumentException("tensor: " + type + " takes " + type.bytes() + " bytes but "
                + values.byteSize() + " are given");
        }
        return self().upload(dtype, shape, values);
    }

    // Of a few numbers

    /** One number, {@code F32}. */
    default Tensor scalar(double value) {
        return full(DType.F32, value);
    }

    /**
     * A value everywhere.
     *
     * @throws IllegalArgumentException for a value that an integer type does not hold
     */
    default Tensor full(DType dtype, double value, long... shape) {
        return full("full", dtype, value, shape);
    }

    private Tensor full(String name, DType dtype, double value, long... shape) {
        return self().lazy(name, () -> Ops.full(dtype, Shape.of(shape), value));
    }

    /** 0 everywhere; false for {@code BOOL}. */
    default Tensor zeros(DType dtype, long... shape) {
        return full("zeros", dtype, 0, shape);
    }

    /** 1 everywhere; true for {@code BOOL}. */
    default Tensor ones(DType dtype, long... shape) {
        return full("ones", dtype, 1, shape);
    }

    /** 0, 1, ..., count - 1. */
    default Tensor arange(DType dtype, long count) {
        return self().lazy("arange", () -> Ops.iota(dtype, count));
    }

    /** {@code start, start + step, ...} up to, but not including, {@code end}; integers take whole numbers. */
    default Tensor arange(DType dtype, double start, double end, double step) {
        return self().lazy("arange", () -> SourceOps.arange(dtype, start, end, step));
    }

    /** {@code count} numbers from {@code start} to {@code end}, both included, evenly spaced. */
    default Tensor linspace(DType dtype, double start, double end, long count) {
        return self().lazy("linspace", () -> SourceOps.linspace(dtype, start, end, count));
    }

    /** The identity matrix. */
    default Tensor eye(DType dtype, long side) {
        return eye(dtype, side, side);
    }

    /** Ones on the main diagonal of (rows, columns), zeros else. */
    default Tensor eye(DType dtype, long rows, long columns) {
        return self().lazy("eye", () -> SourceOps.eye(dtype, rows, columns));
    }

    /** A value everywhere, in another tensor's shape and dtype. */
    default Tensor fullLike(Tensor like, double value) {
        return full("fullLike", like.dtype(), value, like.shape().toArray());
    }

    /** 0 everywhere, in another tensor's shape and dtype. */
    default Tensor zerosLike(Tensor like) {
        return fullLike(like, 0);
    }

    /** 1 everywhere, in another tensor's shape and dtype. */
    default Tensor onesLike(Tensor like) {
        return fullLike(like, 1);
    }

    private static Shape shapeOf(long count, long... extents) {
        return extents.length == 0 ? Shape.of(count) : Words.of("tensor", () -> Shape.of(extents));
    }

    private static Shape requireCount(long count, Shape shape) {
        if (shape.elements() != count) {
            throw new IllegalArgumentException("tensor: shape " + shape + " has " + shape.elements() + " elements but "
                + count + " values are given");
        }
        return shape;
    }
}

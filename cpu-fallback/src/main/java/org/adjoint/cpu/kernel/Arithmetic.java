package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.adjoint.cpu.gemm.ElementType;
import org.adjoint.cpu.gemm.PanelKernels;
import org.adjoint.cpu.group.RowKernels;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;

/**
 * Row kernels of one compute type, so that a kernel is written once: rows are {@code float[]} or {@code double[]},
 * which the kernel passes around as {@code Object}, and scalars are doubles. {@code F16}, {@code BF16} and {@code F32}
 * tensors compute in {@code float}.
 *
 * <p>A scalar {@code + - * /} or square root of floats, done in double and {@linkplain #round rounded}, is the float
 * result: a double has more than twice the bits (Figueroa, "When is double rounding innocuous?", 1995).
 */
abstract sealed class Arithmetic {
    final RowKernels kernels;
    /** The building blocks of matrix products over the same arrays. */
    final PanelKernels panels;

    private Arithmetic(RowKernels kernels, PanelKernels panels) {
        this.kernels = kernels;
        this.panels = panels;
    }

    /** The arithmetic in which tensors of {@code dtype} are computed. */
    static Arithmetic of(DType dtype, int vectorBits) {
        RowKernels kernels = RowKernels.of(vectorBits);
        return dtype.computeType() == DType.F64
            ? new Doubles(kernels, PanelKernels.of(vectorBits, ElementType.F64))
            : new Floats(kernels, PanelKernels.of(vectorBits, ElementType.F32));
    }

    /** The storage type of {@code dtype} in matrix products. */
    static ElementType elementType(DType dtype) {
        return switch (dtype) {
            case F16 -> ElementType.F16;
            case BF16 -> ElementType.BF16;
            case F32 -> ElementType.F32;
            case F64 -> ElementType.F64;
            case I32 -> ElementType.I32;
            case I64 -> ElementType.I64;
            case BOOL, U8 -> throw new IllegalArgumentException("no matrix products of " + dtype.text());
        };
    }

    abstract boolean isDouble();

    abstract Object array(int size);

    abstract double round(double value);

    abstract double get(Object x, int at);

    abstract void set(Object x, int at, double value);

    abstract void fill(Object x, int at, int n, double value);

    /** {@code y[c * rows + r] = x[xAt + r * xStride + c]}. */
    abstract void transpose(Object x, int xAt, int xStride, int rows, int columns, Object y);

    abstract void load(MemorySegment source, long byteOffset, DType dtype, Object y, int yAt, int n);

    abstract void store(Object x, int xAt, MemorySegment target, long byteOffset, DType dtype, int n);

    /** One element in the compute type. */
    abstract double get(MemorySegment source, long byteOffset);

    /** One element in the compute type. */
    abstract void set(MemorySegment target, long byteOffset, double value);

    abstract double sum(Object x, int xAt, int n);

    abstract double max(Object x, int xAt, int n);

    abstract double dot(Object a, int aAt, Object b, int bAt, int n);

    abstract double expSum(Object x, int xAt, double shift, Object y, int yAt, int n);

    abstract void exp(Object x, int xAt, double shift, Object y, int yAt, int n);

    abstract void scale(Object x, int xAt, double factor, Object y, int yAt, int n);

    abstract void shiftScale(Object x, int xAt, double shift, double factor, Object y, int yAt, int n);

    abstract void add(Object a, int aAt, Object b, int bAt, Object y, int yAt, int n);

    abstract void addScaled(double factor, Object x, int xAt, Object y, int yAt, int n);

    abstract void multiply(Object a, int aAt, Object b, int bAt, Object y, int yAt, int n);

    abstract void multiplyAdd(Object a, int aAt, Object b, int bAt, Object y, int yAt, int n);

    abstract void multiplyShifted(Object a, int aAt, Object b, int bAt, double shift, Object y, int yAt, int n);

    abstract void unary(UnaryOp op, Object x, int xAt, Object y, int yAt, int n);

    /** {@code log(value)} as the row kernels compute it; {@code cell} is scratch. */
    final double log(double value, Object cell) {
        set(cell, 0, value);
        unary(UnaryOp.LOG, cell, 0, cell, 0, 1);
        return get(cell, 0);
    }

    /** {@code exp(value)} as the row kernels compute it; {@code cell} is scratch. */
    final double exp(double value, Object cell) {
        set(cell, 0, value);
        exp(cell, 0, 0, cell, 0, 1);
        return get(cell, 0);
    }

    private static final class Floats extends Arithmetic {
        private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

        Floats(RowKernels kernels, PanelKernels panels) {
            super(kernels, panels);
        }

        @Override
        boolean isDouble() {
            return false;
        }

        @Override
        Object array(int size) {
            return new float[size];
        }

        @Override
        double round(double value) {
            return (float) value;
        }

        @Override
        double get(Object x, int at) {
            return ((float[]) x)[at];
        }

        @Override
        void set(Object x, int at, double value) {
            ((float[]) x)[at] = (float) value;
        }

        @Override
        void fill(Object x, int at, int n, double value) {
            Arrays.fill((float[]) x, at, at + n, (float) value);
        }

        @Override
        void transpose(Object x, int xAt, int xStride, int rows, int columns, Object y) {
            float[] source = (float[]) x;
            float[] target = (float[]) y;
            for (int c = 0; c < columns; c++) {
                for (int r = 0; r < rows; r++) {
                    target[c * rows + r] = source[xAt + r * xStride + c];
                }
            }
        }

        @Override
        void load(MemorySegment source, long byteOffset, DType dtype, Object y, int yAt, int n) {
            kernels.load(source, byteOffset, dtype, (float[]) y, yAt, n);
        }

        @Override
        void store(Object x, int xAt, MemorySegment target, long byteOffset, DType dtype, int n) {
            kernels.store((float[]) x, xAt, target, byteOffset, dtype, n);
        }

        @Override
        double get(MemorySegment source, long byteOffset) {
            return source.get(FLOAT, byteOffset);
        }

        @Override
        void set(MemorySegment target, long byteOffset, double value) {
            target.set(FLOAT, byteOffset, (float) value);
        }

        @Override
        double sum(Object x, int xAt, int n) {
            return kernels.sum((float[]) x, xAt, n);
        }

        @Override
        double max(Object x, int xAt, int n) {
            return kernels.max((float[]) x, xAt, n);
        }

        @Override
        double dot(Object a, int aAt, Object b, int bAt, int n) {
            return kernels.dot((float[]) a, aAt, (float[]) b, bAt, n);
        }

        @Override
        double expSum(Object x, int xAt, double shift, Object y, int yAt, int n) {
            return kernels.expSum((float[]) x, xAt, (float) shift, (float[]) y, yAt, n);
        }

        @Override
        void exp(Object x, int xAt, double shift, Object y, int yAt, int n) {
            kernels.exp((float[]) x, xAt, (float) shift, (float[]) y, yAt, n);
        }

        @Override
        void scale(Object x, int xAt, double factor, Object y, int yAt, int n) {
            kernels.scale((float[]) x, xAt, (float) factor, (float[]) y, yAt, n);
        }

        @Override
        void shiftScale(Object x, int xAt, double shift, double factor, Object y, int yAt, int n) {
            kernels.shiftScale((float[]) x, xAt, (float) shift, (float) factor, (float[]) y, yAt, n);
        }

        @Override
        void add(Object a, int aAt, Object b, int bAt, Object y, int yAt, int n) {
            kernels.add((float[]) a, aAt, (float[]) b, bAt, (float[]) y, yAt, n);
        }

        @Override
        void addScaled(double factor, Object x, int xAt, Object y, int yAt, int n) {
            kernels.addScaled((float) factor, (float[]) x, xAt, (float[]) y, yAt, n);
        }

        @Override
        void multiply(Object a, int aAt, Object b, int bAt, Object y, int yAt, int n) {
            kernels.multiply((float[]) a, aAt, (float[]) b, bAt, (float[]) y, yAt, n);
        }

        @Override
        void multiplyAdd(Object a, int aAt, Object b, int bAt, Object y, int yAt, int n) {
            kernels.multiplyAdd((float[]) a, aAt, (float[]) b, bAt, (float[]) y, yAt, n);
        }

        @Override
        void multiplyShifted(Object a, int aAt, Object b, int bAt, double shift, Object y, int yAt, int n) {
            kernels.multiplyShifted((float[]) a, aAt, (float[]) b, bAt, (float) shift, (float[]) y, yAt, n);
        }

        @Override
        void unary(UnaryOp op, Object x, int xAt, Object y, int yAt, int n) {
            kernels.unary(op, (float[]) x, xAt, (float[]) y, yAt, n);
        }
    }

    private static final class Doubles extends Arithmetic {
        private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

        Doubles(RowKernels kernels, PanelKernels panels) {
            super(kernels, panels);
        }

        @Override
        boolean isDouble() {
            return true;
        }

        @Override
        Object array(int size) {
            return new double[size];
        }

        @Override
        double round(double value) {
            return value;
        }

        @Override
        double get(Object x, int at) {
            return ((double[]) x)[at];
        }

        @Override
        void set(Object x, int at, double value) {
            ((double[]) x)[at] = value;
        }

        @Override
        void fill(Object x, int at, int n, double value) {
            Arrays.fill((double[]) x, at, at + n, value);
        }

        @Override
        void transpose(Object x, int xAt, int xStride, int rows, int columns, Object y) {
            double[] source = (double[]) x;
            double[] target = (double[]) y;
            for (int c = 0; c < columns; c++) {
                for (int r = 0; r < rows; r++) {
                    target[c * rows + r] = source[xAt + r * xStride + c];
                }
            }
        }

        @Override
        void load(MemorySegment source, long byteOffset, DType dtype, Object y, int yAt, int n) {
            MemorySegment.copy(source, DOUBLE, byteOffset, (double[]) y, yAt, n);
        }

        @Override
        void store(Object x, int xAt, MemorySegment target, long byteOffset, DType dtype, int n) {
            MemorySegment.copy((double[]) x, xAt, target, DOUBLE, byteOffset, n);
        }

        @Override
        double get(MemorySegment source, long byteOffset) {
            return source.get(DOUBLE, byteOffset);
        }

        @Override
        void set(MemorySegment target, long byteOffset, double value) {
            target.set(DOUBLE, byteOffset, value);
        }

        @Override
        double sum(Object x, int xAt, int n) {
            return kernels.sum((double[]) x, xAt, n);
        }

        @Override
        double max(Object x, int xAt, int n) {
            return kernels.max((double[]) x, xAt, n);
        }

        @Override
        double dot(Object a, int aAt, Object b, int bAt, int n) {
            return kernels.dot((double[]) a, aAt, (double[]) b, bAt, n);
        }

        @Override
        double expSum(Object x, int xAt, double shift, Object y, int yAt, int n) {
            return kernels.expSum((double[]) x, xAt, shift, (double[]) y, yAt, n);
        }

        @Override
        void exp(Object x, int xAt, double shift, Object y, int yAt, int n) {
            kernels.exp((double[]) x, xAt, shift, (double[]) y, yAt, n);
        }

        @Override
        void scale(Object x, int xAt, double factor, Object y, int yAt, int n) {
            kernels.scale((double[]) x, xAt, factor, (double[]) y, yAt, n);
        }

        @Override
        void shiftScale(Object x, int xAt, double shift, double factor, Object y, int yAt, int n) {
            kernels.shiftScale((double[]) x, xAt, shift, factor, (double[]) y, yAt, n);
        }

        @Override
        void add(Object a, int aAt, Object b, int bAt, Object y, int yAt, int n) {
            kernels.add((double[]) a, aAt, (double[]) b, bAt, (double[]) y, yAt, n);
        }

        @Override
        void addScaled(double factor, Object x, int xAt, Object y, int yAt, int n) {
            kernels.addScaled(factor, (double[]) x, xAt, (double[]) y, yAt, n);
        }

        @Override
        void multiply(Object a, int aAt, Object b, int bAt, Object y, int yAt, int n) {
            kernels.multiply((double[]) a, aAt, (double[]) b, bAt, (double[]) y, yAt, n);
        }

        @Override
        void multiplyAdd(Object a, int aAt, Object b, int bAt, Object y, int yAt, int n) {
            kernels.multiplyAdd((double[]) a, aAt, (double[]) b, bAt, (double[]) y, yAt, n);
        }

        @Override
        void multiplyShifted(Object a, int aAt, Object b, int bAt, double shift, Object y, int yAt, int n) {
            kernels.multiplyShifted((double[]) a, aAt, (double[]) b, bAt, shift, (double[]) y, yAt, n);
        }

        @Override
        void unary(UnaryOp op, Object x, int xAt, Object y, int yAt, int n) {
            kernels.unary(op, (double[]) x, xAt, (double[]) y, yAt, n);
        }
    }
}

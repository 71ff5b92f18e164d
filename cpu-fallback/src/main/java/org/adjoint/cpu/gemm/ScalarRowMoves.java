package org.adjoint.cpu.gemm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@link RowMoves} without the Vector API: the lane multiple is 1. Rows are moved in bulk where they can be. */
final class ScalarRowMoves implements RowMoves {

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    @Override
    public void load(ElementType type, MemorySegment source, long offset, long rowBytes, int rows, int columns,
            Object target, int targetOffset, int targetStride, short[] halves) {
        for (int row = 0; row < rows; row++) {
            long from = offset + row * rowBytes;
            int to = targetOffset + row * targetStride;
            switch (type) {
                case F32 -> MemorySegment.copy(source, FLOAT, from, target, to, columns);
                case F64 -> MemorySegment.copy(source, DOUBLE, from, target, to, columns);
                case F16 -> HalfPrecision.widen(source, from, columns, (float[]) target, to, halves);
                case BF16 -> {
                    float[] floats = (float[]) target;
                    for (int column = 0; column < columns; column++) {
                        floats[to + column] = HalfPrecision.fromBfloat16(source.get(SHORT, from + 2L * column));
                    }
                }
                case I32, I64 -> throw new AssertionError(type);
            }
        }
    }

    @Override
    public void loadPanels(MemorySegment source, long offset, long rowBytes, int rows, int columns,
            Object target, int targetOffset, int panelStride) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void loadLines(MemorySegment source, long offset, long rowBytes, int rows, int columns, Object target,
            int targetOffset, int targetStride) {
        ElementType type = target instanceof float[] ? ElementType.F32 : ElementType.F64;
        load(type, source, offset, rowBytes, rows, columns, target, targetOffset, targetStride, null);
    }

    @Override
    public void joinLines(Object source, int sourceOffset, int sourceStride, int rows, int columns, Object target) {
        for (int row = 0; row < rows; row++) {
            System.arraycopy(source, sourceOffset + row * sourceStride, target, row * columns, columns);
        }
    }

    @Override
    public void store(Object source, int sourceOffset, int sourceStride, MemorySegment target, long offset,
            long rowBytes, int rows, int columns, boolean add) {
        for (int row = 0; row < rows; row++) {
            int from = sourceOffset + row * sourceStride;
            long to = offset + row * rowBytes;
            if (source instanceof float[] floats) {
                if (add) {
                    for (int column = 0; column < columns; column++) {
                        long at = to + 4L * column;
                        target.set(FLOAT, at, target.get(FLOAT, at) + floats[from + column]);
                    }
                } else {
                    MemorySegment.copy(floats, from, target, FLOAT, to, columns);
                }
            } else {
                double[] doubles = (double[]) source;
                if (add) {
                    for (int column = 0; column < columns; column++) {
                        long at = to + 8L * column;
                        target.set(DOUBLE, at, target.get(DOUBLE, at) + doubles[from + column]);
                    }
                } else {
                    MemorySegment.copy(doubles, from, target, DOUBLE, to, columns);
                }
            }
        }
    }

    @Override
    public void store(Object source, int sourceOffset, int sourceStride, Object target, int targetOffset,
            int targetStride, int rows, int columns, boolean add) {
        for (int row = 0; row < rows; row++) {
            int from = sourceOffset + row * sourceStride;
            int to = targetOffset + row * targetStride;
            if (!add) {
                System.arraycopy(source, from, target, to, columns);
            } else if (source instanceof float[] floats) {
                float[] sums = (float[]) target;
                for (int column = 0; column < columns; column++) {
                    sums[to + column] += floats[from + column];
                }
            } else {
                double[] doubles = (double[]) source;
                double[] sums = (double[]) target;
                for (int column = 0; column < columns; column++) {
                    sums[to + column] += doubles[from + column];
                }
            }
        }
    }

    @Override
    public void narrow(ElementType type, float[] source, int sourceOffset, MemorySegment target, long offset,
            int columns, short[] halves) {
        if (type == ElementType.F16) {
            HalfPrecision.narrow(source, sourceOffset, columns, target, offset, halves);
            return;
        }
        for (int column = 0; column < columns; column++) {
            target.set(SHORT, offset + 2L * column, HalfPrecision.toBfloat16(source[sourceOffset + column]));
        }
    }

    @Override
    public void transpose(Object source, int sourceOffset, int sourceStride, int rows, int columns,
            Object target, int targetOffset, int targetStride, Object block, int blockOffset) {
        if (source instanceof float[] from) {
            float[] to = (float[]) target;
            for (int column = 0; column < columns; column++) {
                for (int row = 0; row < rows; row++) {
                    to[targetOffset + column * targetStride + row] = from[sourceOffset + row * sourceStride + column];
                }
            }
        } else {
            double[] from = (double[]) source;
            double[] to = (double[]) target;
            for (int column = 0; column < columns; column++) {
                for (int row = 0; row < rows; row++) {
                    to[targetOffset + column * targetStride + row] = from[sourceOffset + row * sourceStride + column];
                }
            }
        }
    }

    @Override
    public void multiplyRow(int depth, Object a, int aOffset, MemorySegment b, long offset, long rowBytes,
            int columns, Object sum) {
        if (a instanceof float[] factors) {
            float[] sums = (float[]) sum;
            Arrays.fill(sums, 0, columns, 0);
            for (int step = 0; step < depth; step++) {
                long row = offset + step * rowBytes;
                for (int column = 0; column < columns; column++) {
                    sums[column] = Math.fma(factors[aOffset + step], b.get(FLOAT, row + 4L * column), sums[column]);
                }
            }
        } else {
            double[] factors = (double[]) a;
            double[] sums = (double[]) sum;
            Arrays.fill(sums, 0, columns, 0);
            for (int step = 0; step < depth; step++) {
                long row = offset + step * rowBytes;
                for (int column = 0; column < columns; column++) {
                    sums[column] = Math.fma(factors[aOffset + step], b.get(DOUBLE, row + 8L * column), sums[column]);
                }
            }
        }
    }

    @Override
    public void dots(int rows, int columns, Object a, Object b, int[] starts, int bStride, Object sums) {
        for (int i = 0; i < PanelKernels.DOTS; i++) {
            if (a instanceof float[] floats) {
                dot(rows, columns, floats, (float[]) b, starts[i], bStride, (float[]) sums, i);
            } else {
                dot(rows, columns, (double[]) a, (double[]) b, starts[i], bStride, (double[]) sums, i);
            }
        }
    }

    private static void dot(int rows, int columns, float[] a, float[] b, int start, int bStride, float[] sums, int i) {
        int lanes = PanelKernels.VIRTUAL_BYTES / Float.BYTES;
        Arrays.fill(sums, i * lanes, (i + 1) * lanes, 0);
        for (int column = 0; column < columns; column++) {
            for (int row = 0; row < rows; row++) {
                int lane = i * lanes + column % lanes;
                sums[lane] = Math.fma(a[row * columns + column], b[start + row * bStride + column], sums[lane]);
            }
        }
    }

    private static void dot(int rows, int columns, double[] a, double[] b, int start, int bStride, double[] sums,
            int i) {
        int lanes = PanelKernels.VIRTUAL_BYTES / Double.BYTES;
        Arrays.fill(sums, i * lanes, (i + 1) * lanes, 0);
        for (int column = 0; column < columns; column++) {
            for (int row = 0; row < rows; row++) {
                int lane = i * lanes + column % lanes;
                sums[lane] = Math.fma(a[row * columns + column], b[start + row * bStride + column], sums[lane]);
            }
        }
    }
}

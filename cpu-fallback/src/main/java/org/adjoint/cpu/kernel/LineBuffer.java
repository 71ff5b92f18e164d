package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.adjoint.graph.DType;

/** Elements of lines on their way through {@link CumulativeKernel}; a thread keeps one. */
final class LineBuffer {
    private static final ThreadLocal<LineBuffer> LOCAL = ThreadLocal.withInitial(LineBuffer::new);
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

    /** Floating elements, and floating results in their place. */
    final double[] reals = new double[LineState.CHUNK];
    /** What a recurrence adds. */
    final double[] terms = new double[LineState.CHUNK];
    /** Integer elements, and integer results in their place. */
    final long[] wholes = new long[LineState.CHUNK];
    private final float[] floats = new float[LineState.CHUNK];
    /** Of columns that advance together: what each has come to. */
    private final double[] carried = new double[LineState.CHUNK];
    private final long[] states = new long[LineState.CHUNK];
    private final long[] indices = new long[LineState.CHUNK];

    private LineBuffer() { }

    /** The calling thread's. */
    static LineBuffer local() {
        return LOCAL.get();
    }

    /** {@code n} floating elements, {@code stride} bytes apart. */
    void loadReal(double[] target, MemorySegment memory, DType dtype, long offset, long stride, int n) {
        if (dtype == DType.F32 && stride == Float.BYTES) {
            MemorySegment.copy(memory, FLOAT, offset, floats, 0, n);
            for (int i = 0; i < n; i++) {
                target[i] = floats[i];
            }
        } else if (dtype == DType.F64 && stride == Double.BYTES) {
            MemorySegment.copy(memory, DOUBLE, offset, target, 0, n);
        } else {
            for (int i = 0; i < n; i++) {
                target[i] = Cells.floating(dtype, memory, offset + i * stride);
            }
        }
    }

    /** {@code n} integer elements, {@code stride} bytes apart. */
    void loadWhole(MemorySegment memory, DType dtype, long offset, long stride, int n) {
        if (dtype == DType.I64 && stride == Long.BYTES) {
            MemorySegment.copy(memory, LONG, offset, wholes, 0, n);
            return;
        }
        for (int i = 0; i < n; i++) {
            wholes[i] = Cells.integer(dtype, memory, offset + i * stride);
        }
    }

    /** {@code n} results, {@code stride} bytes apart. */
    void store(LineState.Kind kind, MemorySegment memory, DType dtype, long offset, long stride, int n) {
        switch (dtype) {
            case F32 -> {
                for (int i = 0; i < n; i++) {
                    floats[i] = (float) reals[i];
                }
                if (stride == Float.BYTES) {
                    MemorySegment.copy(floats, 0, memory, FLOAT, offset, n);
                    return;
                }
                for (int i = 0; i < n; i++) {
                    memory.set(FLOAT, offset + i * stride, floats[i]);
                }
            }
            case F64 -> {
                if (stride == Double.BYTES) {
                    MemorySegment.copy(reals, 0, memory, DOUBLE, offset, n);
                    return;
                }
                for (int i = 0; i < n; i++) {
                    memory.set(DOUBLE, offset + i * stride, reals[i]);
                }
            }
            case F16, BF16 -> {
                for (int i = 0; i < n; i++) {
                    Cells.setHalf(dtype, memory, offset + i * stride, (float) reals[i]);
                }
            }
            case I64 -> {
                for (int i = 0; i < n; i++) {
                    memory.set(LONG, offset + i * stride, wholes[i]);
                }
            }
            case I32 -> {
                for (int i = 0; i < n; i++) {
                    memory.set(INT, offset + i * stride, (int) wholes[i]);
                }
            }
            case BOOL, U8 -> throw new IllegalStateException(kind + " does not give " + dtype.text());
        }
    }

    /** Takes in element {@code number} of {@code n} columns, and leaves their results. */
    void advance(LineState.Kind kind, long number, int n) {
        if (number == 0) {
            start(kind, n);
        }
        switch (kind) {
            case REAL_SUM -> {
                for (int i = 0; i < n; i++) {
                    carried[i] += reals[i];
                    reals[i] = carried[i];
                }
            }
            case REAL_PROD -> {
                for (int i = 0; i < n; i++) {
                    carried[i] *= reals[i];
                    reals[i] = carried[i];
                }
            }
            case RECURRENCE -> {
                for (int i = 0; i < n; i++) {
                    // The first factor has nothing to act on, and may be infinite.
                    carried[i] = number == 0 ? terms[i] : reals[i] * carried[i] + terms[i];
                    reals[i] = carried[i];
                }
            }
            case WHOLE_SUM -> {
                for (int i = 0; i < n; i++) {
                    states[i] += wholes[i];
                    wholes[i] = states[i];
                }
            }
            case WHOLE_PROD -> {
                for (int i = 0; i < n; i++) {
                    states[i] *= wholes[i];
                    wholes[i] = states[i];
                }
            }
            case REAL_ARGMAX, REAL_ARGMIN -> {
                boolean largest = kind == LineState.Kind.REAL_ARGMAX;
                for (int i = 0; i < n; i++) {
                    double x = reals[i];
                    if (number == 0 || x != x || (largest ? x >= carried[i] : x <= carried[i])) {
                        carried[i] = x;
                        indices[i] = number;
                    }
                    wholes[i] = indices[i];
                }
            }
            case WHOLE_ARGMAX, WHOLE_ARGMIN -> {
                boolean largest = kind == LineState.Kind.WHOLE_ARGMAX;
                for (int i = 0; i < n; i++) {
                    long x = wholes[i];
                    if (number == 0 || (largest ? x >= states[i] : x <= states[i])) {
                        states[i] = x;
                        indices[i] = number;
                    }
                    wholes[i] = indices[i];
                }
            }
        }
    }

    private void start(LineState.Kind kind, int n) {
        Arrays.fill(carried, 0, n, kind == LineState.Kind.REAL_PROD ? 1 : 0);
        Arrays.fill(states, 0, n, kind == LineState.Kind.WHOLE_PROD ? 1 : 0);
    }
}

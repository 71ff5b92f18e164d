package org.adjoint.cpu.group;

import java.util.Arrays;
import java.util.List;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.FoldOp;
import org.adjoint.cpu.group.Machine.Value;
import org.adjoint.graph.ReduceOp;

/**
 * Folds the values of rows to one. Value i of a row goes to virtual lane {@code i % }{@value #LANES} ({@code % }
 * {@value #WIDE_LANES} of 64 bits), which is four vectors of 512 bits or more of fewer: enough for memory, not the
 * latency of an addition, to set the pace. Sums of lanes are taken in halves: lane i with i + 32, then i + 16, and so
 * on. The largest and the smallest value, which are the same in any order, are found in lanes of {@link RowKernels}.
 */
final class Fold {
    static final int LANES = 64;
    static final int WIDE_LANES = 32;
    private static final long[] ZEROS = new long[2];
    /** Rows up to this length are folded faster than a kernel is called. */
    private static final int SHORT = 32;

    final ReduceOp op;
    final Kind kind;
    private final TieredKernel kernel;
    private final long identity;
    private final int lanes;

    Fold(ReduceOp op, Kind kind, TieredKernel kernel) {
        this.op = op;
        this.kind = kind;
        this.kernel = kernel;
        this.identity = identity(op, kind);
        this.lanes = lanes(op, kind);
    }

    /** The loop from a row into virtual lanes. */
    static LoopProgram program(ReduceOp op, Kind kind) {
        return new LoopProgram(List.of(Access.array(kind)), List.of(), List.of(),
            List.of(intoLanes(op, new Machine().input(0, kind))));
    }

    static LoopProgram.Fold intoLanes(ReduceOp op, Value value) {
        FoldOp lanes = switch (op) {
            case SUM -> FoldOp.SUM;
            case MAX -> FoldOp.MAX;
            case MIN -> FoldOp.MIN;
            case PROD -> FoldOp.PROD;
        };
        return new LoopProgram.Fold(lanes, value, null, lanes(op, value.kind()));
    }

    private static int lanes(ReduceOp op, Kind kind) {
        return switch (op) {
            case SUM, PROD -> kind.isWide() ? WIDE_LANES : LANES;
            case MAX, MIN -> kind.virtualLanes();
        };
    }

    /** What leaves every value as it is: floating ones as the bits of a double. */
    long identity() {
        return identity;
    }

    static long identity(ReduceOp op, Kind kind) {
        return switch (op) {
            case SUM -> 0;
            case MAX -> switch (kind) {
                case F32, F64 -> Double.doubleToRawLongBits(Double.NEGATIVE_INFINITY);
                case I32, MASK -> Integer.MIN_VALUE;
                case I64 -> Long.MIN_VALUE;
            };
            case MIN -> switch (kind) {
                case F32, F64 -> Double.doubleToRawLongBits(Double.POSITIVE_INFINITY);
                case I32, MASK -> Integer.MAX_VALUE;
                case I64 -> Long.MAX_VALUE;
            };
            case PROD -> switch (kind) {
                case F32, F64 -> Double.doubleToRawLongBits(1);
                case I32, MASK, I64 -> 1;
            };
        };
    }

    /**
     * Folds each of {@code count} rows of {@code length} values, at most a block together, that follow each other.
     *
     * @param lanes an array for the virtual lanes
     */
    void rows(Scratch scratch, Object values, int length, int count, Object lanes, Object results) {
        if (kind == Kind.F32 && op == ReduceOp.SUM && length <= SHORT) {
            float[] all = (float[]) values;
            float[] some = (float[]) lanes;
            float[] sums = (float[]) results;
            for (int row = 0; row < count; row++) {
                sums[row] = shortSum(all, row * length, length, some);
            }
            return;
        }
        for (int row = 0; row < count; row++) {
            clear(lanes);
            add(scratch, values, row * length, length, lanes);
            long result = ofLanes(lanes);
            switch (results) {
                case float[] folded -> folded[row] = (float) Double.longBitsToDouble(result);
                case double[] folded -> folded[row] = Double.longBitsToDouble(result);
                case int[] folded -> folded[row] = (int) result;
                case long[] folded -> folded[row] = result;
                default -> throw new IllegalStateException("no row of " + kind);
            }
        }
    }

    /** Of at most {@link #SHORT} values: no two share a lane. */
    private static float shortSum(float[] values, int at, int length, float[] lanes) {
        Arrays.fill(lanes, 0, SHORT, 0);
        for (int i = 0; i < length; i++) {
            // As into a lane of 0: the sum of no more than negative zeros is 0.
            lanes[i] = 0 + values[at + i];
        }
        if (length > RowKernels.FLOAT_LANES) {
            for (int i = 0; i < RowKernels.FLOAT_LANES; i++) {
                lanes[i] += lanes[i + RowKernels.FLOAT_LANES];
            }
        }
        return RowKernels.foldSum(lanes);
    }

    /** Folds lanes in halves, and overwrites them. */
    private static float sum(float[] lanes) {
        for (int i = 0; i < LANES / 4; i++) {
            lanes[i] = (lanes[i] + lanes[i + LANES / 2]) + (lanes[i + LANES / 4] + lanes[i + 3 * LANES / 4]);
        }
        return RowKernels.foldSum(lanes);
    }

    /** Folds lanes in halves, and overwrites them. */
    private static double sum(double[] lanes) {
        for (int i = 0; i < WIDE_LANES / 4; i++) {
            lanes[i] = (lanes[i] + lanes[i + WIDE_LANES / 2])
                + (lanes[i + WIDE_LANES / 4] + lanes[i + 3 * WIDE_LANES / 4]);
        }
        return RowKernels.foldSum(lanes);
    }

    /** Fills lanes with what leaves every value as it is. */
    void clear(Object values) {
        switch (values) {
            case float[] floats -> Arrays.fill(floats, 0, lanes, (float) Double.longBitsToDouble(identity));
            case double[] doubles -> Arrays.fill(doubles, 0, lanes, Double.longBitsToDouble(identity));
            default -> Elements.fill(kind, identity, values, lanes);
        }
    }

    /** Folds {@code n} values of a row, from index {@code at} on, into lanes. */
    void add(Scratch scratch, Object row, int at, int n, Object lanes) {
        Object[] bases = scratch.bases(2);
        long[] offsets = scratch.offsets(2);
        bases[0] = row;
        bases[1] = lanes;
        offsets[0] = at;
        offsets[1] = 0;
        kernel.get().run(bases, offsets, ZEROS, n);
    }

    /** Folds lanes to one value. */
    long ofLanes(Object values) {
        return switch (values) {
            case float[] floats -> Double.doubleToRawLongBits(ofLanes(floats));
            case double[] doubles -> Double.doubleToRawLongBits(ofLanes(doubles));
            case int[] ints -> {
                long result = ints[0];
                for (int i = 1; i < lanes; i++) {
                    result = combine(result, ints[i]);
                }
                yield result;
            }
            case long[] longs -> {
                long result = longs[0];
                for (int i = 1; i < lanes; i++) {
                    result = combine(result, longs[i]);
                }
                yield result;
            }
            default -> throw new IllegalStateException("no lanes of " + kind);
        };
    }

    private float ofLanes(float[] values) {
        if (op == ReduceOp.SUM) {
            return sum(values);
        }
        if (op == ReduceOp.MAX) {
            return RowKernels.foldMax(values);
        }
        float result = values[0];
        for (int i = 1; i < lanes; i++) {
            result = combine(result, values[i]);
        }
        return result;
    }

    private double ofLanes(double[] values) {
        if (op == ReduceOp.SUM) {
            return sum(values);
        }
        double result = values[0];
        for (int i = 1; i < lanes; i++) {
            result = combine(result, values[i]);
        }
        return result;
    }

    /** Folds two partial results. */
    long combine(long a, long b) {
        return switch (kind) {
            case F32 -> Double.doubleToRawLongBits(
                combine((float) Double.longBitsToDouble(a), (float) Double.longBitsToDouble(b)));
            case F64 -> Double.doubleToRawLongBits(combine(Double.longBitsToDouble(a), Double.longBitsToDouble(b)));
            case I32, MASK -> switch (op) {
                case SUM -> (int) a + (int) b;
                case MAX -> Math.max(a, b);
                case MIN -> Math.min(a, b);
                case PROD -> (int) a * (int) b;
            };
            case I64 -> switch (op) {
                case SUM -> a + b;
                case MAX -> Math.max(a, b);
                case MIN -> Math.min(a, b);
                case PROD -> a * b;
            };
        };
    }

    private float combine(float a, float b) {
        return switch (op) {
            case SUM -> a + b;
            case MAX -> Math.max(a, b);
            case MIN -> Math.min(a, b);
            case PROD -> a * b;
        };
    }

    private double combine(double a, double b) {
        return switch (op) {
            case SUM -> a + b;
            case MAX -> Math.max(a, b);
            case MIN -> Math.min(a, b);
            case PROD -> a * b;
        };
    }
}

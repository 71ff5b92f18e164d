package org.adjoint.cpu.group;

import java.util.Arrays;
import java.util.List;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.FoldOp;
import org.adjoint.graph.ReduceOp;

/** Folds the values of rows to one, in the order that {@link RowKernels} defines. */
final class Fold {
    private static final long[] ZEROS = new long[2];
    /** Rows up to this length are folded faster than a kernel is called. */
    private static final int SHORT = 32;

    final ReduceOp op;
    final Kind kind;
    private final TieredKernel kernel;

    Fold(ReduceOp op, Kind kind, TieredKernel kernel) {
        this.op = op;
        this.kind = kind;
        this.kernel = kernel;
    }

    /** The loop from a row into virtual lanes. */
    static LoopProgram program(ReduceOp op, Kind kind) {
        FoldOp lanes = switch (op) {
            case SUM -> FoldOp.SUM;
            case MAX -> FoldOp.MAX;
            case MIN -> FoldOp.MIN;
            case PROD -> FoldOp.PROD;
        };
        return new LoopProgram(List.of(Access.array(kind)), List.of(), List.of(),
            List.of(new LoopProgram.Fold(lanes, new Machine().input(0, kind), null)));
    }

    /** What leaves every value as it is: floating ones as the bits of a double. */
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

    /** Folds each of {@code count} rows of {@code length} values, at most a chunk, that follow each other. */
    void rows(Scratch scratch, Object values, int length, int count, Object results) {
        if (kind == Kind.F32 && op == ReduceOp.SUM && length <= SHORT) {
            float[] lanes = (float[]) scratch.lanes(kind);
            float[] all = (float[]) values;
            float[] sums = (float[]) results;
            for (int row = 0; row < count; row++) {
                Arrays.fill(lanes, 0);
                for (int i = 0; i < length; i++) {
                    lanes[i & RowKernels.FLOAT_LANES - 1] += all[row * length + i];
                }
                sums[row] = RowKernels.foldSum(lanes);
            }
            return;
        }
        for (int row = 0; row < count; row++) {
            long result = chunk(scratch, values, row * length, length);
            switch (results) {
                case float[] folded -> folded[row] = (float) Double.longBitsToDouble(result);
                case double[] folded -> folded[row] = Double.longBitsToDouble(result);
                case int[] folded -> folded[row] = (int) result;
                case long[] folded -> folded[row] = result;
                default -> throw new IllegalStateException("no row of " + kind);
            }
        }
    }

    /** Folds at most a chunk of a row. */
    long chunk(Scratch scratch, Object row, int at, int n) {
        Object lanes = scratch.lanes(kind);
        Elements.fill(kind, identity(op, kind), lanes, kind.virtualLanes());
        Object[] bases = scratch.bases(2);
        long[] offsets = scratch.offsets(2);
        bases[0] = row;
        bases[1] = lanes;
        offsets[0] = at;
        offsets[1] = 0;
        kernel.get().run(bases, offsets, ZEROS, n);
        return switch (lanes) {
            case float[] values -> Double.doubleToRawLongBits(foldFloats(values));
            case double[] values -> Double.doubleToRawLongBits(foldDoubles(values));
            case int[] values -> {
                long result = values[0];
                for (int i = 1; i < values.length; i++) {
                    result = combine(result, values[i]);
                }
                yield result;
            }
            case long[] values -> {
                long result = values[0];
                for (int i = 1; i < values.length; i++) {
                    result = combine(result, values[i]);
                }
                yield result;
            }
            default -> throw new IllegalStateException("no lanes of " + kind);
        };
    }

    private float foldFloats(float[] lanes) {
        if (op == ReduceOp.SUM) {
            return RowKernels.foldSum(lanes);
        }
        float result = lanes[0];
        for (int i = 1; i < lanes.length; i++) {
            result = combine(result, lanes[i]);
        }
        return result;
    }

    private double foldDoubles(double[] lanes) {
        if (op == ReduceOp.SUM) {
            return RowKernels.foldSum(lanes);
        }
        double result = lanes[0];
        for (int i = 1; i < lanes.length; i++) {
            result = combine(result, lanes[i]);
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

package org.adjoint.cpu.group;

import java.util.Arrays;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.Fold;
import org.adjoint.cpu.group.LoopProgram.FoldOp;
import org.adjoint.cpu.group.LoopProgram.Store;
import org.adjoint.cpu.group.Machine.Value;
import org.adjoint.graph.DType;

/**
 * A loop over a row that lies in memory, and maybe rows of arrays, with its operands at hand: what stays from row to
 * row is set once. It gives the bits that {@link RowKernels} give over a copy of the row. For one thread.
 */
final class MemoryLoop {
    private static final Warmer WARMER = new Warmer();

    private final BlockKernel kernel;
    private final Object[] bases;
    private final long[] starts;
    private final long[] offsets;
    /** What an element moves each offset by. */
    private final long[] units;
    private final long[] scalars;
    /** Lanes of a sum, and of a maximum; null where there is none. */
    private Object sums;
    private Object maxima;
    private double sum;

    /** @param operands inputs, then results; lanes are added */
    private MemoryLoop(BlockKernel kernel, LoopProgram program, Object[] operands) {
        this.kernel = kernel;
        bases = Arrays.copyOf(operands, program.operands());
        starts = new long[bases.length];
        offsets = new long[bases.length];
        units = new long[bases.length];
        scalars = new long[program.scalars().size()];
        for (int i = 0; i < operands.length; i++) {
            Access access = program.operand(i);
            units[i] = access.array() ? 1 : access.bytes();
        }
        for (int i = 0; i < program.folds().size(); i++) {
            Fold fold = program.folds().get(i);
            Object lanes = fold.kind() == Kind.F32 ? new float[fold.lanes()] : new double[fold.lanes()];
            bases[operands.length + i] = lanes;
            if (fold.op() == FoldOp.MAX) {
                maxima = lanes;
            } else {
                sums = lanes;
            }
        }
    }

    /** A kernel for {@link #of}. With {@code warm} there is none until it is fast. */
    static TieredKernel kernel(LoopProgram program, int widthBits, boolean warm) {
        return TieredKernel.ofMemory(program, widthBits, warm ? WARMER : null);
    }

    /** The loop over these inputs and results, or null while there is no fast code for it. */
    static MemoryLoop of(TieredKernel kernel, Object... operands) {
        BlockKernel ready = kernel.get();
        return ready == null ? null : new MemoryLoop(ready, kernel.program(), operands);
    }

    static Access memory(DType dtype) {
        return Access.segment(GroupLoop.stored(dtype), dtype.bytes());
    }

    static Value load(Machine m, int operand, DType dtype) {
        return GroupLoop.fromStorage(m, dtype, m.input(operand, GroupLoop.stored(dtype)));
    }

    static Store store(Machine m, DType dtype, Value value) {
        return new Store(memory(dtype), GroupLoop.toStorage(m, dtype, value));
    }

    static Fold sum(Value value) {
        return new Fold(FoldOp.SUM, value, null, value.kind().virtualLanes());
    }

    /** The sum of {@code a b}, each product fused into its lane's sum. */
    static Fold dot(Value a, Value b) {
        return new Fold(FoldOp.FMA, a, b, a.kind().virtualLanes());
    }

    static Fold max(Value value) {
        return new Fold(FoldOp.MAX, value, null, value.kind().virtualLanes());
    }

    /** Operand {@code index} starts there: in bytes of memory, elements of an array. */
    void at(int index, long start) {
        starts[index] = start;
    }

    void scalar(int index, double value) {
        scalars[index] = Double.doubleToRawLongBits(value);
    }

    /** Runs it over {@code n} elements; what it folds is there afterwards. */
    void run(int n) {
        if (maxima != null) {
            fill(maxima, Double.NEGATIVE_INFINITY);
        }
        if (sums == null) {
            System.arraycopy(starts, 0, offsets, 0, starts.length);
            kernel.run(bases, offsets, scalars, n);
            return;
        }
        sum = 0;
        for (int chunk = 0; chunk < n; chunk += RowKernels.CHUNK) {
            for (int i = 0; i < offsets.length; i++) {
                offsets[i] = starts[i] + chunk * units[i];
            }
            fill(sums, 0);
            kernel.run(bases, offsets, scalars, Math.min(RowKernels.CHUNK, n - chunk));
            sum = sums instanceof float[] floats ? (float) sum + RowKernels.foldSum(floats)
                : sum + RowKernels.foldSum((double[]) sums);
        }
    }

    private static void fill(Object lanes, double value) {
        if (lanes instanceof float[] floats) {
            Arrays.fill(floats, (float) value);
        } else {
            Arrays.fill((double[]) lanes, value);
        }
    }

    /** The sum of the last run, in lanes, chunk by chunk, as {@link RowKernels#sum}. */
    double sum() {
        return sum;
    }

    /** The largest of what the last run folded, NaN if any was; negative infinity of nothing. */
    double max() {
        if (maxima instanceof float[] floats) {
            return RowKernels.foldMax(floats);
        }
        double max = Double.NEGATIVE_INFINITY;
        for (double lane : (double[]) maxima) {
            max = Math.max(max, lane);
        }
        return max;
    }
}

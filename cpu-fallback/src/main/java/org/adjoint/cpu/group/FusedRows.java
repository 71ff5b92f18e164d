package org.adjoint.cpu.group;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.Fold;
import org.adjoint.cpu.group.LoopProgram.FoldOp;
import org.adjoint.cpu.group.LoopProgram.Store;
import org.adjoint.cpu.group.Machine.Value;

/**
 * Loops over one row of a normalization, several operations in one: what {@link RowKernels} would do one by one, with
 * the same bits. Rows begin at element 0 and are {@code float[]} or {@code double[]}, as the instance was asked for;
 * scalars are of that type, widened.
 */
abstract class FusedRows {
    private static final Warmer WARMER = new Warmer();

    private final Kind kind;
    private final int widthBits;

    /** @param widthBits 128, 256, 512, or 0 for scalar code */
    FusedRows(int widthBits, Kind kind) {
        this.widthBits = widthBits;
        this.kind = kind;
    }

    static Kind kind(boolean doubles) {
        return doubles ? Kind.F64 : Kind.F32;
    }

    final TieredKernel loop(LoopProgram program) {
        return TieredKernel.ofRows(program, widthBits, WARMER);
    }

    static LoopProgram program(Kind kind, int inputs, int scalars, List<Value> stores, List<Value> sums) {
        return new LoopProgram(Collections.nCopies(inputs, Access.array(kind)), Collections.nCopies(scalars, kind),
            stores.stream().map(value -> new Store(Access.array(kind), value)).toList(),
            sums.stream().map(value -> new Fold(FoldOp.SUM, value, null, kind.virtualLanes())).toList());
    }

    static long bits(double scalar) {
        return Double.doubleToRawLongBits(scalar);
    }

    static void run(TieredKernel kernel, int n, long[] scalars, Object... rows) {
        kernel.get().run(rows, new long[rows.length], scalars, n);
    }

    /** Sums in lanes, chunk by chunk, as {@link RowKernels#sum}. */
    final double[] sums(TieredKernel kernel, int n, long[] scalars, Object... rows) {
        int folds = kernel.program().folds().size();
        Object[] bases = Arrays.copyOf(rows, rows.length + folds);
        long[] offsets = new long[bases.length];
        for (int i = rows.length; i < bases.length; i++) {
            bases[i] = kind == Kind.F32 ? new float[RowKernels.FLOAT_LANES] : new double[RowKernels.DOUBLE_LANES];
        }
        double[] totals = new double[folds];
        for (int chunk = 0; chunk < n; chunk += RowKernels.CHUNK) {
            Arrays.fill(offsets, 0, rows.length, chunk);
            kernel.get().run(bases, offsets, scalars, Math.min(RowKernels.CHUNK, n - chunk));
            for (int i = 0; i < folds; i++) {
                totals[i] = added(totals[i], bases[rows.length + i]);
            }
        }
        return totals;
    }

    /** {@code total + sum(lanes)} in the lanes' type; clears the lanes. */
    private static double added(double total, Object lanes) {
        if (lanes instanceof float[] floats) {
            float sum = (float) total + RowKernels.foldSum(floats);
            Arrays.fill(floats, 0);
            return sum;
        }
        double sum = total + RowKernels.foldSum((double[]) lanes);
        Arrays.fill((double[]) lanes, 0);
        return sum;
    }
}

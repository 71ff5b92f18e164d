package org.adjoint.cpu.group;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.adjoint.cpu.group.LoopProgram.Access;
import org.adjoint.cpu.group.LoopProgram.Fold;
import org.adjoint.cpu.group.LoopProgram.FoldOp;
import org.adjoint.cpu.group.LoopProgram.Store;
import org.adjoint.cpu.group.Machine.Value;

/**
 * The loops of layer normalization over one row, several operations in one: what {@link RowKernels} would do one by one,
 * with the same bits. Rows begin at element 0 and are {@code float[]} or {@code double[]}, as the instance was asked for;
 * scalars are of that type, widened.
 */
public final class NormalizationRows {
    private static final Warmer WARMER = new Warmer();
    private static final Map<List<Object>, NormalizationRows> INSTANCES = new ConcurrentHashMap<>();

    private final Kind kind;
    private final TieredKernel center;
    private final TieredKernel normalize;
    private final TieredKernel accumulate;
    private final TieredKernel weigh;
    private final TieredKernel differentiate;

    private NormalizationRows(int widthBits, Kind kind) {
        this.kind = kind;
        this.center = TieredKernel.ofRows(center(kind), widthBits, WARMER);
        this.normalize = TieredKernel.ofRows(normalize(kind), widthBits, WARMER);
        this.accumulate = TieredKernel.ofRows(accumulate(kind), widthBits, WARMER);
        this.weigh = TieredKernel.ofRows(weigh(kind), widthBits, WARMER);
        this.differentiate = TieredKernel.ofRows(differentiate(kind), widthBits, WARMER);
    }

    /** @param widthBits 128, 256, 512, or 0 for scalar code */
    public static NormalizationRows of(int widthBits, boolean doubles) {
        Kind kind = doubles ? Kind.F64 : Kind.F32;
        return INSTANCES.computeIfAbsent(List.of(widthBits, kind), key -> new NormalizationRows(widthBits, kind));
    }

    /** {@code x = x - mean}; returns the sum of the squares, each rounded before it is added. */
    public double center(Object x, double mean, int n) {
        return sums(center, n, new long[] {bits(mean)}, x, x)[0];
    }

    private static LoopProgram center(Kind kind) {
        Machine m = new Machine();
        Value centered = m.sub(m.input(0, kind), m.scalar(0, kind));
        return program(kind, 1, 1, List.of(centered), List.of(m.mul(centered, centered)));
    }

    /** {@code x = x * rstd * gamma + beta}, each operation rounded. */
    public void normalize(Object x, double rstd, Object gamma, Object beta, int n) {
        run(normalize, n, new long[] {bits(rstd)}, x, gamma, beta, x);
    }

    private static LoopProgram normalize(Kind kind) {
        Machine m = new Machine();
        Value scaled = m.mul(m.mul(m.input(0, kind), m.scalar(0, kind)), m.input(1, kind));
        return program(kind, 3, 1, List.of(m.add(scaled, m.input(2, kind))), List.of());
    }

    /** {@code x = (x - mean) * rstd}, {@code dgamma += dy * x} (fused), {@code dbeta += dy}. */
    public void accumulate(Object x, double mean, double rstd, Object dy, Object dgamma, Object dbeta, int n) {
        run(accumulate, n, new long[] {bits(mean), bits(rstd)}, x, dy, dgamma, dbeta, x, dgamma, dbeta);
    }

    private static LoopProgram accumulate(Kind kind) {
        Machine m = new Machine();
        Value dy = m.input(1, kind);
        Value normalized = m.mul(m.sub(m.input(0, kind), m.scalar(0, kind)), m.scalar(1, kind));
        return program(kind, 4, 2, List.of(normalized, m.fma(dy, normalized, m.input(2, kind)),
            m.add(m.input(3, kind), dy)), List.of());
    }

    /** {@code dy = dy * gamma}; returns the sums of that, and of that times {@code normalized}, rounded before. */
    public double[] weigh(Object dy, Object gamma, Object normalized, int n) {
        return sums(weigh, n, new long[0], dy, gamma, normalized, dy);
    }

    private static LoopProgram weigh(Kind kind) {
        Machine m = new Machine();
        Value weighted = m.mul(m.input(0, kind), m.input(1, kind));
        return program(kind, 3, 0, List.of(weighted), List.of(weighted, m.mul(weighted, m.input(2, kind))));
    }

    /** {@code g = rstd * (g - level - normalized * slope)}, each operation rounded. */
    public void differentiate(Object g, Object normalized, double level, double slope, double rstd, int n) {
        run(differentiate, n, new long[] {bits(level), bits(slope), bits(rstd)}, g, normalized, g);
    }

    private static LoopProgram differentiate(Kind kind) {
        Machine m = new Machine();
        Value shifted = m.sub(m.input(0, kind), m.scalar(0, kind));
        Value tilted = m.sub(shifted, m.mul(m.input(1, kind), m.scalar(1, kind)));
        return program(kind, 2, 3, List.of(m.mul(m.scalar(2, kind), tilted)), List.of());
    }

    private static LoopProgram program(Kind kind, int inputs, int scalars, List<Value> stores, List<Value> sums) {
        return new LoopProgram(Collections.nCopies(inputs, Access.array(kind)), Collections.nCopies(scalars, kind),
            stores.stream().map(value -> new Store(Access.array(kind), value)).toList(),
            sums.stream().map(value -> new Fold(FoldOp.SUM, value, null)).toList());
    }

    private static long bits(double scalar) {
        return Double.doubleToRawLongBits(scalar);
    }

    private static void run(TieredKernel kernel, int n, long[] scalars, Object... rows) {
        kernel.get().run(rows, new long[rows.length], scalars, n);
    }

    /** Sums in lanes, chunk by chunk, as {@link RowKernels#sum}. */
    private double[] sums(TieredKernel kernel, int n, long[] scalars, Object... rows) {
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

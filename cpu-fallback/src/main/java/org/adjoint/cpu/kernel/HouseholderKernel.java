package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.DType;
import org.adjoint.graph.MatrixOp;
import org.adjoint.graph.TensorType;
import org.adjoint.plan.PlanStep;

/**
 * {@link MatrixOp.Householder} of narrow matrices, column by column (LAPACK's geqr2 and larft). Computed in
 * {@code F64}, whatever is stored; wider matrices are decomposed into such and products. Columns are divided by powers
 * of two, so that no square overflows or vanishes: reflections are the same, and r is multiplied again.
 */
public final class HouseholderKernel implements CpuKernel {
    private static final int MOST_COLUMNS = 32;
    private static final long MOST_ELEMENTS = 1 << 20;

    private final MatrixView a;
    private final MatrixView y;
    private final MatrixView t;
    private final MatrixView r;
    private final int m;
    private final int n;
    private final Arithmetic arithmetic;

    public HouseholderKernel(PlanStep.Kernel step, int vectorBits) {
        this.a = new MatrixView(step.inputs().getFirst());
        this.y = new MatrixView(step.outputs().get(0));
        this.t = new MatrixView(step.outputs().get(1));
        this.r = new MatrixView(step.outputs().get(2));
        this.m = a.rows();
        this.n = a.columns();
        this.arithmetic = Arithmetic.of(DType.F64, vectorBits);
    }

    public static boolean supports(List<TensorType> inputs) {
        long columns = MatrixView.columns(inputs.getFirst());
        return columns <= MOST_COLUMNS && MatrixView.rows(inputs.getFirst()) * columns <= MOST_ELEMENTS;
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        a.forEach(parallel, matrix -> {
            Scratch scratch = Scratch.local();
            // Columns of a, which become those of r above those of y; and t.
            double[] panel = (double[]) scratch.array(arithmetic, 0, n * m);
            double[] triangle = (double[]) scratch.array(arithmetic, 1, n * n);
            double[] pivots = (double[]) scratch.array(arithmetic, 2, n);
            double[] products = (double[]) scratch.array(arithmetic, 3, n);
            double[] units = (double[]) scratch.array(arithmetic, 4, n);
            MemorySegment source = a.memory(slots);
            long at = a.offset(matrix, 0);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    panel[j * m + i] = a.get(source, at, i, j);
                }
            }
            for (int j = 0; j < n; j++) {
                units[j] = divide(panel, j * m, (j + 1) * m);
            }
            for (int j = 0; j < n; j++) {
                double tau = reflect(panel, pivots, j);
                join(panel, triangle, products, j, tau);
            }
            store(slots, matrix, panel, triangle, pivots, units);
        });
    }

    /** @return the power of two at or below the largest magnitude, which all are divided by; 1 if not all are finite */
    private static double divide(double[] x, int from, int to) {
        double largest = 0;
        for (int i = from; i < to; i++) {
            largest = Math.max(largest, Math.abs(x[i]));
        }
        int exponent = Double.isFinite(largest) ? Math.max(Math.getExponent(largest), Double.MIN_EXPONENT) : 0;
        double inverse = Math.scalb(1.0, -exponent);
        for (int i = from; i < to; i++) {
            x[i] *= inverse;
        }
        return Math.scalb(1.0, exponent);
    }

    /** Makes column j a reflection, below its 1, and applies it to the columns that follow. */
    private double reflect(double[] panel, double[] pivots, int j) {
        int diagonal = j * m + j;
        int below = m - j - 1;
        double alpha = panel[diagonal];
        double squares = arithmetic.dot(panel, diagonal + 1, panel, diagonal + 1, below);
        pivots[j] = alpha;
        panel[diagonal] = 1;
        if (squares == 0) {
            return 0;
        }
        double norm = Math.sqrt(alpha * alpha + squares);
        double beta = alpha < 0 ? norm : -norm;
        double tau = (beta - alpha) / beta;
        pivots[j] = beta;
        for (int i = diagonal + 1; i <= diagonal + below; i++) {
            panel[i] /= alpha - beta;
        }
        for (int k = j + 1; k < n; k++) {
            double product = arithmetic.dot(panel, diagonal, panel, k * m + j, below + 1);
            arithmetic.addScaled(-tau * product, panel, diagonal, panel, k * m + j, below + 1);
        }
        return tau;
    }

    /** Column j of t: {@code -tau t y^T y_j} above tau. */
    private void join(double[] panel, double[] triangle, double[] products, int j, double tau) {
        for (int i = 0; i < j; i++) {
            products[i] = arithmetic.dot(panel, i * m + j, panel, j * m + j, m - j);
        }
        for (int i = 0; i < j; i++) {
            triangle[i * n + j] = -tau * arithmetic.dot(triangle, i * n + i, products, i, j - i);
        }
        triangle[j * n + j] = tau;
    }

    private void store(MemorySegment[] slots, long matrix, double[] panel, double[] triangle, double[] pivots,
        double[] units) {
        MemorySegment reflections = y.memory(slots);
        long at = y.offset(matrix, 0);
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                y.set(reflections, at, i, j, i < j ? 0 : panel[j * m + i]);
            }
        }
        MemorySegment factors = t.memory(slots);
        MemorySegment results = r.memory(slots);
        long factorsAt = t.offset(matrix, 0);
        long resultsAt = r.offset(matrix, 0);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                t.set(factors, factorsAt, i, j, i > j ? 0 : triangle[i * n + j]);
                r.set(results, resultsAt, i, j, i > j ? 0 : (i == j ? pivots[j] : panel[j * m + i]) * units[j]);
            }
        }
    }
}

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
 * {@link MatrixOp.Cholesky} of matrices that fit the first-level cache, row by row: an element is its row's dot product
 * with another less. Computed in {@code F64}, whatever is stored; larger matrices are decomposed into such and
 * products.
 */
public final class CholeskyKernel implements CpuKernel {
    private static final int LARGEST = 64;

    private final MatrixView a;
    private final MatrixView l;
    private final int n;
    private final Arithmetic arithmetic;

    public CholeskyKernel(PlanStep.Kernel step, int vectorBits) {
        this.a = new MatrixView(step.inputs().getFirst());
        this.l = new MatrixView(step.outputs().getFirst());
        this.n = a.rows();
        this.arithmetic = Arithmetic.of(DType.F64, vectorBits);
    }

    public static boolean supports(List<TensorType> inputs) {
        return MatrixView.columns(inputs.getFirst()) <= LARGEST;
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        a.forEach(parallel, matrix -> {
            double[] x = (double[]) Scratch.local().array(arithmetic, 0, n * n);
            MemorySegment source = a.memory(slots);
            long sourceAt = a.offset(matrix, 0);
            MemorySegment target = l.memory(slots);
            long targetAt = l.offset(matrix, 0);
            for (int i = 0; i < n; i++) {
                for (int j = 0; j <= i; j++) {
                    x[i * n + j] = a.get(source, sourceAt, i, j);
                }
                factorRow(x, i);
                for (int j = 0; j < n; j++) {
                    l.set(target, targetAt, i, j, j <= i ? x[i * n + j] : 0);
                }
            }
        });
    }

    private void factorRow(double[] x, int i) {
        for (int j = 0; j < i; j++) {
            x[i * n + j] = (x[i * n + j] - arithmetic.dot(x, i * n, x, j * n, j)) / x[j * n + j];
        }
        double pivot = x[i * n + i] - arithmetic.dot(x, i * n, x, i * n, i);
        x[i * n + i] = pivot > 0 ? Math.sqrt(pivot) : Double.NaN;
    }
}

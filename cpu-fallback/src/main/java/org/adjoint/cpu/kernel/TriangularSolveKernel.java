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
 * {@link MatrixOp.TriangularSolve} for a matrix that fits the first-level cache, some columns of b at a time. An upper
 * triangle is a lower one read from the end. Computed in {@code F64}, whatever is stored; larger matrices are
 * decomposed into such and products.
 */
public final class TriangularSolveKernel implements CpuKernel {
    private static final int LARGEST = 64;
    /** Columns of b that a task solves for. */
    private static final int TILE = 128;
    /** So few columns are solved for one by one, by dot products along the rows of a. */
    private static final int FEW = 8;

    private final MatrixView a;
    private final MatrixView b;
    private final MatrixView x;
    private final boolean upper;
    private final boolean unitDiagonal;
    private final int n;
    private final int columns;
    private final Arithmetic arithmetic;

    public TriangularSolveKernel(PlanStep.Kernel step, MatrixOp.TriangularSolve op, int vectorBits) {
        this.a = new MatrixView(step.inputs().get(0));
        this.b = new MatrixView(step.inputs().get(1));
        this.x = new MatrixView(step.outputs().getFirst());
        this.upper = op.upper();
        this.unitDiagonal = op.unitDiagonal();
        this.n = a.rows();
        this.columns = b.columns();
        this.arithmetic = Arithmetic.of(DType.F64, vectorBits);
    }

    public static boolean supports(List<TensorType> inputs) {
        return MatrixView.columns(inputs.getFirst()) <= LARGEST;
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        if (columns <= TILE) {
            b.forEach(parallel, matrix -> solve(slots, matrix, 0));
            return;
        }
        int tiles = Math.ceilDiv(columns, TILE);
        parallel.run(Math.toIntExact(b.count() * tiles), (task, worker) -> solve(slots, task / tiles,
            task % tiles * TILE));
    }

    /** A row or, of an upper triangle, that row from the end. */
    private int row(int i) {
        return upper ? n - 1 - i : i;
    }

    private void solve(MemorySegment[] slots, long matrix, int first) {
        int count = Math.min(TILE, columns - first);
        double[] triangle = (double[]) Scratch.local().array(arithmetic, 0, n * n);
        double[] tile = (double[]) Scratch.local().array(arithmetic, 1, n * count);
        loadTriangle(slots, matrix, triangle);
        boolean isNarrow = count < FEW;
        // Narrow tiles lie column by column, others row by row.
        int rowStep = isNarrow ? 1 : count;
        int columnStep = isNarrow ? n : 1;
        MemorySegment source = b.memory(slots);
        long sourceAt = b.offset(matrix, 0, first);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < count; j++) {
                tile[i * rowStep + j * columnStep] = b.get(source, sourceAt, row(i), j);
            }
        }
        if (isNarrow) {
            solveColumns(triangle, tile, count);
        } else {
            solveRows(triangle, tile, count);
        }
        MemorySegment target = x.memory(slots);
        long targetAt = x.offset(matrix, 0, first);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < count; j++) {
                x.set(target, targetAt, row(i), j, tile[i * rowStep + j * columnStep]);
            }
        }
    }

    private void loadTriangle(MemorySegment[] slots, long matrix, double[] triangle) {
        MemorySegment memory = a.memory(slots);
        long at = a.offset(matrix, 0);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                triangle[i * n + j] = a.get(memory, at, row(i), row(j));
            }
            triangle[i * n + i] = unitDiagonal ? 1 : a.get(memory, at, row(i), row(i));
        }
    }

    private void solveRows(double[] triangle, double[] tile, int count) {
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < i; k++) {
                arithmetic.addScaled(-triangle[i * n + k], tile, k * count, tile, i * count, count);
            }
            for (int j = i * count; j < (i + 1) * count; j++) {
                tile[j] /= triangle[i * n + i];
            }
        }
    }

    private void solveColumns(double[] triangle, double[] tile, int count) {
        for (int j = 0; j < count; j++) {
            for (int i = 0; i < n; i++) {
                tile[j * n + i] = (tile[j * n + i] - arithmetic.dot(triangle, i * n, tile, j * n, i)) / triangle[i * n
                    + i];
            }
        }
    }
}

package org.adjoint.cuda.kernel;

import java.util.Arrays;
import java.util.List;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.DType;
import org.adjoint.graph.MatrixOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * Factorizations of small matrices, and systems of few equations: {@code matrices.cu}. Matrices may have any strides;
 * there is one block for each, or of {@code triangularSolve} some for the columns of each right-hand side.
 */
public final class MatrixKernels {
    /** As in the source. */
    private static final int WIDTH = 32;
    private static final int GROUPS = 32;
    private static final int COLUMNS = 64;
    /** Rows of a warp that are worth one more. */
    private static final int ROWS = 8;

    private MatrixKernels() { }

    /** Whether the matrix, the first input, has so few columns that there is a kernel for it. */
    public static boolean supports(List<TensorType> inputs) {
        Shape shape = inputs.getFirst().shape();
        return shape.extent(shape.rank() - 1) <= WIDTH;
    }

    public static Prepared cholesky(PlanStep.Kernel step) {
        View a = step.inputs().getFirst();
        if (a.shape().isEmpty()) {
            return Prepared.NOTHING;
        }
        return Prepared.of(Launch.of(source(a.dtype()), "cholesky_" + CNames.of(a.dtype()), batch(a).elements(), WIDTH,
            Argument.of(a), Argument.of(step.outputs().getFirst()), columns(a), rowStride(a), columnStride(a),
            Axes.of("cholesky", batch(a).toArray(), batchStrides(a)).argument()));
    }

    public static Prepared triangularSolve(PlanStep.Kernel step, MatrixOp.TriangularSolve op) {
        View a = step.inputs().get(0);
        View b = step.inputs().get(1);
        if (b.shape().isEmpty()) {
            return Prepared.NOTHING;
        }
        long right = b.shape().extent(b.shape().rank() - 1);
        long tiles = Math.ceilDiv(right, (long) COLUMNS);
        return Prepared.of(Launch.of(source(a.dtype()), "triangular_solve_" + CNames.of(a.dtype()),
            batch(b).elements() * tiles, COLUMNS, Argument.of(a), Argument.of(b),
            Argument.of(step.outputs().getFirst()), columns(a), Argument.of(right), Argument.of(tiles),
            rowStride(a), columnStride(a), rowStride(b), columnStride(b), Argument.of(op.upper() ? 1 : 0), Argument.of(op.unitDiagonal() ? 1 : 0),
            Axes.of("triangularSolve", batch(b).toArray(), batchStrides(a), batchStrides(b)).argument()));
    }

    public static Prepared householder(PlanStep.Kernel step) {
        View a = step.inputs().getFirst();
        if (a.shape().isEmpty()) {
            return Prepared.NOTHING;
        }
        long rows = a.shape().extent(a.shape().rank() - 2);
        int groups = (int) Long.highestOneBit(Math.clamp(rows / ROWS, 1, GROUPS));
        return Prepared.of(new Launch(source(a.dtype()), "householder_" + CNames.of(a.dtype()), batch(a).elements(),
            1, 1, WIDTH, groups, 0, List.of(Argument.of(a), Argument.of(step.outputs().get(0)),
                Argument.of(step.outputs().get(1)), Argument.of(step.outputs().get(2)), Argument.of(rows), columns(a),
                rowStride(a), columnStride(a),
                Axes.of("householder", batch(a).toArray(), batchStrides(a)).argument())));
    }

    private static Source source(DType dtype) {
        return Source.ofFile("matrices.cu", CNames.asT(dtype));
    }

    private static Shape batch(View view) {
        return view.shape().without(view.shape().rank() - 2, view.shape().rank() - 1);
    }

    private static long[] batchStrides(View view) {
        return Arrays.copyOf(view.strides(), view.strides().length - 2);
    }

    private static Argument columns(View view) {
        return Argument.of(Math.toIntExact(view.shape().extent(view.shape().rank() - 1)));
    }

    private static Argument rowStride(View view) {
        return Argument.of(view.strides()[view.strides().length - 2]);
    }

    private static Argument columnStride(View view) {
        return Argument.of(view.strides()[view.strides().length - 1]);
    }
}

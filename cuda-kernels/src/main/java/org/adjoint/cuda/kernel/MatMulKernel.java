package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Fill;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Product;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.Shape;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * Batched products {@code (batch..., m, k) . (batch..., k, n)}: floating ones by cuBLAS, integer ones by
 * {@code integer_matmul.cu}.
 */
public final class MatMulKernel {
    /** Products that one view's batch may take: a view whose batch would take more is better copied. */
    private static final long MOST_PRODUCTS = 64;
    private static final int TILE = 32;
    private static final int TILE_ROWS = 8;

    private MatMulKernel() { }

    /** Whether products read this operand where it lies. */
    public static boolean fits(View view) {
        if (!view.dtype().isFloating() || view.shape().isEmpty()) {
            return true;
        }
        BatchAxes batch = BatchAxes.of(view, view, view);
        return MatrixLayout.of(view) != null && batch.products() <= MOST_PRODUCTS;
    }

    /** @throws IllegalArgumentException if an extent is beyond what cuBLAS takes */
    public static Prepared prepare(PlanStep.Kernel step) {
        View a = step.inputs().get(0);
        View b = step.inputs().get(1);
        View c = step.outputs().getFirst();
        int rank = c.shape().rank();
        long k = a.shape().extent(rank - 1);
        if (c.shape().isEmpty()) {
            return Prepared.NOTHING;
        }
        if (k == 0) {
            return Prepared.of(new Fill(Argument.of(c), c.shape().elements() * c.dtype().bytes(), (byte) 0));
        }
        return c.dtype().isFloating() ? new Prepared(products(a, b, c), 0, false) : Prepared.of(integer(a, b, c));
    }

    private static List<Work> products(View a, View b, View c) {
        int rank = c.shape().rank();
        long m = c.shape().extent(rank - 2);
        long n = c.shape().extent(rank - 1);
        long k = a.shape().extent(rank - 1);
        BatchAxes batch = BatchAxes.of(a, b, c);
        for (long extent : new long[] {m, n, k, batch.count()}) {
            if (extent > MatrixLayout.LARGEST) {
                throw new IllegalArgumentException("matmul: cuBLAS takes extents up to " + MatrixLayout.LARGEST
                    + " but a is " + a.shape() + " and b " + b.shape() + ": slice them");
            }
        }
        List<Work> products = new ArrayList<>();
        for (long[] offsets : batch.offsets()) {
            products.add(new Product(c.dtype(), m, n, k, matrix(a, offsets[0], batch.strides()[0]),
                matrix(b, offsets[1], batch.strides()[1]), matrix(c, offsets[2], batch.strides()[2]), batch.count()));
        }
        return products;
    }

    private static Product.Matrix matrix(View view, long offset, long batchStride) {
        MatrixLayout layout = MatrixLayout.of(view);
        return new Product.Matrix(view.slot(), view.byteOffset() + offset * view.dtype().bytes(), layout.leading(),
            layout.transposed(), batchStride);
    }

    private static Launch integer(View a, View b, View c) {
        int rank = c.shape().rank();
        long m = c.shape().extent(rank - 2);
        long n = c.shape().extent(rank - 1);
        Shape batch = c.shape().without(rank - 2, rank - 1);
        Axes axes = Axes.of("matmul", batch.toArray(), Arrays.copyOf(a.strides(), rank - 2),
            Arrays.copyOf(b.strides(), rank - 2));
        long blocks = batch.elements() * Math.ceilDiv(m, (long) TILE) * Math.ceilDiv(n, (long) TILE);
        return new Launch(Source.ofFile("integer_matmul.cu", CNames.asT(c.dtype())),
            "integer_matmul_" + CNames.of(c.dtype()), blocks, 1, 1, TILE, TILE_ROWS, 0,
            List.of(Argument.of(a), Argument.of(b), Argument.of(c), Argument.of(m), Argument.of(n),
                Argument.of(a.shape().extent(rank - 1)), strides(a), strides(b), axes.argument()));
    }

    private static Argument strides(View view) {
        int rank = view.shape().rank();
        return new Argument.Int64s(view.strides()[rank - 2], view.strides()[rank - 1]);
    }
}

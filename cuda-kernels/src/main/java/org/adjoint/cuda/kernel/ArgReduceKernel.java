package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** The index of the first largest or smallest element along an axis; x may have any strides: {@code arg_reduce.cu}. */
public final class ArgReduceKernel {
    private static final int THREADS = 256;
    private static final int WARP = 32;
    /** As in the source: elements of a line for one warp, and for one thread. */
    private static final long ROW_PART = 4096;
    private static final long COLUMN_PART = 512;

    private ArgReduceKernel() { }

    public static Prepared prepare(PlanStep.Kernel step, Op.ArgReduce op) {
        View x = step.inputs().getFirst();
        View y = step.outputs().getFirst();
        long count = y.shape().elements();
        if (count == 0) {
            return Prepared.NOTHING;
        }
        DType dtype = x.dtype();
        Source source = Source.ofFile("arg_reduce.cu", CNames.asT(dtype));
        Axes axes = Axes.of(op.name(), y.shape().toArray(), without(x.strides(), op.axis()));
        long extent = x.shape().extent(op.axis());
        long stride = x.strides()[op.axis()];
        boolean columns = count >= WARP && Math.abs(stride) > Math.abs(axes.innermostA());
        long parts = Math.ceilDiv(extent, columns ? COLUMN_PART : ROW_PART);
        WorkspaceLayout workspace = new WorkspaceLayout();
        Argument candidates = parts == 1 ? Argument.of(y) : workspace.take(count * parts, Long.BYTES);
        Argument lines = Argument.of(count);
        Argument largest = Argument.of(op.largest() ? 1 : 0);
        List<Work> work = new ArrayList<>();
        work.add(Launch.of(source, "arg_reduce_" + (columns ? "columns_" : "rows_") + CNames.of(dtype),
            Math.ceilDiv(count * parts * (columns ? 1 : WARP), (long) THREADS), THREADS, Argument.of(x), candidates,
            lines, Argument.of(extent), Argument.of(stride), Argument.of(parts), largest, axes.argument()));
        if (parts > 1) {
            work.add(Launch.of(source, "arg_reduce_join_" + CNames.of(dtype),
                Math.ceilDiv(count * WARP, (long) THREADS), THREADS, Argument.of(x), candidates, Argument.of(y), lines,
                Argument.of(stride), Argument.of(parts), largest, axes.argument()));
        }
        return new Prepared(work, workspace.bytes(), false);
    }

    static long[] without(long[] strides, int axis) {
        long[] rest = new long[strides.length - 1];
        System.arraycopy(strides, 0, rest, 0, axis);
        System.arraycopy(strides, axis + 1, rest, axis, rest.length - axis);
        return rest;
    }
}

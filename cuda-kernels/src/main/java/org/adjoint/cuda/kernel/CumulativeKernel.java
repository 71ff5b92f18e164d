package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.CumulativeOp;
import org.adjoint.graph.DType;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Running results along an axis; inputs may have any strides: {@code cumulative.cu}. */
public final class CumulativeKernel {
    private static final int THREADS = 256;
    private static final int WARP = 32;
    /** As in the source: elements of a line for one warp, and for one thread. */
    private static final long ROW_PART = 4096;
    private static final long COLUMN_PART = 256;

    private CumulativeKernel() { }

    public static Prepared prepare(PlanStep.Kernel step, CumulativeOp op) {
        View x = step.inputs().getFirst();
        View b = step.inputs().getLast();
        View y = step.outputs().getFirst();
        int axis = switch (op) {
            case CumulativeOp.Cumulative cumulative -> cumulative.axis();
            case CumulativeOp.LinearRecurrence recurrence -> recurrence.axis();
        };
        if (y.shape().isEmpty()) {
            return Prepared.NOTHING;
        }
        DType dtype = x.dtype();
        Source source = Source.ofFile("cumulative.cu", definitions(op, dtype));
        long[] extents = y.shape().without(axis).toArray();
        Axes axes = Axes.of(op.name(), extents, ArgReduceKernel.without(x.strides(), axis),
            ArgReduceKernel.without(b.strides(), axis));
        long count = y.shape().without(axis).elements();
        long extent = y.shape().extent(axis);
        long stride = x.strides()[axis];
        boolean columns = count >= WARP && Math.abs(stride) > Math.abs(axes.innermostA());
        long parts = Math.ceilDiv(extent, columns ? COLUMN_PART : ROW_PART);
        WorkspaceLayout workspace = new WorkspaceLayout();
        Argument totals = parts == 1 ? Argument.of(y) : workspace.take(count * parts, stateBytes(op, dtype));
        Argument[] arguments = {Argument.of(x), Argument.of(b), Argument.of(y), totals, Argument.of(count),
            Argument.of(extent), Argument.of(stride), Argument.of(b.strides()[axis]),
            Argument.of(y.shape().contiguousStrides()[axis]), Argument.of(parts), axes.argument()};
        String kind = (columns ? "columns_" : "rows_") + CNames.of(dtype);
        long blocks = Math.ceilDiv(count * parts * (columns ? 1 : WARP), (long) THREADS);
        List<Work> work = new ArrayList<>();
        if (parts > 1) {
            work.add(Launch.of(source, "cumulative_total_" + kind, blocks, THREADS, arguments));
            work.add(Launch.of(source, "cumulative_join_" + CNames.of(dtype),
                Math.ceilDiv(count * WARP, (long) THREADS), THREADS, totals, Argument.of(count), Argument.of(parts)));
        }
        work.add(Launch.of(source, "cumulative_" + kind, blocks, THREADS, arguments));
        return new Prepared(work, workspace.bytes(), false);
    }

    /** What the source is compiled with. */
    static Map<String, String> definitions(CumulativeOp op, DType dtype) {
        return Map.of("T", CNames.of(dtype), "FUNCTION", switch (op) {
            case CumulativeOp.LinearRecurrence _ -> "Linear";
            case CumulativeOp.Cumulative cumulative -> switch (cumulative.function()) {
                case SUM -> "Sum";
                case PROD -> "Prod";
                case ARGMAX -> "ArgMax";
                case ARGMIN -> "ArgMin";
            };
        });
    }

    /** The size of the structure that a part's total is. */
    private static int stateBytes(CumulativeOp op, DType dtype) {
        int value = dtype.computeType().bytes();
        return switch (op) {
            case CumulativeOp.LinearRecurrence _ -> 2 * value;
            case CumulativeOp.Cumulative cumulative -> cumulative.function().isIndex() ? 2 * Long.BYTES : value;
        };
    }
}

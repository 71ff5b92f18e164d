package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.HashMap;
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
    /** As in the source, of lines side by side: elements of a tile for one thread, if not fewer; threads of a line. */
    private static final int COLUMN_STEP = 16;
    private static final int MOST_DEPTH = 16;
    private static final long COLUMN_TILE = (long) COLUMN_STEP * MOST_DEPTH;
    /** Blocks of 32 lines from which on each has whole lines, and blocks that fewer are cut for. */
    private static final long MANY_COLUMN_BLOCKS = 200;
    private static final long MOST_PARTS = 32_768;
    /** Lines of up to so many elements are for a warp, longer ones for a block. */
    private static final long WARP_LINE = 1024;
    /** Lines from which on each is for one block, and blocks that fewer are cut for: they fill any card. */
    private static final long MANY_LINES = 512;
    private static final long MANY_BLOCKS = 2048;
    /** Elements of a line for one block: a multiple of every tile. */
    private static final long LEAST_PART = 16_384;
    private static final int WIDEST = 16;

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
        long[] extents = y.shape().without(axis).toArray();
        Axes axes = Axes.of(op.name(), extents, ArgReduceKernel.without(x.strides(), axis),
            ArgReduceKernel.without(b.strides(), axis));
        long count = y.shape().without(axis).elements();
        long extent = y.shape().extent(axis);
        long stride = x.strides()[axis];
        long inner = y.shape().contiguousStrides()[axis];
        boolean columns = count >= WARP && Math.abs(stride) > Math.abs(axes.innermostA());
        boolean packed = !columns && inner == 1 && isPacked(x, axis) && isPacked(b, axis)
            && y.byteOffset() % WIDEST == 0;
        Source source = source(op, dtype, packed ? WIDEST / dtype.bytes() : 1);
        long part = columns ? columnPart(count, extent) : rowPart(count, extent);
        long parts = Math.ceilDiv(extent, part);
        WorkspaceLayout workspace = new WorkspaceLayout();
        Argument totals = parts == 1 ? Argument.of(y) : workspace.take(count * parts, stateBytes(op, dtype));
        List<Argument> arguments = List.of(Argument.of(x), Argument.of(b), Argument.of(y), totals, Argument.of(count),
            Argument.of(extent), Argument.of(stride), Argument.of(b.strides()[axis]), Argument.of(inner),
            Argument.of(part), Argument.of(parts), axes.argument());
        String kind = (columns ? "columns_" : "rows_") + CNames.of(dtype);
        long length = Math.min(part, extent);
        List<Work> work = new ArrayList<>();
        if (parts > 1) {
            work.add(launch(source, "cumulative_total_" + kind, columns, count, parts, length, arguments));
            work.add(teams(source, "cumulative_join_" + CNames.of(dtype), count, parts,
                List.of(totals, Argument.of(count), Argument.of(parts))));
        }
        work.add(launch(source, "cumulative_" + kind, columns, count, parts, length, arguments));
        return new Prepared(work, workspace.bytes(), false);
    }

    private static Launch launch(Source source, String function, boolean columns, long lines, long parts, long length,
        List<Argument> arguments) {
        if (!columns) {
            return teams(source, function, lines * parts, length, arguments);
        }
        int depth = (int) Math.min(MOST_DEPTH, Math.ceilDiv(length, (long) COLUMN_STEP));
        return new Launch(source, function, Math.ceilDiv(lines, (long) WARP), (int) parts, 1, WARP, depth, 0,
            arguments);
    }

    /** A warp for each task, or a block where tasks are long. */
    private static Launch teams(Source source, String function, long tasks, long length, List<Argument> arguments) {
        boolean warps = length <= WARP_LINE;
        return new Launch(source, function, Math.ceilDiv(tasks, (long) (warps ? THREADS / WARP : 1)), 1, 1,
            warps ? WARP : THREADS, warps ? THREADS / WARP : 1, 0, arguments);
    }

    private static long columnPart(long lines, long extent) {
        long blocks = Math.ceilDiv(lines, (long) WARP);
        long share = Math.max(Math.ceilDiv(extent * blocks, 2 * MANY_COLUMN_BLOCKS), Math.ceilDiv(extent, MOST_PARTS));
        return blocks >= MANY_COLUMN_BLOCKS ? extent : Math.ceilDiv(share, COLUMN_TILE) * COLUMN_TILE;
    }

    private static long rowPart(long lines, long extent) {
        return lines >= MANY_LINES ? extent
            : Math.ceilDiv(Math.ceilDiv(lines * extent, MANY_BLOCKS), LEAST_PART) * LEAST_PART;
    }

    /** Whether lines along the axis consist of whole packs of 16 bytes. */
    private static boolean isPacked(View view, int axis) {
        int size = view.dtype().bytes();
        long[] distances = ArgReduceKernel.without(view.strides(), axis);
        for (int i = 0; i < distances.length; i++) {
            distances[i] *= size;
        }
        return view.strides()[axis] == 1 && view.byteOffset() % WIDEST == 0
            && view.shape().extent(axis) * size % WIDEST == 0 && Axes.unit(distances) == WIDEST;
    }

    static Source source(CumulativeOp op, DType dtype, int vector) {
        Map<String, String> definitions = new HashMap<>(definitions(op, dtype));
        definitions.put("VECTOR", Integer.toString(vector));
        return Source.ofFile("cumulative.cu", definitions);
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

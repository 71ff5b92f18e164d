package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
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
    private static final int THREADS = 128;
    private static final int WARP = 32;
    /** As in the source: elements of a line for one thread. */
    private static final long COLUMN_PART = 512;
    /** Lines of up to so many elements, or parts, are for a warp, longer ones for a block. */
    private static final long WARP_LINE = 1024;
    /** Elements of a line for one block: as many as leave so many blocks, which fill any card, but for the longest. */
    private static final long LEAST_PART = 4096;
    private static final long MOST_PART = 32_768;
    private static final long MANY_BLOCKS = 2048;
    private static final int WIDEST = 16;

    private ArgReduceKernel() { }

    public static Prepared prepare(PlanStep.Kernel step, Op.ArgReduce op) {
        View x = step.inputs().getFirst();
        View y = step.outputs().getFirst();
        long count = y.shape().elements();
        if (count == 0) {
            return Prepared.NOTHING;
        }
        long[] strides = without(x.strides(), op.axis());
        Axes axes = Axes.of(op.name(), y.shape().toArray(), strides);
        long extent = x.shape().extent(op.axis());
        long stride = x.strides()[op.axis()];
        boolean columns = count >= WARP && Math.abs(stride) > Math.abs(axes.innermostA());
        Source source = source(x.dtype(), columns || stride != 1 ? 1 : vector(x, extent, strides));
        long part = columns ? COLUMN_PART : rowPart(count, extent);
        long parts = Math.ceilDiv(extent, part);
        WorkspaceLayout workspace = new WorkspaceLayout();
        Argument best = parts == 1 ? Argument.of(y) : workspace.take(count * parts, Long.BYTES);
        Argument lines = Argument.of(count);
        Argument largest = Argument.of(op.largest() ? 1 : 0);
        List<Work> work = new ArrayList<>();
        String type = CNames.of(x.dtype());
        if (columns) {
            work.add(Launch.of(source, "arg_reduce_columns_" + type, Math.ceilDiv(count * parts, (long) THREADS),
                THREADS, Argument.of(x), best, lines, Argument.of(extent), Argument.of(stride), Argument.of(parts),
                largest, axes.argument()));
        } else {
            work.add(teams(source, "arg_reduce_rows_" + type, count * parts, Math.min(part, extent), Argument.of(x),
                best, lines, Argument.of(extent), Argument.of(stride), Argument.of(part), Argument.of(parts), largest,
                axes.argument()));
        }
        if (parts > 1) {
            work.add(teams(source, "arg_reduce_join_" + type, count, parts, Argument.of(x), best, Argument.of(y), lines,
                Argument.of(stride), Argument.of(parts), largest, axes.argument()));
        }
        return new Prepared(work, workspace.bytes(), false);
    }

    /** Compiled for loads of {@code vector} elements. */
    static Source source(DType dtype, int vector) {
        return Source.ofFile("arg_reduce.cu", Map.of("T", CNames.of(dtype), "VECTOR", Integer.toString(vector)));
    }

    /** Elements that a load may have: all rows start at multiples of it and end there. */
    private static int vector(View x, long extent, long[] strides) {
        int size = x.dtype().bytes();
        long[] distances = Arrays.copyOf(strides, strides.length + 2);
        for (int axis = 0; axis < distances.length; axis++) {
            distances[axis] *= size;
        }
        distances[strides.length] = extent * size;
        distances[strides.length + 1] = x.byteOffset();
        return Axes.unit(distances) == WIDEST ? WIDEST / size : 1;
    }

    private static long rowPart(long lines, long extent) {
        long share = Math.ceilDiv(lines * extent, MANY_BLOCKS * LEAST_PART) * LEAST_PART;
        return extent <= WARP_LINE ? WARP_LINE : Math.clamp(share, LEAST_PART, MOST_PART);
    }

    /** A warp for each line, or a block where a line is long. */
    private static Launch teams(Source source, String function, long lines, long length, Argument... arguments) {
        boolean warp = length <= WARP_LINE;
        return new Launch(source, function, Math.ceilDiv(lines, (long) (warp ? THREADS / WARP : 1)), 1, 1,
            warp ? WARP : THREADS, warp ? THREADS / WARP : 1, 0, List.of(arguments));
    }

    static long[] without(long[] strides, int axis) {
        long[] rest = new long[strides.length - 1];
        System.arraycopy(strides, 0, rest, 0, axis);
        System.arraycopy(strides, axis + 1, rest, axis, rest.length - axis);
        return rest;
    }
}

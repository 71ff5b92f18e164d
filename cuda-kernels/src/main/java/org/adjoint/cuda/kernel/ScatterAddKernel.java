package org.adjoint.cuda.kernel;

import java.util.ArrayList;
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

/**
 * A copy of x to which updates are added at indices. Updates of one destination are added in row-major order of the
 * indices ({@code scatter_rows.cu} says how a long sequence is cut), without atomics: positions are sorted by
 * destination first, unless no two can share one. Nothing is added where an index is out of range.
 *
 * <p>x and the updates are contiguous, the indices have any strides.
 */
public final class ScatterAddKernel {
    private static final int THREADS = 256;
    private static final int WARP = 32;
    /** As in the source. */
    private static final long PIECE = 32;
    private static final int MOST_BLOCKS = 65_535;

    private final PlanStep.Kernel step;
    private final Op.ScatterAdd op;
    private final View indices;
    private final View updates;
    private final View y;
    private final List<Work> work = new ArrayList<>();
    private final WorkspaceLayout workspace = new WorkspaceLayout();

    private ScatterAddKernel(PlanStep.Kernel step, Op.ScatterAdd op) {
        this.step = step;
        this.op = op;
        this.indices = step.inputs().get(1);
        this.updates = step.inputs().get(2);
        this.y = step.outputs().getFirst();
    }

    public static Prepared prepare(PlanStep.Kernel step, Op.ScatterAdd op) {
        return new ScatterAddKernel(step, op).prepare();
    }

    private Prepared prepare() {
        InPlace.copyUnless(step).ifPresent(work::add);
        boolean checks = !updates.shape().isEmpty();
        if (checks && indices.shape().extent(op.axis()) == 1) {
            addOnce();
        } else if (checks) {
            addSorted();
        }
        return new Prepared(work, workspace.bytes(), checks);
    }

    private void addOnce() {
        long count = updates.shape().elements();
        long blocks = Math.ceilDiv(count, (long) THREADS);
        Argument axes = Axes.of(op.name(), indices.shape().toArray(),
            Destinations.strides(y, op.axis(), indices.shape().rank(), 1), indices.strides()).argument();
        String type = CNames.of(y.dtype());
        Source source = Source.ofFile("scatter_once.cu", Map.of("T", type, "I", CNames.of(indices.dtype())));
        work.add(Launch.of(source, "scatter_check_" + type, blocks, THREADS, Argument.of(indices), Argument.of(count),
            Argument.of(y.shape().extent(op.axis())), axes, new Argument.Status(), new Argument.StepNumber()));
        work.add(Launch.of(source, "scatter_once_" + type, blocks, THREADS, Argument.of(y), Argument.of(indices),
            Argument.of(updates), Argument.of(count), Argument.of(y.shape().contiguousStrides()[op.axis()]), axes,
            new Argument.Status()));
    }

    private void addSorted() {
        Destinations rows = Destinations.of(op.name(), op.axis(), indices, y, updates, workspace, work);
        addRows(rows.sorted(work), rows.sort().type(), rows.count(), rows.width(), rows.rowStride());
    }

    /** A warp for each piece's length of entries and the columns that it covers at once. */
    private void addRows(RadixSort.Pairs sorted, String keyType, long count, long width, long rowStride) {
        DType dtype = y.dtype();
        int size = dtype.bytes();
        int vector = Axes.unit(y.byteOffset(), updates.byteOffset(), width * size, rowStride * size) / size;
        long chunks = Math.ceilDiv(count, PIECE);
        Argument partial = count <= PIECE ? new Argument.Workspace(0)
            : workspace.take(2 * chunks * width, dtype.computeType().bytes());
        Source source = source(dtype, keyType, vector);
        work.add(new Launch(source, "scatter_rows_" + CNames.of(dtype), Math.ceilDiv(chunks, THREADS / WARP),
            columnBlocks(width, WARP * vector), 1, WARP, THREADS / WARP, 0, List.of(Argument.of(y),
                Argument.of(updates), sorted.keys(), sorted.positions(), partial, Argument.of(count),
                Argument.of(width), Argument.of(rowStride), new Argument.Status())));
        if (count > PIECE) {
            // Blocks have as many columns as a row needs, up to 256, and as many rows as there is room for.
            int columns = (int) Math.min(THREADS, Long.highestOneBit(2 * width - 1));
            int rows = THREADS / columns;
            work.add(new Launch(source, "scatter_join_" + CNames.of(dtype), Math.ceilDiv(chunks, (long) rows),
                columnBlocks(width, columns), 1, columns, rows, 0, List.of(Argument.of(y), sorted.keys(), partial,
                    Argument.of(count), Argument.of(width), Argument.of(rowStride), new Argument.Status())));
        }
    }

    private static int columnBlocks(long width, long columns) {
        return (int) Math.min(MOST_BLOCKS, Math.ceilDiv(width, columns));
    }

    /** Compiled for moves of {@code vector} elements. */
    static Source source(DType dtype, String keyType, int vector) {
        return Source.ofFile("scatter_rows.cu",
            Map.of("T", CNames.of(dtype), "K", keyType, "VECTOR", Integer.toString(vector)));
    }
}

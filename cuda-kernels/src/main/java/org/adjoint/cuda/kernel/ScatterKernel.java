package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.Op;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * A copy of x with elements at indices replaced by updates, the last in row-major order where several go to one
 * destination: positions are sorted by destination first, unless no two can share one; then {@code scatter_last.cu}
 * moves rows. Nothing is replaced where an index is out of range.
 *
 * <p>x and the updates are contiguous, the indices have any strides.
 */
public final class ScatterKernel {
    private static final int THREADS = 256;
    private static final int MOST_BLOCKS = 65_535;

    private ScatterKernel() { }

    public static Prepared prepare(PlanStep.Kernel step, Op.Scatter op) {
        List<Work> work = new ArrayList<>();
        InPlace.copyUnless(step).ifPresent(work::add);
        View indices = step.inputs().get(1);
        View updates = step.inputs().get(2);
        if (updates.shape().isEmpty()) {
            return new Prepared(work, 0, false);
        }
        View y = step.outputs().getFirst();
        WorkspaceLayout workspace = new WorkspaceLayout();
        Destinations rows = Destinations.of(op.name(), op.axis(), indices, y, updates, workspace, work);
        boolean collide = indices.shape().extent(op.axis()) > 1;
        RadixSort.Pairs pairs = collide ? rows.sorted(work) : rows.sort().pairs();
        int size = y.dtype().bytes();
        int unit = Axes.unit(y.byteOffset(), updates.byteOffset(), rows.width() * size, rows.rowStride() * size);
        long width = rows.width() * size / unit;
        int columns = (int) Math.min(THREADS, Long.highestOneBit(2 * width - 1));
        int columnBlocks = (int) Math.min(MOST_BLOCKS, Math.ceilDiv(width, (long) columns));
        int blockRows = THREADS / columns;
        Source source = Source.ofFile("scatter_last.cu", Map.of("T", "bytes" + unit, "K", rows.sort().type()));
        work.add(new Launch(source, "scatter_last_bytes" + unit, Math.ceilDiv(rows.count(), (long) blockRows),
            columnBlocks, 1, columns, blockRows, 0, List.of(Argument.of(y), Argument.of(updates), pairs.keys(),
                pairs.positions(), Argument.of(rows.count()), Argument.of(width),
                Argument.of(rows.rowStride() * size / unit), new Argument.Status())));
        return new Prepared(work, workspace.bytes(), true);
    }
}

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
 * The indices that sort each line along an axis; x may have any strides: {@code argsort.cu}. Short lines are sorted
 * within blocks, longer ones all together, by the elements and then by the lines.
 */
public final class ArgSortKernel {
    /** As in the source. */
    private static final int THREADS = 512;
    private static final int TILE = 2 * THREADS;

    private final DType dtype;
    private final long extent;
    private final long count;
    private final Argument x;
    private final Argument y;
    private final Argument stride;
    private final Argument yStride;
    private final Argument flip;
    private final Argument axes;

    private ArgSortKernel(PlanStep.Kernel step, Op.ArgSort op) {
        View from = step.inputs().getFirst();
        View to = step.outputs().getFirst();
        this.dtype = from.dtype();
        this.extent = from.shape().extent(op.axis());
        this.count = from.shape().elements();
        this.x = Argument.of(from);
        this.y = Argument.of(to);
        this.stride = Argument.of(from.strides()[op.axis()]);
        this.yStride = Argument.of(to.strides()[op.axis()]);
        this.flip = Argument.of(op.descending() ? -1L >>> Long.SIZE - keyBits(dtype) : 0L);
        this.axes = Axes.of(op.name(), from.shape().without(op.axis()).toArray(),
            ArgReduceKernel.without(from.strides(), op.axis()), ArgReduceKernel.without(to.strides(), op.axis()))
            .argument();
    }

    public static Prepared prepare(PlanStep.Kernel step, Op.ArgSort op) {
        if (step.outputs().getFirst().shape().isEmpty()) {
            return Prepared.NOTHING;
        }
        ArgSortKernel kernel = new ArgSortKernel(step, op);
        return kernel.extent <= TILE ? kernel.shortLines() : kernel.longLines();
    }

    static int keyBits(DType dtype) {
        return dtype.isBoolean() ? 1 : dtype.bytes() * Byte.SIZE;
    }

    private Source source(String keyType) {
        return Source.ofFile("argsort.cu", Map.of("T", CNames.of(dtype), "K", keyType));
    }

    private Prepared shortLines() {
        String keyType = keyBits(dtype) <= Integer.SIZE ? "u32" : "u64";
        int padded = 1 << RadixSort.bits(extent);
        long lines = count / extent;
        return Prepared.of(Launch.of(source(keyType), "argsort_lines_" + CNames.of(dtype),
            Math.ceilDiv(lines, (long) TILE / padded), THREADS, x, y, Argument.of(lines), Argument.of(extent), stride,
            yStride, Argument.of(padded), flip, axes));
    }

    private Prepared longLines() {
        List<Work> work = new ArrayList<>();
        WorkspaceLayout workspace = new WorkspaceLayout();
        RadixSort sort = new RadixSort(keyBits(dtype), count, workspace);
        Source source = source(sort.type());
        String suffix = "_" + CNames.of(dtype);
        long blocks = Math.ceilDiv(count, (long) THREADS);
        work.add(Launch.of(source, "argsort_keys" + suffix, blocks, THREADS, x, sort.pairs().keys(),
            sort.pairs().positions(), Argument.of(count), Argument.of(extent), stride, flip, axes));
        sort.sort(keyBits(dtype), work);
        if (count > extent) {
            work.add(Launch.of(source, "argsort_by_line" + suffix, blocks, THREADS, sort.pairs().positions(),
                sort.pairs().keys(), Argument.of(count), Argument.of(extent)));
            sort.sort(RadixSort.bits(count / extent), work);
        }
        work.add(Launch.of(source, "argsort_places" + suffix, blocks, THREADS, sort.pairs().positions(), y,
            Argument.of(count), Argument.of(extent), yStride, axes));
        return new Prepared(work, workspace.bytes(), false);
    }
}

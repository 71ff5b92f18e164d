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
import org.adjoint.graph.Shape;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Windows whose corner is known only when the kernel runs: {@code window.cu}. */
public final class WindowKernel {
    private static final int THREADS = 256;
    private static final int EACH = 4;

    private WindowKernel() { }

    /** x and the starts may have any strides. */
    public static Prepared prepare(PlanStep.Kernel step, Op.DynamicSlice op) {
        View x = step.inputs().getFirst();
        return new Prepared(List.of(launch(op.name(), x, step.inputs().get(1), x, step.outputs().getFirst(), false)), 0,
            true);
    }

    /** x is contiguous, the update and the starts may have any strides. */
    public static Prepared prepare(PlanStep.Kernel step, Op.DynamicUpdateSlice op) {
        View y = step.outputs().getFirst();
        List<Work> work = new ArrayList<>();
        InPlace.copyUnless(step).ifPresent(work::add);
        work.add(launch(op.name(), y, step.inputs().get(2), step.inputs().get(1), y, true));
        return new Prepared(work, 0, true);
    }

    /** @param into whether the window lies in {@code target}; else it lies in {@code source} */
    private static Launch launch(String op, View whole, View starts, View source, View target, boolean into) {
        Shape window = into ? source.shape() : target.shape();
        int rank = window.rank();
        int size = whole.dtype().bytes();
        long[] last = new long[rank];
        for (int axis = 0; axis < rank; axis++) {
            last[axis] = whole.shape().extent(axis) - window.extent(axis);
        }
        int split = rank;
        long run = 1;
        while (split > 0 && last[split - 1] == 0 && (window.extent(split - 1) == 1
            || source.strides()[split - 1] == run && target.strides()[split - 1] == run)) {
            split--;
            run *= window.extent(split);
        }
        // What the window's rows, and the window itself, can be shifted by.
        long[] distances = new long[3 * split + 3];
        for (int axis = 0; axis < split; axis++) {
            distances[3 * axis] = window.extent(axis) == 1 ? 0 : source.strides()[axis] * size;
            distances[3 * axis + 1] = window.extent(axis) == 1 ? 0 : target.strides()[axis] * size;
            distances[3 * axis + 2] = last[axis] == 0 ? 0 : whole.strides()[axis] * size;
        }
        distances[3 * split] = run * size;
        distances[3 * split + 1] = source.byteOffset();
        distances[3 * split + 2] = target.byteOffset();
        int unit = Axes.unit(distances);
        int elements = unit / size;

        long[] extents = new long[split + 1];
        long[] from = new long[split + 1];
        long[] to = new long[split + 1];
        long[] shifts = new long[rank];
        for (int axis = 0; axis < split; axis++) {
            extents[axis] = window.extent(axis);
            from[axis] = source.strides()[axis] / elements;
            to[axis] = target.strides()[axis] / elements;
            shifts[axis] = whole.strides()[axis] / elements;
        }
        extents[split] = run / elements;
        from[split] = 1;
        to[split] = 1;
        long count = window.elements() / elements;
        // A window without elements has to lie inside, too.
        return Launch.of(Source.ofFile("window.cu", Map.of("T", "bytes" + unit)), "window_bytes" + unit,
            Math.max(1, Math.ceilDiv(count, (long) THREADS * EACH)), THREADS, Argument.of(source), Argument.of(target),
            Argument.of(starts), Argument.of(rank == 0 ? 0 : starts.strides()[0]), Argument.of(count),
            Argument.of(into ? 1 : 0), Axes.pairs(op, last, shifts), Axes.of(op, extents, from, to).argument(),
            new Argument.Status(), new Argument.StepNumber());
    }
}

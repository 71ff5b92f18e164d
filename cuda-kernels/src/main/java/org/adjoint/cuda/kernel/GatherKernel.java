package org.adjoint.cuda.kernel;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.Op;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Elements of x, with any strides, picked by an index tensor with any strides: {@code gather.cu}. */
public final class GatherKernel {
    private static final int THREADS = 256;
    private static final int EACH = 4;

    private GatherKernel() { }

    public static Prepared prepare(PlanStep.Kernel step, Op.Gather op) {
        View x = step.inputs().get(0);
        View indices = step.inputs().get(1);
        View y = step.outputs().getFirst();
        if (y.shape().isEmpty()) {
            return Prepared.NOTHING;
        }
        IndexRuns runs = IndexRuns.of(indices, op.axis(), x, y);
        long[] extents = Arrays.copyOf(runs.extents(), runs.split() + 1);
        long[] xStrides = Arrays.copyOf(x.strides(), runs.split() + 1);
        int size = x.dtype().bytes();
        long axisStride = xStrides[op.axis()];
        xStrides[op.axis()] = 0;
        int unit = unit(x, y, runs, xStrides, axisStride);
        int elements = unit / size;
        for (int axis = 0; axis < runs.split(); axis++) {
            xStrides[axis] /= elements;
        }
        extents[runs.split()] = runs.run() / elements;
        xStrides[runs.split()] = 1;
        // Elements of a run share their index: its stride behind the positions is 0.
        Axes axes = Axes.of(op.name(), extents, xStrides, Arrays.copyOf(runs.strides(), runs.split() + 1));
        long count = y.shape().elements() / elements;
        Source source = Source.ofFile("gather.cu",
            Map.of("T", "bytes" + unit, "I", CNames.of(indices.dtype())));
        Launch launch = Launch.of(source, "gather_bytes" + unit, Math.ceilDiv(count, (long) THREADS * EACH), THREADS,
            Argument.of(x), Argument.of(indices), Argument.of(y), Argument.of(count),
            Argument.of(x.shape().extent(op.axis())), Argument.of(axisStride / elements),
            Argument.of((long) elements), axes.argument(), new Argument.Status(), new Argument.StepNumber());
        return new Prepared(List.of(launch), 0, true);
    }

    /** How many bytes are moved at once: rows start at multiples of it in both tensors. */
    private static int unit(View x, View y, IndexRuns runs, long[] xStrides, long axisStride) {
        int size = x.dtype().bytes();
        long[] distances = new long[runs.split() + 4];
        for (int axis = 0; axis < runs.split(); axis++) {
            distances[axis] = y.shape().extent(axis) == 1 ? 0 : xStrides[axis] * size;
        }
        distances[runs.split()] = axisStride * size;
        distances[runs.split() + 1] = runs.run() * size;
        distances[runs.split() + 2] = x.byteOffset();
        distances[runs.split() + 3] = y.byteOffset();
        return Axes.unit(distances);
    }
}

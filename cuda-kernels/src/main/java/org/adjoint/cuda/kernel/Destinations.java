package org.adjoint.cuda.kernel;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.plan.View;

/**
 * Where the rows of updates of a scatter go: in the workspace, pairs of a destination, which is a row of y, and a row of
 * updates. y and the updates are contiguous.
 *
 * @param count of rows of updates
 * @param width elements of a row
 * @param rowStride elements from one destination to the next
 */
record Destinations(RadixSort sort, long destinations, long count, long width, long rowStride) {
    private static final int THREADS = 256;

    /** @param work computes the pairs, in row-major order of the indices; an index out of range is reported */
    static Destinations of(String op, int axis, View indices, View y, View updates, WorkspaceLayout workspace,
        List<Work> work) {
        IndexRuns runs = IndexRuns.of(indices, axis, contiguous(y), contiguous(updates));
        long count = runs.count();
        long[] strides = y.shape().contiguousStrides();
        // Rows of y start at multiples of this: all strides of a contiguous tensor are multiples of an inner one.
        long rowStride = strides[runs.split() - 1];
        long destinations = y.shape().elements() / rowStride;
        RadixSort sort = new RadixSort(RadixSort.bits(destinations), count, workspace);
        Axes axes = Axes.of(op, runs.extents(), strides(y, axis, runs.split(), rowStride), runs.strides());
        Source source = Source.ofFile("scatter_keys.cu", Map.of("K", sort.type(), "I", CNames.of(indices.dtype())));
        work.add(Launch.of(source, "scatter_keys_" + sort.type(), Math.ceilDiv(count, (long) THREADS), THREADS,
            Argument.of(indices), sort.pairs().keys(), sort.pairs().positions(), Argument.of(count),
            Argument.of(y.shape().extent(axis)), Argument.of(strides[axis] / rowStride), Argument.of(runs.run()),
            axes.argument(), new Argument.Status(), new Argument.StepNumber()));
        return new Destinations(sort, destinations, count, runs.run(), rowStride);
    }

    /** Brings the pairs into the order of the destinations; of one destination in the order of the rows. */
    RadixSort.Pairs sorted(List<Work> work) {
        sort.sort(RadixSort.bits(destinations), work);
        return sort.pairs();
    }

    /** y's strides over the first axes, 0 along the indexed axis, which the index takes the place of. */
    static long[] strides(View y, int axis, int axes, long divisor) {
        long[] strides = Arrays.copyOf(y.shape().contiguousStrides(), axes);
        strides[axis] = 0;
        for (int i = 0; i < axes; i++) {
            strides[i] /= divisor;
        }
        return strides;
    }

    private static View contiguous(View view) {
        return View.contiguous(view.slot(), view.dtype(), view.shape());
    }
}

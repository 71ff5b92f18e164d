package org.adjoint.cuda.kernel;

import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.SearchSorted;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** A binary search for each value, with sequence and values in any strides: {@code search_sorted.cu}. */
public final class SearchSortedKernel {
    private static final int THREADS = 256;

    private SearchSortedKernel() { }

    public static Prepared prepare(PlanStep.Kernel step, SearchSorted op) {
        View sorted = step.inputs().get(0);
        View values = step.inputs().get(1);
        View y = step.outputs().getFirst();
        long count = y.shape().elements();
        if (count == 0) {
            return Prepared.NOTHING;
        }
        int last = sorted.shape().rank() - 1;
        // Of the value's place only the leading axes choose among sequences, if there are several.
        long[] sequences = new long[values.shape().rank()];
        System.arraycopy(sorted.strides(), 0, sequences, 0, last);
        String type = CNames.of(values.dtype());
        return Prepared.of(Launch.of(Source.ofFile("search_sorted.cu", CNames.asT(values.dtype())),
            "search_sorted_" + type, Math.ceilDiv(count, (long) THREADS), THREADS, Argument.of(sorted),
            Argument.of(values), Argument.of(y), Argument.of(count), Argument.of(sorted.shape().extent(last)),
            Argument.of(sorted.strides()[last]), Argument.of(op.orEqual() ? 1 : 0),
            Axes.of(op.name(), values.shape().toArray(), values.strides(), sequences).argument()));
    }
}

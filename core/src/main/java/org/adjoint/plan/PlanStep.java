package org.adjoint.plan;

import java.util.List;
import org.adjoint.graph.Op;

/** One launch of a plan. */
public sealed interface PlanStep {
    /** What is read. */
    List<View> inputs();

    /** What is written. */
    List<View> outputs();

    /**
     * An elementwise program over a loop domain, with reductions over the domain's trailing axes.
     *
     * @param extents the loop domain, with axes merged where every operand allows it; never empty of axes
     * @param reducedAxes how many trailing axes of the domain are folded; 0 where the group has no reduction
     * @param inputs operands, each with the domain's shape and a stride per axis (0 where it is broadcast)
     * @param outputs results, likewise; a reduced result has stride 0 along the reduced axes. An output may be the very
     *     memory of an input that has the same strides; otherwise outputs overlap nothing
     * @param scalars index into {@link Plan#withExtra} for each scalar argument of the group
     */
    record Elementwise(Group group, long[] extents, int reducedAxes, List<View> inputs, List<View> outputs,
        int[] scalars) implements PlanStep { }

    /**
     * An operation that is not elementwise, on views the backend said it takes; outputs are contiguous.
     *
     * <p>An output may be the very memory of the input it is an update of (scatterAdd and dynamicUpdateSlice: input 0;
     * fused operations: {@link Op.Fused#inPlace}); the kernel sees that from the views being equal, and then has
     * nothing to copy. Otherwise outputs overlap nothing.
     */
    record Kernel(Op op, List<View> inputs, List<View> outputs) implements PlanStep { }
}

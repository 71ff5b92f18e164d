package org.adjoint.plan;

import java.util.List;
import org.adjoint.graph.Op;
import org.adjoint.graph.TensorType;

/** A device as a test needs it. */
record TestTarget(boolean supports, boolean takesViews, boolean fuses, boolean rewrites) implements Target {
    static final List<TestTarget> DECOMPOSING = List.of(new TestTarget(false, true, true, true),
        new TestTarget(false, false, true, true), new TestTarget(false, true, false, false),
        new TestTarget(false, false, true, false), new TestTarget(false, true, false, true));

    @Override
    public boolean supports(Op.Fused op, List<TensorType> inputs) {
        return supports;
    }

    @Override
    public boolean accepts(Op op, int index, View view) {
        return takesViews || view.isContiguous() && view.offset() == 0;
    }
}

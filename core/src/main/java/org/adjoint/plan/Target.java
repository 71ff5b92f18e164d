package org.adjoint.plan;

import java.util.List;
import org.adjoint.graph.Op;
import org.adjoint.graph.TensorType;

/** What the planner has to know of the device it plans for. */
public interface Target {
    /** Whether there is a kernel for this fused operation on such inputs; if not, it is decomposed. */
    boolean supports(Op.Fused op, List<TensorType> inputs);

    /** Whether the kernel of {@code op} takes input {@code index} in this layout; if not, it gets a contiguous copy. */
    boolean accepts(Op op, int index, View view);

    /** Whether elementwise operations are gathered into groups; if not, each is a group of one. */
    boolean fuses();

    /** Whether the graph is rewritten (common subexpressions, algebra) before it is planned. */
    boolean rewrites();
}

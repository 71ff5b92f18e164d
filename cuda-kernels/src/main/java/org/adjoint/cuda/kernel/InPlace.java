package org.adjoint.cuda.kernel;

import java.util.Optional;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Copy;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Operations that update a copy of input 0, which is contiguous and may be the output's very memory. */
final class InPlace {
    private InPlace() { }

    static boolean is(PlanStep.Kernel step) {
        View x = step.inputs().getFirst();
        View y = step.outputs().getFirst();
        return x.slot() == y.slot() && x.offset() == y.offset();
    }

    /** Fills the output with input 0, where there is anything to fill. */
    static Optional<Copy> copyUnless(PlanStep.Kernel step) {
        View x = step.inputs().getFirst();
        View y = step.outputs().getFirst();
        long bytes = y.shape().elements() * y.dtype().bytes();
        return is(step) || bytes == 0 ? Optional.empty()
            : Optional.of(new Copy(Argument.of(x), Argument.of(y), bytes));
    }
}

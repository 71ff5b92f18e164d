package org.adjoint.cuda.kernel;

import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.DType;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Losses of rows of logits, and the rows' maxima and sums of exponentials: {@code cross_entropy.cu}. */
public final class CrossEntropyKernel {
    private CrossEntropyKernel() { }

    /** Whether input {@code index} is taken as it lies: logits 0, targets 1. */
    public static boolean fits(int index, View view) {
        return index == 1 || Rows.fits(view);
    }

    public static Prepared prepare(PlanStep.Kernel step) {
        Rows logits = Rows.of(step.inputs().getFirst());
        View targets = step.inputs().get(1);
        if (logits.count() == 0) {
            return Prepared.NOTHING;
        }
        DType dtype = logits.view().dtype();
        // Nothing is held of a row, however long it is.
        Source source = RowTeam.source("cross_entropy.cu", dtype, Rows.vector(dtype, logits),
            RowTeam.LEAST_VALUES, Map.of("I", targets.dtype()));
        RowTeam team = RowTeam.of(dtype, logits.width()) == RowTeam.WARP ? RowTeam.WARP : RowTeam.BLOCK;
        return new Prepared(List.of(team.launch(source, "cross_entropy_forward", dtype, logits.count(),
            logits.address(), logits.layout(), Argument.of(targets), Argument.of(targets.strides()[0]),
            Argument.of(step.outputs().getFirst()), Argument.of(step.outputs().get(1)),
            Argument.of(step.outputs().get(2)), Argument.of(logits.count()), Argument.of(logits.width()),
            new Argument.Status(), new Argument.StepNumber())), 0, true);
    }
}

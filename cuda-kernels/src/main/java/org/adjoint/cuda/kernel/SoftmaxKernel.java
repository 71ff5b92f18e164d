package org.adjoint.cuda.kernel;

import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.DType;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** {@code exp(x - max) / sum(exp(x - max))} along the last axis, or its logarithm, and their gradients. */
public final class SoftmaxKernel {
    private SoftmaxKernel() { }

    public static boolean fits(View view) {
        return Rows.fits(view);
    }

    private static Source source(DType dtype, int vector, long width) {
        return RowTeam.source("softmax.cu", dtype, vector, RowTeam.values(dtype, width), Map.of());
    }

    /** @param log whether the logarithm is wanted */
    public static Prepared prepare(PlanStep.Kernel step, boolean log) {
        Rows x = Rows.of(step.inputs().getFirst());
        Rows y = Rows.of(step.outputs().getFirst());
        if (x.count() == 0) {
            return Prepared.NOTHING;
        }
        DType dtype = x.view().dtype();
        Source source = source(dtype, Rows.vector(dtype, x, y), x.width());
        return Prepared.of(RowTeam.of(dtype, x.width()).launch(source, log ? "log_softmax_forward" : "softmax_forward",
            dtype, x.count(), x.address(), x.layout(), y.address(), Argument.of(x.count()), Argument.of(x.width())));
    }

    /** @param log whether it is the logarithm's gradient that is wanted */
    public static Prepared prepareGradient(PlanStep.Kernel step, boolean log) {
        Rows y = Rows.of(step.inputs().get(0));
        Rows dy = Rows.of(step.inputs().get(1));
        Rows dx = Rows.of(step.outputs().getFirst());
        if (y.count() == 0) {
            return Prepared.NOTHING;
        }
        DType dtype = y.view().dtype();
        Source source = source(dtype, Rows.vector(dtype, y, dy, dx), y.width());
        return Prepared.of(RowTeam.of(dtype, y.width()).launch(source,
            log ? "log_softmax_backward" : "softmax_backward", dtype, y.count(), y.address(), y.layout(), dy.address(),
            dy.layout(), dx.address(), Argument.of(y.count()), Argument.of(y.width())));
    }
}

package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.TensorType;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Root mean square normalization and its gradient: {@code rms_norm.cu}. */
public final class RmsNormKernel {
    private RmsNormKernel() { }

    /** Whether the inputs of {@code RmsNorm} (x, gamma) are computed in one type. */
    public static boolean supports(List<TensorType> inputs) {
        return inputs.get(0).dtype().computeType() == inputs.get(1).dtype().computeType();
    }

    /** Whether the inputs of {@code RmsNormGradient} (x, gamma, rstd, dy) are computed in one type. */
    public static boolean supportsGradient(List<TensorType> inputs) {
        return supports(inputs) && inputs.get(2).dtype() == inputs.getFirst().dtype().computeType()
            && inputs.get(3).dtype() == inputs.getFirst().dtype();
    }

    /** Whether an input of {@code RmsNorm} is taken as it lies. */
    public static boolean fits(View view) {
        return Rows.fits(view);
    }

    /** Whether input {@code index} of {@code RmsNormGradient} is taken as it lies. */
    public static boolean fitsGradient(int index, View view) {
        return index == 2 ? view.isContiguous() : Rows.fits(view);
    }

    public static Prepared prepare(PlanStep.Kernel step, FusedOp.RmsNorm op) {
        Rows x = Rows.of(step.inputs().get(0));
        Rows gamma = Rows.of(step.inputs().get(1));
        Rows y = Rows.of(step.outputs().getFirst());
        if (x.count() == 0) {
            return Prepared.NOTHING;
        }
        DType dtype = x.view().dtype();
        Source source = RowTeam.source("rms_norm.cu", dtype, Rows.vector(dtype, x, gamma, y),
            RowTeam.values(dtype, x.width()), Map.of("P", gamma.view().dtype()));
        return Prepared.of(RowTeam.of(dtype, x.width()).launch(source, "rms_norm_forward", dtype, x.count(),
            x.address(), x.layout(), gamma.address(), y.address(), Argument.of(step.outputs().get(1)),
            Argument.of(x.count()), Argument.of(x.width()), RowTeam.number(dtype, 1.0 / x.width()),
            RowTeam.number(dtype, op.epsilon())));
    }

    public static Prepared prepareGradient(PlanStep.Kernel step) {
        Rows x = Rows.of(step.inputs().get(0));
        Rows gamma = Rows.of(step.inputs().get(1));
        Argument rstd = Argument.of(step.inputs().get(2));
        Rows dy = Rows.of(step.inputs().get(3));
        Rows dx = Rows.of(step.outputs().getFirst());
        DType dtype = x.view().dtype();
        int vector = Rows.vector(dtype, x, gamma, dy, dx);
        Source source = RowTeam.source("rms_norm.cu", dtype, vector, RowTeam.values(dtype, x.width()),
            Map.of("P", gamma.view().dtype()));
        Argument count = Argument.of(x.count());
        Argument width = Argument.of(x.width());
        Stripes stripes = Stripes.of(x.count());
        List<Work> work = new ArrayList<>();
        if (x.count() > 0) {
            work.addAll(stripes.launches(source, "rms_norm_backward", dtype, x.width(), vector,
                List.of(x.address(), x.layout(), gamma.address(), rstd, dy.address(), dy.layout(), dx.address(), count,
                    width, RowTeam.number(dtype, 1.0 / x.width())),
                List.of(x.address(), x.layout(), rstd, dy.address(), dy.layout(), count, width)));
        }
        work.add(stripes.fold(source, "rms_norm_backward", dtype, x.width(), width,
            Argument.of(step.outputs().get(1))));
        return new Prepared(work, stripes.bytes(dtype, x.width()), false);
    }
}

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

/** Layer normalization and its gradient: {@code layer_norm.cu}. */
public final class LayerNormKernel {
    private LayerNormKernel() { }

    /** Whether the inputs of {@code LayerNorm} (x, gamma, beta) are computed in one type. */
    public static boolean supports(List<TensorType> inputs) {
        return inputs.get(1).dtype() == inputs.get(2).dtype() && computedAlike(inputs.get(0), inputs.get(1));
    }

    /** Whether the inputs of {@code LayerNormGradient} (x, gamma, mean, rstd, dy) are computed in one type. */
    public static boolean supportsGradient(List<TensorType> inputs) {
        DType compute = inputs.getFirst().dtype().computeType();
        return computedAlike(inputs.get(0), inputs.get(1)) && inputs.get(2).dtype() == compute
            && inputs.get(3).dtype() == compute && inputs.get(4).dtype() == inputs.getFirst().dtype();
    }

    private static boolean computedAlike(TensorType x, TensorType gamma) {
        return x.dtype().computeType() == gamma.dtype().computeType();
    }

    /** Whether an input of {@code LayerNorm} is taken as it lies. */
    public static boolean fits(View view) {
        return Rows.fits(view);
    }

    /** Whether input {@code index} of {@code LayerNormGradient} is taken as it lies. */
    public static boolean fitsGradient(int index, View view) {
        return index == 2 || index == 3 ? view.isContiguous() : Rows.fits(view);
    }

    public static Prepared prepare(PlanStep.Kernel step, FusedOp.LayerNorm op) {
        Rows x = Rows.of(step.inputs().get(0));
        Rows gamma = Rows.of(step.inputs().get(1));
        Rows beta = Rows.of(step.inputs().get(2));
        Rows y = Rows.of(step.outputs().getFirst());
        if (x.count() == 0) {
            return Prepared.NOTHING;
        }
        DType dtype = x.view().dtype();
        Source source = RowTeam.source("layer_norm.cu", dtype, Rows.vector(dtype, x, gamma, beta, y),
            RowTeam.values(dtype, x.width()), Map.of("P", gamma.view().dtype()));
        return Prepared.of(RowTeam.of(dtype, x.width()).launch(source, "layer_norm_forward", dtype, x.count(),
            x.address(), x.layout(), gamma.address(), beta.address(), y.address(), Argument.of(step.outputs().get(1)),
            Argument.of(step.outputs().get(2)), Argument.of(x.count()), Argument.of(x.width()),
            RowTeam.number(dtype, 1.0 / x.width()), RowTeam.number(dtype, op.epsilon())));
    }

    public static Prepared prepareGradient(PlanStep.Kernel step) {
        Rows x = Rows.of(step.inputs().get(0));
        Rows gamma = Rows.of(step.inputs().get(1));
        Argument mean = Argument.of(step.inputs().get(2));
        Argument rstd = Argument.of(step.inputs().get(3));
        Rows dy = Rows.of(step.inputs().get(4));
        Rows dx = Rows.of(step.outputs().getFirst());
        DType dtype = x.view().dtype();
        int vector = Rows.vector(dtype, x, gamma, dy, dx);
        Source source = RowTeam.source("layer_norm.cu", dtype, vector, RowTeam.values(dtype, x.width()),
            Map.of("P", gamma.view().dtype()));
        Argument count = Argument.of(x.count());
        Argument width = Argument.of(x.width());
        Stripes stripes = Stripes.of(x.count());
        List<Work> work = new ArrayList<>();
        if (x.count() > 0) {
            work.addAll(stripes.launches(source, "layer_norm_backward", dtype, x.width(), vector,
                List.of(x.address(), x.layout(), gamma.address(), mean, rstd, dy.address(), dy.layout(), dx.address(),
                    count, width, RowTeam.number(dtype, 1.0 / x.width())),
                List.of(x.address(), x.layout(), mean, rstd, dy.address(), dy.layout(), count, width)));
        }
        work.add(stripes.fold(source, "layer_norm_backward", dtype, 2 * x.width(), width,
            Argument.of(step.outputs().get(1)), Argument.of(step.outputs().get(2))));
        return new Prepared(work, stripes.bytes(dtype, 2 * x.width()), false);
    }
}

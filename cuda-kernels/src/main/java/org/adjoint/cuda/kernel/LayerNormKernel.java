package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
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
    /** Warps of a block where each has whole rows. */
    private static final int GRADIENT_WARPS = 4;
    /** Warps of a block that adds stripes' sums. */
    private static final int FOLD_WARPS = 32;
    /** Rows of a stripe, at the least: four for each such warp. */
    private static final long STRIPE_ROWS = 16;
    /** Most stripes, which bounds what their sums take. */
    private static final long MOST_STRIPES = 1024;
    private static final int STRIPE_WARPS = RowTeam.THREADS / RowTeam.WARP_THREADS;

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
            Map.of("P", gamma.view().dtype()));
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
        Source source = RowTeam.source("layer_norm.cu", dtype, vector, Map.of("P", gamma.view().dtype()));
        Argument count = Argument.of(x.count());
        Argument width = Argument.of(x.width());
        List<Work> work = new ArrayList<>();
        long stripeRows = stripeRows(x.count());
        long stripes = RowTeam.blocks(x.count(), stripeRows);
        Argument sums = new Argument.Workspace(0);
        Argument scale = RowTeam.number(dtype, 1.0 / x.width());
        RowTeam team = RowTeam.of(dtype, x.width());
        if (x.count() > 0 && team != RowTeam.LONG) {
            work.add(Launch.of(source, team.teamSymbol("layer_norm_backward", dtype), stripes,
                team == RowTeam.WARP ? GRADIENT_WARPS * RowTeam.WARP_THREADS : RowTeam.THREADS, x.address(),
                x.layout(), gamma.address(), mean, rstd, dy.address(), dy.layout(), dx.address(), count, width, scale,
                Argument.of(stripeRows), sums));
        } else if (x.count() > 0) {
            work.add(team.launch(source, "layer_norm_backward", dtype, x.count(), x.address(), x.layout(),
                gamma.address(), mean, rstd, dy.address(), dy.layout(), dx.address(), count, width, scale));
            work.add(new Launch(source, RowTeam.symbol("layer_norm_backward_stripes", dtype),
                RowTeam.blocks(x.width(), (long) RowTeam.WARP_THREADS * vector), (int) stripes, 1, RowTeam.THREADS, 1,
                0, List.of(x.address(), x.layout(), mean, rstd, dy.address(), dy.layout(), count, width,
                    Argument.of(stripeRows), sums)));
        }
        work.add(Launch.of(source, RowTeam.symbol("layer_norm_backward_fold", dtype),
            RowTeam.blocks(2 * x.width(), RowTeam.WARP_THREADS), FOLD_WARPS * RowTeam.WARP_THREADS, sums,
            Argument.of(stripes), width, Argument.of(step.outputs().get(1)), Argument.of(step.outputs().get(2))));
        return new Prepared(work, 2 * stripes * x.width() * dtype.computeType().bytes(), false);
    }

    /** Fixed by the number of rows alone: the same bits on every card. */
    private static long stripeRows(long rows) {
        return Math.max(STRIPE_ROWS,
            RowTeam.blocks(RowTeam.blocks(rows, MOST_STRIPES), STRIPE_WARPS) * STRIPE_WARPS);
    }
}

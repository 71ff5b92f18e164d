package org.adjoint.cuda.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Card;
import org.adjoint.cuda.launch.Fill;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.cuda.launch.Work;
import org.adjoint.graph.FusedOp;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** The gradient of attention: {@code attention.cu}. Of every sum one block holds the whole, so its order is fixed. */
public final class AttentionGradientKernel {
    private static final int BIAS = 3;

    private AttentionGradientKernel() { }

    /** Whether input {@code index} may have this layout; a bias is read as it lies, the statistics are contiguous. */
    public static boolean fits(FusedOp.AttentionGradient op, int index, View view) {
        if (op.biased() && index == BIAS) {
            return AttentionProblem.fitsBatch(view);
        }
        int statistics = op.biased() ? 5 : 4;
        return index == statistics || index == statistics + 1 ? view.isContiguous() : AttentionProblem.fits(view);
    }

    public static Prepared prepare(PlanStep.Kernel step, FusedOp.AttentionGradient op, Card card) {
        int next = op.biased() ? 4 : 3;
        List<View> inputs = step.inputs();
        View bias = op.biased() ? inputs.get(BIAS) : null;
        View out = inputs.get(next);
        View dout = inputs.get(next + 3);
        AttentionProblem problem = AttentionProblem.of(op.causal(),
            Arrays.asList(inputs.get(0), inputs.get(1), inputs.get(2), bias, out, dout));
        if (problem.heads() == 0) {
            return Prepared.NOTHING;
        }
        if (problem.queries() == 0) {
            return zeros(step.outputs().subList(1, 3));
        }
        List<View> rows = new ArrayList<>(List.of(inputs.get(0), inputs.get(1), inputs.get(2), out, dout));
        rows.addAll(step.outputs());
        if (TensorCoreAttention.takes(problem, op.biased(), op.scale(), card, rows)) {
            return TensorCoreAttention.gradient(problem, op.scale(), inputs, step.outputs());
        }
        int width = AttentionKernel.blockWidth(problem.dtype(), Math.max(problem.depth(), problem.width()));
        Source source = AttentionKernel.source(problem.dtype(), bias, width);
        long statisticBytes = problem.heads() * problem.queries() * problem.dtype().computeType().bytes();
        Argument reciprocals = new Argument.Workspace(0);
        Argument deltas = new Argument.Workspace(statisticBytes);
        List<Argument> reads = List.of(Argument.of(inputs.get(0)), Argument.of(inputs.get(1)),
            Argument.of(inputs.get(2)), AttentionKernel.addressOf(bias), Argument.of(inputs.get(next + 1)), reciprocals,
            deltas, Argument.of(dout));
        Work statistics = Launch.of(source, "attention_statistics_" + problem.dtype().text(),
            problem.heads() * AttentionKernel.blocks(problem.queries(), AttentionKernel.THREADS),
            AttentionKernel.THREADS, Argument.of(out), Argument.of(dout), Argument.of(inputs.get(next + 2)),
            reciprocals, deltas, problem.argument());
        Work keys = launch(source, "attention_gradient_keys_", problem, op.scale(), problem.keys(),
            Math.max(problem.depth(), problem.width()), reads, step.outputs().subList(1, 3));
        Work queries = launch(source, "attention_gradient_queries_", problem, op.scale(), problem.queries(),
            problem.depth(), reads, step.outputs().subList(0, 1));
        return new Prepared(List.of(statistics, keys, queries), 2 * statisticBytes, false);
    }

    private static Work launch(Source source, String function, AttentionProblem problem, double scale, long rows,
        long columns, List<Argument> reads, List<View> results) {
        List<Argument> arguments = new ArrayList<>(reads);
        results.forEach(view -> arguments.add(Argument.of(view)));
        arguments.add(problem.argument());
        arguments.add(problem.number(scale));
        int width = Integer.parseInt(source.definitions().get("WIDTH"));
        return new Launch(source, function + problem.dtype().text(),
            problem.heads() * AttentionKernel.blocks(rows, AttentionKernel.ROWS),
            Math.max(1, (int) AttentionKernel.blocks(columns, width)), 1, AttentionKernel.THREADS, 1, 0, arguments);
    }

    /** No query, no gradient. */
    private static Prepared zeros(List<View> results) {
        List<Work> work = new ArrayList<>();
        for (View result : results) {
            long bytes = result.shape().elements() * result.dtype().bytes();
            if (bytes > 0) {
                work.add(new Fill(Argument.of(result), bytes, (byte) 0));
            }
        }
        return new Prepared(work, 0, false);
    }
}

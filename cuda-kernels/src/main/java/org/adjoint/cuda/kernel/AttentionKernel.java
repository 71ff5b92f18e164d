package org.adjoint.cuda.kernel;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Card;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Attention: {@code attention.cu}, or {@code attention_mma.cu} where tensor cores can do it. */
public final class AttentionKernel {
    /** Rows of scores that a block holds: ROWS of {@code attention.cu}. */
    static final int ROWS = 64;
    static final int THREADS = 256;
    private static final int BIAS = 3;

    private AttentionKernel() { }

    /** Whether input {@code index} may have this layout; a bias is read as it lies. */
    public static boolean fits(FusedOp.Attention op, int index, View view) {
        return op.biased() && index == BIAS ? AttentionProblem.fitsBatch(view) : AttentionProblem.fits(view);
    }

    public static Prepared prepare(PlanStep.Kernel step, FusedOp.Attention op, Card card) {
        View q = step.inputs().get(0);
        View k = step.inputs().get(1);
        View v = step.inputs().get(2);
        View bias = op.biased() ? step.inputs().get(BIAS) : null;
        View out = step.outputs().get(0);
        AttentionProblem problem = AttentionProblem.of(op.causal(), Arrays.asList(q, k, v, bias, null, null));
        if (problem.heads() == 0 || problem.queries() == 0) {
            return Prepared.NOTHING;
        }
        if (TensorCoreAttention.takes(problem, op.biased(), op.scale(), card, List.of(q, k, v, out))) {
            return Prepared.of(TensorCoreAttention.forward(problem, op.scale(), step.inputs(), step.outputs()));
        }
        int width = blockWidth(q.dtype(), problem.width());
        return Prepared.of(new Launch(source(q.dtype(), bias, width), "attention_forward_" + q.dtype().text(),
            problem.heads() * blocks(problem.queries(), ROWS), Math.max(1, (int) blocks(problem.width(), width)), 1,
            THREADS, 1, 0, List.of(Argument.of(q), Argument.of(k), Argument.of(v), addressOf(bias), Argument.of(out),
                Argument.of(step.outputs().get(1)), Argument.of(step.outputs().get(2)), problem.argument(),
                problem.number(op.scale()))));
    }

    /** How many columns of a result that has {@code columns} a block sums: WIDTH of {@code attention.cu}. */
    static int blockWidth(DType dtype, long columns) {
        int most = dtype == DType.F64 ? 64 : 128;
        return columns <= 32 ? 32 : columns <= 64 ? 64 : most;
    }

    static Source source(DType dtype, View bias, int width) {
        Map<String, String> definitions = new HashMap<>();
        definitions.put("T", dtype.text());
        definitions.put("WIDTH", Integer.toString(width));
        if (bias != null) {
            definitions.put("B", bias.dtype().text());
        }
        return Source.ofFile("attention.cu", definitions);
    }

    static Argument addressOf(View view) {
        return view == null ? Argument.of(0L) : Argument.of(view);
    }

    static long blocks(long extent, int block) {
        return (extent + block - 1) / block;
    }
}

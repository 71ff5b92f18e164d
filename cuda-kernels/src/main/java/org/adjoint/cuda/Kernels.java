package org.adjoint.cuda;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.adjoint.cuda.group.Batch;
import org.adjoint.cuda.group.GroupCompiler;
import org.adjoint.cuda.group.RandomInput;
import org.adjoint.cuda.kernel.AdamWKernel;
import org.adjoint.cuda.kernel.ArgReduceKernel;
import org.adjoint.cuda.kernel.ArgSortKernel;
import org.adjoint.cuda.kernel.AttentionGradientKernel;
import org.adjoint.cuda.kernel.AttentionKernel;
import org.adjoint.cuda.kernel.CrossEntropyKernel;
import org.adjoint.cuda.kernel.CumulativeKernel;
import org.adjoint.cuda.kernel.GatherKernel;
import org.adjoint.cuda.kernel.IotaKernel;
import org.adjoint.cuda.kernel.LayerNormKernel;
import org.adjoint.cuda.kernel.MatMulKernel;
import org.adjoint.cuda.kernel.MatrixKernels;
import org.adjoint.cuda.kernel.RandomBitsKernel;
import org.adjoint.cuda.kernel.RmsNormKernel;
import org.adjoint.cuda.kernel.ScatterAddKernel;
import org.adjoint.cuda.kernel.ScatterKernel;
import org.adjoint.cuda.kernel.SearchSortedKernel;
import org.adjoint.cuda.kernel.SoftmaxKernel;
import org.adjoint.cuda.kernel.WindowKernel;
import org.adjoint.cuda.launch.Card;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Loop;
import org.adjoint.cuda.launch.Prepared;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.CumulativeOp;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.GeneralConvolution;
import org.adjoint.graph.MatrixOp;
import org.adjoint.graph.Op;
import org.adjoint.graph.SearchSorted;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;

/** Finds and prepares the kernels of a plan's steps. */
final class Kernels {
    private final Card card;
    private final GroupCompiler groups = new GroupCompiler();

    Kernels(Card card) {
        this.card = card;
    }

    /**
     * One for each step. Updates of an optimizer that follow each other become one launch, at the first of them, and so
     * do elementwise steps of one group. Random bits that one elementwise step reads are made by it; of several
     * generators' bits those of the first, the others lie in memory.
     */
    List<Prepared> prepare(Plan plan) {
        List<Prepared> prepared = new ArrayList<>();
        List<PlanStep> steps = plan.steps();
        Map<Integer, Prepared> makingBits = new HashMap<>();
        while (prepared.size() < steps.size()) {
            int position = prepared.size();
            switch (steps.get(position)) {
                case PlanStep.Elementwise _ when makingBits.containsKey(position) ->
                    prepared.add(makingBits.get(position));
                case PlanStep.Elementwise _ -> {
                    List<PlanStep.Elementwise> batch = Batch.of(plan, position);
                    int size = 1;
                    while (size < batch.size() && !makingBits.containsKey(position + size)) {
                        size++;
                    }
                    add(prepared, groups.prepare(batch.subList(0, size)), size);
                }
                case PlanStep.Kernel kernel when kernel.op() instanceof FusedOp.AdamWUpdate -> {
                    List<PlanStep.Kernel> updates = updatesFrom(kernel, steps, position);
                    add(prepared, AdamWKernel.prepare(updates), updates.size());
                }
                case PlanStep.Kernel kernel when kernel.op() instanceof Op.RandomBits -> {
                    Optional<RandomInput> random = RandomInput.of(plan, position)
                        .filter(input -> RandomBitsKernel.canDefer(kernel) && !makingBits.containsKey(input.reader()));
                    Optional<Prepared> reader = random.flatMap(input ->
                        groups.prepare((PlanStep.Elementwise) steps.get(input.reader()), input));
                    reader.ifPresent(maker -> makingBits.put(random.get().reader(), maker));
                    prepared.add(reader.isPresent() ? RandomBitsKernel.defer(kernel) : prepare(kernel));
                }
                case PlanStep.Kernel kernel -> prepared.add(prepare(kernel));
                case PlanStep.Scan scan -> prepared.add(Loop.of(scan, prepare(scan.body())));
            }
        }
        return prepared;
    }

    /** What the first of some steps does for all of them. */
    private static void add(List<Prepared> prepared, Prepared first, int steps) {
        prepared.add(first);
        prepared.addAll(Collections.nCopies(steps - 1, Prepared.NOTHING));
    }

    private static List<PlanStep.Kernel> updatesFrom(PlanStep.Kernel first, List<PlanStep> steps, int position) {
        List<PlanStep.Kernel> updates = new ArrayList<>(List.of(first));
        for (int i = position + 1; i < steps.size() && steps.get(i) instanceof PlanStep.Kernel next
            && next.op().equals(first.op()) && AdamWKernel.joins(updates, next); i++) {
            updates.add(next);
        }
        return updates;
    }

    private Prepared prepare(PlanStep.Kernel step) {
        return switch (step.op()) {
            case Op.Iota _ -> IotaKernel.prepare(step);
            case Op.RandomBits _ -> RandomBitsKernel.prepare(step);
            case Op.ArgReduce op -> ArgReduceKernel.prepare(step, op);
            case Op.ArgSort op -> ArgSortKernel.prepare(step, op);
            case Op.MatMul _ -> MatMulKernel.prepare(step);
            case Op.Gather op -> GatherKernel.prepare(step, op);
            case Op.Scatter op -> ScatterKernel.prepare(step, op);
            case Op.ScatterAdd op -> ScatterAddKernel.prepare(step, op);
            case Op.DynamicSlice op -> WindowKernel.prepare(step, op);
            case Op.DynamicUpdateSlice op -> WindowKernel.prepare(step, op);
            case FusedOp.Softmax _ -> SoftmaxKernel.prepare(step, false);
            case FusedOp.SoftmaxGradient _ -> SoftmaxKernel.prepareGradient(step, false);
            case FusedOp.LogSoftmax _ -> SoftmaxKernel.prepare(step, true);
            case FusedOp.LogSoftmaxGradient _ -> SoftmaxKernel.prepareGradient(step, true);
            case SearchSorted op -> SearchSortedKernel.prepare(step, op);
            case FusedOp.CrossEntropy _ -> CrossEntropyKernel.prepare(step);
            case FusedOp.LayerNorm op -> LayerNormKernel.prepare(step, op);
            case FusedOp.LayerNormGradient _ -> LayerNormKernel.prepareGradient(step);
            case FusedOp.RmsNorm op -> RmsNormKernel.prepare(step, op);
            case FusedOp.RmsNormGradient _ -> RmsNormKernel.prepareGradient(step);
            case FusedOp.Attention op -> AttentionKernel.prepare(step, op, card);
            case FusedOp.AttentionGradient op -> AttentionGradientKernel.prepare(step, op, card);
            case CumulativeOp op -> CumulativeKernel.prepare(step, op);
            case MatrixOp.Cholesky _ -> MatrixKernels.cholesky(step);
            case MatrixOp.TriangularSolve op -> MatrixKernels.triangularSolve(step, op);
            case MatrixOp.Householder _ -> MatrixKernels.householder(step);
            case FusedOp.AdamWUpdate _, GeneralConvolution _, Op.Leaf _, Op.Constant _, Op.Unary _, Op.Binary _,
                Op.Where _, Op.Cast _,
                Op.Reduce _, Op.Reshape _, Op.Permute _, Op.Expand _, Op.Slice _, Op.Windows _, Op.Pad _, Op.Concat _,
                Op.StopGradient _, Op.WithGradient _, Op.Barrier _,
                Op.Project _, Op.Scan _, Op.Composition _, MatrixOp.Qr _, MatrixOp.Solve _,
                MatrixOp.LogDeterminant _, MatrixOp.Determinant _ ->
                throw new IllegalArgumentException(
                    "cuda: " + step.op().name() + " is no kernel of its own: the planner makes groups of it");
        };
    }

    /** What has to be compiled. */
    static Set<Source> sources(List<Prepared> prepared) {
        Set<Source> sources = new LinkedHashSet<>();
        for (Prepared step : prepared) {
            step.work().forEach(work -> {
                if (work instanceof Launch launch) {
                    sources.add(launch.source());
                } else if (work instanceof Loop loop) {
                    sources.addAll(sources(loop.body()));
                }
            });
        }
        return sources;
    }
}

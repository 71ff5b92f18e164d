package org.adjoint.cpu;

import java.util.List;
import org.adjoint.cpu.gemm.Gemm;
import org.adjoint.cpu.group.GroupCompiler;
import org.adjoint.cpu.kernel.ArgReduceKernel;
import org.adjoint.cpu.kernel.ArgSortKernel;
import org.adjoint.cpu.kernel.ArrayPool;
import org.adjoint.cpu.kernel.AttentionGradientKernel;
import org.adjoint.cpu.kernel.AttentionKernel;
import org.adjoint.cpu.kernel.ByteMatMulKernel;
import org.adjoint.cpu.kernel.CholeskyKernel;
import org.adjoint.cpu.kernel.ConvolutionKernel;
import org.adjoint.cpu.kernel.CrossEntropyKernel;
import org.adjoint.cpu.kernel.CumulativeKernel;
import org.adjoint.cpu.kernel.GatherKernel;
import org.adjoint.cpu.kernel.HouseholderKernel;
import org.adjoint.cpu.kernel.IotaKernel;
import org.adjoint.cpu.kernel.LayerNormGradientKernel;
import org.adjoint.cpu.kernel.LayerNormKernel;
import org.adjoint.cpu.kernel.MatMulKernel;
import org.adjoint.cpu.kernel.RandomBitsKernel;
import org.adjoint.cpu.kernel.RepeatKernel;
import org.adjoint.cpu.kernel.RmsNormGradientKernel;
import org.adjoint.cpu.kernel.RmsNormKernel;
import org.adjoint.cpu.kernel.ScatterAddKernel;
import org.adjoint.cpu.kernel.ScatterKernel;
import org.adjoint.cpu.kernel.SearchSortedKernel;
import org.adjoint.cpu.kernel.SoftmaxGradientKernel;
import org.adjoint.cpu.kernel.SoftmaxKernel;
import org.adjoint.cpu.kernel.TriangularSolveKernel;
import org.adjoint.cpu.kernel.WindowKernel;
import org.adjoint.graph.CumulativeOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.GeneralConvolution;
import org.adjoint.graph.MatrixOp;
import org.adjoint.graph.Op;
import org.adjoint.graph.SearchSorted;
import org.adjoint.graph.Shape;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Finds and prepares the kernel of each step, for one vector width. */
final class Kernels implements AutoCloseable {
    private final int vectorBits;
    private final Gemm gemm;
    private final GroupCompiler groups;
    private final ArrayPool arrays = new ArrayPool();

    /** @param vectorBits 128, 256 or 512, or 0 for scalar code */
    Kernels(int vectorBits) {
        this.vectorBits = vectorBits;
        this.gemm = new Gemm(vectorBits);
        this.groups = new GroupCompiler(vectorBits);
    }

    CpuKernel prepare(PlanStep step) {
        return switch (step) {
            case PlanStep.Elementwise elementwise -> isRepetition(elementwise)
                ? new RepeatKernel(elementwise.inputs().getFirst(), elementwise.outputs().getFirst())
                : groups.prepare(elementwise);
            case PlanStep.Kernel kernel -> prepare(kernel);
            case PlanStep.Scan scan -> new ScanKernel(scan, scan.body().steps().stream().map(this::prepare).toList());
        };
    }

    /** Whether a group is nothing but a copy that {@link RepeatKernel} does. */
    private static boolean isRepetition(PlanStep.Elementwise step) {
        Group group = step.group();
        return group.body().size() == 1 && group.body().getFirst() instanceof Instruction.Load
            && group.results().size() == 1 && step.reducedAxes() == 0
            && RepeatKernel.fits(step.inputs().getFirst(), step.outputs().getFirst());
    }

    private CpuKernel prepare(PlanStep.Kernel step) {
        return switch (step.op()) {
            case Op.Iota _ -> new IotaKernel(step);
            case Op.RandomBits _ -> new RandomBitsKernel(step);
            case Op.ArgReduce op -> new ArgReduceKernel(step, op);
            case Op.ArgSort op -> new ArgSortKernel(step, op);
            case Op.MatMul _ -> step.outputs().getFirst().dtype() == DType.U8 ? new ByteMatMulKernel(step)
                : new MatMulKernel(step, gemm);
            case Op.Gather op -> new GatherKernel(step, op);
            case Op.Scatter op -> new ScatterKernel(step, op, copyUnlessInPlace(step));
            case Op.ScatterAdd op -> new ScatterAddKernel(step, op, copyUnlessInPlace(step), vectorBits);
            case Op.DynamicSlice op -> dynamicSlice(step, op);
            case Op.DynamicUpdateSlice op -> dynamicUpdateSlice(step, op);
            case FusedOp.Softmax _ -> new SoftmaxKernel(step, false, vectorBits);
            case FusedOp.SoftmaxGradient _ -> new SoftmaxGradientKernel(step, false, vectorBits);
            case FusedOp.LogSoftmax _ -> new SoftmaxKernel(step, true, vectorBits);
            case FusedOp.LogSoftmaxGradient _ -> new SoftmaxGradientKernel(step, true, vectorBits);
            case SearchSorted op -> new SearchSortedKernel(step, op);
            case FusedOp.CrossEntropy _ -> new CrossEntropyKernel(step, vectorBits);
            case FusedOp.LayerNorm op -> new LayerNormKernel(step, op, vectorBits);
            case FusedOp.LayerNormGradient _ -> new LayerNormGradientKernel(step, vectorBits);
            case FusedOp.RmsNorm op -> new RmsNormKernel(step, op, vectorBits);
            case FusedOp.RmsNormGradient _ -> new RmsNormGradientKernel(step, vectorBits);
            case FusedOp.Attention op -> new AttentionKernel(step, op, vectorBits);
            case FusedOp.AttentionGradient op -> new AttentionGradientKernel(step, op, vectorBits);
            case GeneralConvolution op -> ConvolutionKernel.of(step, op, arrays, vectorBits);
            case MatrixOp.Cholesky _ -> new CholeskyKernel(step, vectorBits);
            case MatrixOp.TriangularSolve op -> new TriangularSolveKernel(step, op, vectorBits);
            case MatrixOp.Householder _ -> new HouseholderKernel(step, vectorBits);
            case CumulativeOp op -> new CumulativeKernel(step, op);
            // A group does AdamW's update in one pass over memory already: nothing could be faster.
            case FusedOp.AdamWUpdate _, Op.Leaf _, Op.Constant _, Op.Unary _, Op.Binary _,
                Op.Where _, Op.Cast _,
                Op.Reduce _, Op.Reshape _, Op.Permute _, Op.Expand _, Op.Slice _, Op.Windows _, Op.Pad _, Op.Concat _,
                Op.StopGradient _, Op.WithGradient _, Op.Barrier _,
                Op.Project _, Op.Scan _, Op.Composition _, MatrixOp.Qr _, MatrixOp.Solve _,
                MatrixOp.LogDeterminant _, MatrixOp.Determinant _ ->
                throw new IllegalArgumentException(
                    "cpu: " + step.op().name() + " is no kernel of its own: the planner makes groups of it");
        };
    }

    private CpuKernel dynamicSlice(PlanStep.Kernel step, Op.DynamicSlice op) {
        View x = step.inputs().get(0);
        View corner = new View(x.slot(), x.dtype(), op.shape(), x.strides(), 0);
        return new WindowKernel(op.name(), x, op.shape(), step.inputs().get(1), null,
            copy(corner, step.outputs().getFirst()));
    }

    private CpuKernel dynamicUpdateSlice(PlanStep.Kernel step, Op.DynamicUpdateSlice op) {
        View update = step.inputs().get(1);
        View y = step.outputs().getFirst();
        View corner = new View(y.slot(), y.dtype(), update.shape(), y.strides(), 0);
        return new WindowKernel(op.name(), y, update.shape(), step.inputs().get(2), copyUnlessInPlace(step),
            copy(update, corner));
    }

    /** Fills the output with input 0; null where they are the same memory. */
    private CpuKernel copyUnlessInPlace(PlanStep.Kernel step) {
        View x = step.inputs().getFirst();
        View y = step.outputs().getFirst();
        return x.slot() == y.slot() && x.offset() == y.offset() && x.isContiguous() ? null : copy(x, y);
    }

    /** A group of one load and one store; both views have one shape. */
    private CpuKernel copy(View source, View target) {
        DType compute = source.dtype().computeType();
        Group group = new Group(List.of(source.dtype()), List.of(), List.of(new Instruction.Load(0, compute)),
            List.of(new Group.Result(0, source.dtype(), null)));
        View from = withAxes(source);
        return groups.prepare(new PlanStep.Elementwise(group, from.shape().toArray(), 0, List.of(from),
            List.of(withAxes(target)), new int[0]));
    }

    /** A loop domain has at least one axis. */
    private static View withAxes(View view) {
        return view.shape().rank() > 0 ? view
            : new View(view.slot(), view.dtype(), Shape.of(1), new long[] {0}, view.offset());
    }

    @Override
    public void close() {
        groups.close();
    }
}

package org.adjoint.cpu;

import java.util.List;
import org.adjoint.cpu.kernel.CholeskyKernel;
import org.adjoint.cpu.kernel.ConvolutionKernel;
import org.adjoint.cpu.kernel.HouseholderKernel;
import org.adjoint.cpu.kernel.RowView;
import org.adjoint.cpu.kernel.TriangularSolveKernel;
import org.adjoint.graph.CumulativeOp;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.GeneralConvolution;
import org.adjoint.graph.MatrixOp;
import org.adjoint.graph.Op;
import org.adjoint.graph.SearchSorted;
import org.adjoint.graph.TensorType;
import org.adjoint.plan.Target;
import org.adjoint.plan.View;

/** What there are kernels for, and in which layouts they take their inputs. */
final class CpuTarget implements Target {
    static final CpuTarget INSTANCE = new CpuTarget();

    private CpuTarget() { }

    @Override
    public boolean supports(Op.Fused op, List<TensorType> inputs) {
        return switch (op) {
            case FusedOp.Softmax _, FusedOp.SoftmaxGradient _, FusedOp.LogSoftmax _, FusedOp.LogSoftmaxGradient _,
                FusedOp.CrossEntropy _, SearchSorted _ -> true;
            // Parameters of another precision than the data's would need other arithmetic in the middle.
            case FusedOp.LayerNorm _, FusedOp.LayerNormGradient _, FusedOp.RmsNorm _, FusedOp.RmsNormGradient _,
                FusedOp.Attention _, FusedOp.AttentionGradient _ -> oneArithmetic(inputs);
            // Decomposed, it is one group that passes over memory once: a kernel could do no better.
            case FusedOp.AdamWUpdate _ -> false;
            case MatrixOp.Cholesky _ -> CholeskyKernel.supports(inputs);
            case MatrixOp.TriangularSolve _ -> TriangularSolveKernel.supports(inputs);
            case MatrixOp.Householder _ -> HouseholderKernel.supports(inputs);
            case MatrixOp.Qr _, MatrixOp.Solve _, MatrixOp.LogDeterminant _,
                MatrixOp.Determinant _ -> false;
            case CumulativeOp _ -> true;
            case Op.Composition _ -> false;
            // Of one tap each, it is a product of views.
            case GeneralConvolution convolution -> !convolution.isProduct(inputs) && !convolution.isGapped();
        };
    }

    private static boolean oneArithmetic(List<TensorType> inputs) {
        return inputs.stream().map(type -> type.dtype().computeType()).distinct().count() == 1;
    }

    @Override
    public boolean accepts(Op op, int index, View view) {
        return switch (op) {
            case FusedOp.Softmax _, FusedOp.SoftmaxGradient _, FusedOp.LogSoftmax _, FusedOp.LogSoftmaxGradient _,
                FusedOp.LayerNorm _, FusedOp.RmsNorm _ -> RowView.fits(view, 1);
            case SearchSorted _ -> true;
            case FusedOp.CrossEntropy _ -> index == 1 || RowView.fits(view, 1);
            // The statistics, inputs 2 and 3, are read one by one.
            case FusedOp.LayerNormGradient _ -> index == 2 || index == 3 || RowView.fits(view, 1);
            case FusedOp.RmsNormGradient _ -> index == 2 || RowView.fits(view, 1);
            // Rows of q, k, v and so on are packed whole; a bias, input 3, is read as it lies.
            case FusedOp.Attention attention -> attention.biased() && index == 3 || RowView.fits(view, 1);
            case FusedOp.AttentionGradient gradient -> gradient.biased() && index == 3 || RowView.fits(view, 1);
            case GeneralConvolution _ -> ConvolutionKernel.fits(index, view);
            case Op.DynamicSlice _ -> !hasNegativeStride(view);
            case Op.MatMul _, Op.Iota _, Op.RandomBits _, Op.ArgReduce _, Op.ArgSort _, Op.Gather _, Op.Scatter _,
                Op.ScatterAdd _, Op.DynamicUpdateSlice _ -> true;
            case FusedOp.AdamWUpdate _, Op.Leaf _, Op.Constant _, Op.Unary _, Op.Binary _,
                Op.Where _, Op.Cast _,
                Op.Reduce _, Op.Reshape _, Op.Permute _, Op.Expand _, Op.Slice _, Op.Windows _, Op.Pad _, Op.Concat _,
                Op.StopGradient _, Op.WithGradient _, Op.Barrier _,
                Op.Project _, Op.Scan _ -> false;
            case MatrixOp _ -> true;
            case CumulativeOp _ -> true;
            case Op.Composition _ -> false;
        };
    }

    private static boolean hasNegativeStride(View view) {
        for (long stride : view.strides()) {
            if (stride < 0) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean fuses() {
        return true;
    }

    @Override
    public boolean rewrites() {
        return true;
    }
}

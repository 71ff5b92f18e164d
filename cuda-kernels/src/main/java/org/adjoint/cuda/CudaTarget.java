package org.adjoint.cuda;

import java.util.List;
import org.adjoint.cuda.kernel.AdamWKernel;
import org.adjoint.cuda.kernel.AttentionGradientKernel;
import org.adjoint.cuda.kernel.AttentionKernel;
import org.adjoint.cuda.kernel.CrossEntropyKernel;
import org.adjoint.cuda.kernel.LayerNormKernel;
import org.adjoint.cuda.kernel.MatMulKernel;
import org.adjoint.cuda.kernel.MatrixKernels;
import org.adjoint.cuda.kernel.RmsNormKernel;
import org.adjoint.cuda.kernel.SoftmaxKernel;
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
final class CudaTarget implements Target {
    static final CudaTarget INSTANCE = new CudaTarget();

    private CudaTarget() { }

    @Override
    public boolean supports(Op.Fused op, List<TensorType> inputs) {
        return switch (op) {
            case FusedOp.Softmax _, FusedOp.SoftmaxGradient _, FusedOp.LogSoftmax _, FusedOp.LogSoftmaxGradient _,
                FusedOp.CrossEntropy _, SearchSorted _ -> true;
            case FusedOp.LayerNorm _ -> LayerNormKernel.supports(inputs);
            case FusedOp.LayerNormGradient _ -> LayerNormKernel.supportsGradient(inputs);
            // Operands of different precisions would need other arithmetic in the middle.
            case FusedOp.Attention _, FusedOp.AttentionGradient _ ->
                inputs.stream().map(type -> type.dtype().computeType()).distinct().count() == 1;
            case FusedOp.AdamWUpdate _ -> AdamWKernel.supports(inputs);
            // Patches are copied, cuBLAS does the rest.
            case GeneralConvolution _ -> false;
            case FusedOp.RmsNorm _ -> RmsNormKernel.supports(inputs);
            case FusedOp.RmsNormGradient _ -> RmsNormKernel.supportsGradient(inputs);
            case MatrixOp.Cholesky _, MatrixOp.TriangularSolve _, MatrixOp.Householder _ ->
                MatrixKernels.supports(inputs);
            case MatrixOp.Qr _, MatrixOp.Solve _, MatrixOp.LogDeterminant _,
                MatrixOp.Determinant _ -> false;
            case CumulativeOp _ -> true;
            case Op.Composition _ -> false;
        };
    }

    @Override
    public boolean accepts(Op op, int index, View view) {
        return switch (op) {
            case FusedOp.Softmax _, FusedOp.SoftmaxGradient _, FusedOp.LogSoftmax _, FusedOp.LogSoftmaxGradient _ ->
                SoftmaxKernel.fits(view);
            case SearchSorted _ -> true;
            case FusedOp.CrossEntropy _ -> CrossEntropyKernel.fits(index, view);
            case FusedOp.LayerNorm _ -> LayerNormKernel.fits(view);
            case FusedOp.LayerNormGradient _ -> LayerNormKernel.fitsGradient(index, view);
            case FusedOp.RmsNorm _ -> RmsNormKernel.fits(view);
            case FusedOp.RmsNormGradient _ -> RmsNormKernel.fitsGradient(index, view);
            case FusedOp.Attention attention -> AttentionKernel.fits(attention, index, view);
            case FusedOp.AttentionGradient gradient -> AttentionGradientKernel.fits(gradient, index, view);
            case FusedOp.AdamWUpdate _ -> AdamWKernel.fits(index, view);
            case Op.MatMul _ -> MatMulKernel.fits(view);
            // The indices may lie anyhow; x is updated in place, and the updates are read by rows.
            case Op.Scatter _, Op.ScatterAdd _ -> index == 1 || view.isContiguous();
            case Op.DynamicUpdateSlice _ -> index > 0 || view.isContiguous();
            case Op.Iota _, Op.RandomBits _, Op.ArgReduce _, Op.ArgSort _, Op.Gather _, Op.DynamicSlice _ -> true;
            case GeneralConvolution _, Op.Leaf _, Op.Constant _, Op.Unary _, Op.Binary _, Op.Where _, Op.Cast _,
                Op.Reduce _, Op.Reshape _,
                Op.Permute _, Op.Expand _, Op.Slice _, Op.Windows _, Op.Pad _, Op.Concat _,
                Op.StopGradient _, Op.WithGradient _, Op.Barrier _,
                Op.Project _, Op.Scan _ -> false;
            case MatrixOp _ -> true;
            case CumulativeOp _ -> true;
            case Op.Composition _ -> false;
        };
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

package org.adjoint.cpu.kernel;

import org.adjoint.cpu.CpuKernel;
import org.adjoint.graph.GeneralConvolution;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Convolution over views: whatever there is more of, positions or taps, is what inner loops run along. */
public final class ConvolutionKernel {
    private ConvolutionKernel() { }

    /** Whether the kernels read input {@code index} where it lies. */
    public static boolean fits(int index, View view) {
        return ConvolutionShape.fits(index, view);
    }

    public static CpuKernel of(PlanStep.Kernel step, GeneralConvolution op, ArrayPool pool, int vectorBits) {
        if (step.outputs().getFirst().shape().isEmpty()) {
            return (slots, scalars, parallel) -> { };
        }
        ConvolutionShape shape = ConvolutionShape.of(step, op);
        if (shape.channels() == 0) {
            return (slots, scalars, parallel) -> slots[shape.y().slot()].asSlice(shape.y().byteOffset(),
                shape.y().shape().elements() * shape.y().dtype().bytes()).fill((byte) 0);
        }
        if (shape.positionCount() >= shape.tapCount()) {
            CpuKernel depthwise = DepthwiseConvolution.of(shape, vectorBits);
            return depthwise != null ? depthwise : new PositionsConvolution(shape, pool, vectorBits);
        }
        return DotsConvolution.fits(shape) ? new DotsConvolution(shape, vectorBits)
            : new TapsConvolution(shape, pool, vectorBits);
    }
}

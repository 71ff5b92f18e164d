package org.adjoint.contract;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.gradcheck.TensorFunction;

/**
 * One use of an operation.
 *
 * @param operands arguments of the function
 * @param function the operation
 * @param gradients what is done about its gradients
 * @param step first step of the differences
 * @param tolerance relative error that analytic and numeric gradients may differ by
 */
record SampleCase(List<Operand> operands, TensorFunction function, Gradients gradients, double step, double tolerance) {
    enum Gradients {
        /** Nothing: the sample holds NaN, kinks or poles. */
        NONE,
        /** The device's are compared with the reference's. */
        COMPARED,
        /** And the reference's with differences. */
        DIFFERENCED
    }

    static SampleCase of(TensorFunction function, Operand... operands) {
        return new SampleCase(List.of(operands), function, Gradients.DIFFERENCED, 1.0 / 64, 1e-8);
    }

    SampleCase forwardOnly() {
        return new SampleCase(operands, function, Gradients.NONE, step, tolerance);
    }

    SampleCase withoutDifferences() {
        return new SampleCase(operands, function, Gradients.COMPARED, step, tolerance);
    }

    SampleCase differences(double step, double tolerance) {
        return new SampleCase(operands, function, gradients, step, tolerance);
    }

    /** The operation as a function of the tensors that its arguments are views of. */
    Tensor apply(Tensor... bases) {
        return function.apply(views(bases));
    }

    /** The magnitude of what is summed, likewise. */
    Tensor magnitude(Tolerance.Magnitude magnitude, Tensor... bases) {
        return magnitude.of(function, views(bases));
    }

    /** The arguments, from the tensors that they are views of. */
    Tensor[] views(Tensor... bases) {
        Tensor[] views = new Tensor[bases.length];
        for (int i = 0; i < views.length; i++) {
            views[i] = operands.get(i).view(bases[i]);
        }
        return views;
    }

    @Override
    public String toString() {
        return operands.toString();
    }
}

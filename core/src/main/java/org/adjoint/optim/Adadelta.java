package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;

/**
 * Adadelta (Zeiler, 2012), as PyTorch's {@code torch.optim.Adadelta}: with gradient g, rate r, weight decay w and
 * smoothing a,
 *
 * <pre>
 * g' = g + w p
 * v  = a v + (1 - a) g'^2
 * d  = sqrt(u + epsilon) / sqrt(v + epsilon) g'
 * u  = a u + (1 - a) d^2
 * p  = p - r d
 * </pre>
 */
public final class Adadelta extends Optimizer<Adadelta> {
    private final List<Variable> squares = moments("square");
    private final List<Variable> steps = moments("squaredStep");
    private double smoothing = 0.9;
    private double epsilon = 1e-6;

    private Adadelta(List<Variable> parameters) {
        super(parameters, 1, 0);
    }

    /** Learning rate 1, smoothing 0.9, epsilon 1e-6, no weight decay, unless told. */
    public static Adadelta of(List<Variable> parameters) {
        return new Adadelta(parameters);
    }

    /** Sets how slowly the mean squares change, in [0, 1). */
    public Adadelta smoothing(double value) {
        smoothing = requireInRange("smoothing", value, 1);
        return this;
    }

    public Adadelta epsilon(double value) {
        epsilon = requireInRange("epsilon", value, Double.POSITIVE_INFINITY);
        return this;
    }

    @Override
    Adadelta self() {
        return this;
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        for (int i = 0; i < gradients.size(); i++) {
            Variable parameter = parametersInOrder().get(i);
            Tensor gradient = regularized(gradients.get(i), parameter);
            Tensor square = smoothed(squares.get(i), gradient.square(), smoothing, update);
            Tensor step = steps.get(i).tensor().add(epsilon).sqrt().div(square.add(epsilon).sqrt()).mul(gradient);
            smoothed(steps.get(i), step.square(), smoothing, update);
            set(parameter, precise(parameter).sub(step.mul(rate(parameter, step.dtype()))), update);
        }
    }
}

package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;

/**
 * RMSProp (Tieleman and Hinton, 2012), as PyTorch's {@code torch.optim.RMSprop}: with gradient g, rate r, weight decay
 * w, smoothing a and momentum m,
 *
 * <pre>
 * g' = g + w p
 * v  = a v + (1 - a) g'^2
 * c  = a c + (1 - a) g'                           if centered, else 0
 * b  = m b + g' / (sqrt(v - c^2) + epsilon)
 * p  = p - r b
 * </pre>
 */
public final class RMSProp extends Optimizer<RMSProp> {
    private final List<Variable> squares = moments("square");
    private List<Variable> means = List.of();
    private List<Variable> velocities = List.of();
    private double smoothing = 0.99;
    private double epsilon = 1e-8;
    private double momentum;

    private RMSProp(List<Variable> parameters) {
        super(parameters, 1e-2, 0);
    }

    /** Learning rate 1e-2, smoothing 0.99, epsilon 1e-8, no momentum, not centered, no weight decay, unless told. */
    public static RMSProp of(List<Variable> parameters) {
        return new RMSProp(parameters);
    }

    /** Sets how slowly the mean square changes, in [0, 1). */
    public RMSProp smoothing(double value) {
        smoothing = requireInRange("smoothing", value, 1);
        return this;
    }

    public RMSProp epsilon(double value) {
        epsilon = requireInRange("epsilon", value, Double.POSITIVE_INFINITY);
        return this;
    }

    /** Sets the momentum, in [0, 1). */
    public RMSProp momentum(double value) {
        momentum = requireInRange("momentum", value, 1);
        if (momentum > 0 && velocities.isEmpty()) {
            velocities = moments("velocity");
        }
        return this;
    }

    /** Divides by the deviation from the mean gradient rather than by the root of the mean square. */
    public RMSProp centered() {
        if (means.isEmpty()) {
            means = moments("mean");
        }
        return this;
    }

    @Override
    RMSProp self() {
        return this;
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        for (int i = 0; i < gradients.size(); i++) {
            Variable parameter = parametersInOrder().get(i);
            Tensor gradient = regularized(gradients.get(i), parameter);
            Tensor square = smoothed(squares.get(i), gradient.square(), smoothing, update);
            Tensor variance = square;
            if (!means.isEmpty()) {
                Tensor mean = smoothed(means.get(i), gradient, smoothing, update);
                // Rounding may make it negative.
                variance = square.sub(mean.square()).maximum(0);
            }
            Tensor direction = gradient.div(variance.sqrt().add(epsilon));
            if (momentum > 0) {
                direction = velocities.get(i).tensor().mul(momentum).add(direction);
                update.set(velocities.get(i), direction);
            }
            set(parameter, precise(parameter).sub(direction.mul(rate(parameter, direction.dtype()))), update);
        }
    }
}

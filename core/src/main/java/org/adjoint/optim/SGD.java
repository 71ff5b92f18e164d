package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;

/**
 * Stochastic gradient descent as PyTorch's {@code torch.optim.SGD} without dampening: with gradient g, weight decay w,
 * momentum m and rate r,
 *
 * <pre>
 * g' = g + w p
 * v  = m v + g'
 * p  = p - r v            or, with Nesterov's momentum,  p - r (g' + m v)
 * </pre>
 */
public final class SGD extends Optimizer<SGD> {
    private double momentum;
    private boolean nesterov;
    private List<Variable> velocities = List.of();

    private SGD(List<Variable> parameters) {
        super(parameters, 1e-3, 0);
    }

    /** Learning rate 1e-3, no momentum, no weight decay, unless told. */
    public static SGD of(List<Variable> parameters) {
        return new SGD(parameters);
    }

    /** Sets the momentum, in [0, 1), without Nesterov's correction. */
    public SGD momentum(double value) {
        momentum = requireInRange("momentum", value, 1);
        nesterov = false;
        if (momentum > 0 && velocities.isEmpty()) {
            velocities = moments("velocity");
        }
        return this;
    }

    /** Sets Nesterov's momentum, in (0, 1). */
    public SGD nesterov(double value) {
        if (value == 0) {
            throw new IllegalArgumentException("SGD: Nesterov's momentum must not be 0");
        }
        momentum(value);
        nesterov = true;
        return this;
    }

    @Override
    SGD self() {
        return this;
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        for (int i = 0; i < gradients.size(); i++) {
            Variable variable = parametersInOrder().get(i);
            DType compute = variable.dtype().computeType();
            Tensor gradient = regularized(gradients.get(i), variable);
            Tensor direction = gradient;
            if (momentum > 0) {
                Tensor velocity = velocities.get(i).tensor().mul(momentum).add(gradient);
                update.set(velocities.get(i), velocity);
                direction = nesterov ? gradient.add(velocity.mul(momentum)) : velocity;
            }
            set(variable, precise(variable).sub(direction.mul(rate(variable, compute))), update);
        }
    }
}

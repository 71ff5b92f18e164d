package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;

/**
 * Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2): with gradient g, rate r and
 * weight decay w,
 *
 * <pre>
 * p = p (1 - r w) - r sign(beta1 m + (1 - beta1) g)
 * m = beta2 m + (1 - beta2) g
 * </pre>
 *
 * Rates are 3 to 10 times smaller than AdamW's, weight decay is as much larger.
 */
public final class Lion extends Optimizer<Lion> {
    private final List<Variable> momenta = moments("firstMoment");
    private double beta1 = 0.9;
    private double beta2 = 0.99;

    private Lion(List<Variable> parameters) {
        super(parameters, 1e-4, 0);
    }

    /** Learning rate 1e-4, betas 0.9 and 0.99, no weight decay, unless told. */
    public static Lion of(List<Variable> parameters) {
        return new Lion(parameters);
    }

    /** Sets how much of the momentum a step and the next momentum are made of, both in [0, 1). */
    public Lion betas(double newBeta1, double newBeta2) {
        beta1 = requireInRange("beta1", newBeta1, 1);
        beta2 = requireInRange("beta2", newBeta2, 1);
        return this;
    }

    @Override
    Lion self() {
        return this;
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        for (int i = 0; i < gradients.size(); i++) {
            Variable parameter = parametersInOrder().get(i);
            Variable momentum = momenta.get(i);
            Tensor gradient = gradients.get(i).to(momentum.dtype());
            Tensor direction = momentum.tensor().mul(beta1).add(gradient.mul(1 - beta1)).sign();
            smoothed(momentum, gradient, beta2, update);
            Tensor rate = rate(parameter, momentum.dtype());
            set(parameter, decayed(parameter, rate).sub(direction.mul(rate)), update);
        }
    }
}

package org.adjoint.optim;

import java.util.List;
import org.adjoint.Variable;

/**
 * An optimizer that follows running means of gradients and of their squares, or the like.
 *
 * @param <O> the optimizer's own class, which the settings return
 */
public abstract sealed class MomentOptimizer<O extends MomentOptimizer<O>> extends Optimizer<O>
    permits Adam, AdamW, Adamax, NAdam, LAMB, Muon {
    private double beta1 = 0.9;
    private double beta2 = 0.999;
    private double epsilon;

    MomentOptimizer(List<Variable> parameters, double learningRate, double weightDecay, double epsilon) {
        super(parameters, learningRate, weightDecay);
        this.epsilon = epsilon;
    }

    final double beta1() {
        return beta1;
    }

    final double beta2() {
        return beta2;
    }

    final double epsilon() {
        return epsilon;
    }

    /** Sets how slowly the moments change, both in [0, 1). */
    public final O betas(double newBeta1, double newBeta2) {
        beta1 = requireInRange("beta1", newBeta1, 1);
        beta2 = requireInRange("beta2", newBeta2, 1);
        return self();
    }

    /** Sets what keeps divisors from 0. */
    public final O epsilon(double value) {
        epsilon = requireInRange("epsilon", value, Double.POSITIVE_INFINITY);
        return self();
    }
}

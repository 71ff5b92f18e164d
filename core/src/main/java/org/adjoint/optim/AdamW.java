package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as PyTorch's {@code torch.optim.AdamW}: with gradient
 * g, rate r, weight decay w, at step t, counted from 1,
 *
 * <pre>
 * m = beta1 m + (1 - beta1) g
 * v = beta2 v + (1 - beta2) g^2
 * p = p (1 - r w) - r (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 * </pre>
 */
public final class AdamW extends MomentOptimizer<AdamW> {
    private final Moments moments = new Moments(this, parametersInOrder());

    private AdamW(List<Variable> parameters) {
        super(parameters, 1e-3, 0.01, 1e-8);
    }

    /** Learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, weight decay 0.01, unless told. */
    public static AdamW of(List<Variable> parameters) {
        return new AdamW(parameters);
    }

    @Override
    AdamW self() {
        return this;
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        for (int i = 0; i < gradients.size(); i++) {
            moments.update(i, gradients.get(i), weightDecayOf(parametersInOrder().get(i)), update);
        }
    }
}

package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;

/**
 * Adam (Kingma and Ba, 2015), as PyTorch's {@code torch.optim.Adam}: weight decay is L2 regularization, {@code w p}
 * added to the gradient. {@link AdamW} decays the parameter instead.
 */
public final class Adam extends MomentOptimizer<Adam> {
    private final Moments moments = new Moments(this, parametersInOrder());

    private Adam(List<Variable> parameters) {
        super(parameters, 1e-3, 0, 1e-8);
    }

    /** Learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, no weight decay, unless told. */
    public static Adam of(List<Variable> parameters) {
        return new Adam(parameters);
    }

    @Override
    Adam self() {
        return this;
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        for (int i = 0; i < gradients.size(); i++) {
            moments.update(i, regularized(gradients.get(i), parametersInOrder().get(i)), 0, update);
        }
    }
}

package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;

/**
 * Adam (Kingma and Ba, 2015), as PyTorch's {@code torch.optim.Adam}: weight decay is L2 regularization, {@code w p}
 * added to the gradient. {@link AdamW} decays the parameter instead.
 */
public final class Adam extends Optimizer<Adam> {
    private final Moments moments = new Moments(this);

    private Adam(List<Variable> parameters) {
        super(parameters, 1e-3, 0);
    }

    /** Learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, no weight decay, unless told. */
    public static Adam of(List<Variable> parameters) {
        return new Adam(parameters);
    }

    /** Sets how slowly the moments change, both in [0, 1). */
    public Adam betas(double beta1, double beta2) {
        moments.betas(beta1, beta2);
        return this;
    }

    public Adam epsilon(double epsilon) {
        moments.epsilon(epsilon);
        return this;
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

package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;

/**
 * Adamax (Kingma and Ba, "Adam", 2015, section 7.1), as PyTorch's {@code torch.optim.Adamax}: with gradient g, rate r,
 * weight decay w, at step t, counted from 1,
 *
 * <pre>
 * g' = g + w p
 * m  = beta1 m + (1 - beta1) g'
 * u  = max(beta2 u, |g'| + epsilon)
 * p  = p - r / (1 - beta1^t) m / u
 * </pre>
 */
public final class Adamax extends MomentOptimizer<Adamax> {
    private final List<Variable> firsts = moments("firstMoment");
    private final List<Variable> norms = moments("infinityNorm");

    private Adamax(List<Variable> parameters) {
        super(parameters, 2e-3, 0, 1e-8);
    }

    /** Learning rate 2e-3, betas 0.9 and 0.999, epsilon 1e-8, no weight decay, unless told. */
    public static Adamax of(List<Variable> parameters) {
        return new Adamax(parameters);
    }

    @Override
    Adamax self() {
        return this;
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        for (int i = 0; i < gradients.size(); i++) {
            Variable parameter = parametersInOrder().get(i);
            Tensor gradient = regularized(gradients.get(i), parameter);
            Tensor first = smoothed(firsts.get(i), gradient, beta1(), update);
            Tensor norm = norms.get(i).tensor().mul(beta2()).maximum(gradient.abs().add(epsilon()));
            update.set(norms.get(i), norm);
            Tensor rate = rate(parameter, norm.dtype()).mul(correction(beta1()).to(norm.dtype()));
            set(parameter, precise(parameter).sub(first.div(norm).mul(rate)), update);
        }
    }
}

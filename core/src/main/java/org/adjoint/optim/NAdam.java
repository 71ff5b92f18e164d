package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;

/**
 * Adam with Nesterov's momentum (Dozat, 2016), as PyTorch's {@code torch.optim.NAdam}: with gradient g, rate r, weight
 * decay w, momentum decay d, at step t, counted from 1,
 *
 * <pre>
 * g'   = g + w p
 * mu_t = beta1 (1 - 0.96^(t d) / 2)
 * m    = beta1 m + (1 - beta1) g'
 * v    = beta2 v + (1 - beta2) g'^2
 * n    = mu_(t+1) m / (1 - mu_1 ... mu_(t+1)) + (1 - mu_t) g' / (1 - mu_1 ... mu_t)
 * p    = p - r n / (sqrt(v / (1 - beta2^t)) + epsilon)
 * </pre>
 */
public final class NAdam extends MomentOptimizer<NAdam> {
    private final List<Variable> firsts = moments("firstMoment");
    private final List<Variable> seconds = moments("secondMoment");
    /** mu_1 ... mu_t. */
    private final Variable product = state("momentumProduct", device().full(DType.F64, 1));
    private double momentumDecay = 4e-3;

    private NAdam(List<Variable> parameters) {
        super(parameters, 2e-3, 0, 1e-8);
    }

    /** Learning rate 2e-3, betas 0.9 and 0.999, epsilon 1e-8, momentum decay 4e-3, no weight decay, unless told. */
    public static NAdam of(List<Variable> parameters) {
        return new NAdam(parameters);
    }

    public NAdam momentumDecay(double value) {
        momentumDecay = requireInRange("momentum decay", value, Double.POSITIVE_INFINITY);
        return this;
    }

    @Override
    NAdam self() {
        return this;
    }

    private Tensor momentum(Tensor step) {
        return step.mul(momentumDecay * StrictMath.log(0.96)).exp().mul(-0.5).add(1).mul(beta1());
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        Tensor step = nextStep().to(DType.F64);
        Tensor present = momentum(step);
        Tensor next = momentum(step.add(1));
        Tensor reached = product.tensor().mul(present);
        update.set(product, reached);
        Tensor ofGradient = present.neg().add(1).div(reached.neg().add(1));
        Tensor ofMoment = next.div(reached.mul(next).neg().add(1));
        for (int i = 0; i < gradients.size(); i++) {
            Variable parameter = parametersInOrder().get(i);
            Tensor gradient = regularized(gradients.get(i), parameter);
            DType dtype = gradient.dtype();
            Tensor first = smoothed(firsts.get(i), gradient, beta1(), update);
            Tensor second = smoothed(seconds.get(i), gradient.square(), beta2(), update);
            Tensor denominator = second.mul(correction(beta2()).to(dtype)).sqrt().add(epsilon());
            Tensor numerator = first.mul(ofMoment.to(dtype)).add(gradient.mul(ofGradient.to(dtype)));
            set(parameter, precise(parameter).sub(numerator.div(denominator).mul(rate(parameter, dtype))), update);
        }
    }
}

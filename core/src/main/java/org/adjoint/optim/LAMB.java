package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;

/**
 * LAMB, for large batches (You et al., "Large batch optimization for deep learning", 2020, algorithm 2): with gradient
 * g, rate r, weight decay w, at step t, counted from 1,
 *
 * <pre>
 * m = beta1 m + (1 - beta1) g
 * v = beta2 v + (1 - beta2) g^2
 * d = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) + w p
 * p = p - r |p| / |d| d
 * </pre>
 *
 * with the Euclidean norms of all of p and d; their ratio counts as 1 where one of them is 0.
 */
public final class LAMB extends MomentOptimizer<LAMB> {
    private final List<Variable> firsts = moments("firstMoment");
    private final List<Variable> seconds = moments("secondMoment");

    private LAMB(List<Variable> parameters) {
        super(parameters, 1e-3, 0.01, 1e-6);
    }

    /** Learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-6, weight decay 0.01, unless told. */
    public static LAMB of(List<Variable> parameters) {
        return new LAMB(parameters);
    }

    @Override
    LAMB self() {
        return this;
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        for (int i = 0; i < gradients.size(); i++) {
            Variable parameter = parametersInOrder().get(i);
            DType dtype = firsts.get(i).dtype();
            Tensor gradient = gradients.get(i).to(dtype);
            Tensor first = smoothed(firsts.get(i), gradient, beta1(), update);
            Tensor second = smoothed(seconds.get(i), gradient.square(), beta2(), update);
            Tensor denominator = second.mul(correction(beta2()).to(dtype)).sqrt().add(epsilon());
            Tensor direction = first.mul(correction(beta1()).to(dtype)).div(denominator);
            Tensor value = precise(parameter);
            double decay = weightDecayOf(parameter);
            direction = decay == 0 ? direction : direction.add(value.mul(decay));
            Tensor trust = trust(norm(value), norm(direction));
            set(parameter, value.sub(direction.mul(trust.mul(rate(parameter, dtype)))), update);
        }
    }

    private static Tensor norm(Tensor x) {
        return x.square().sum().sqrt();
    }

    private static Tensor trust(Tensor parameter, Tensor direction) {
        Tensor one = direction.device().ones(direction.dtype());
        return parameter.mul(direction).equal(0).where(one, parameter.div(direction));
    }
}

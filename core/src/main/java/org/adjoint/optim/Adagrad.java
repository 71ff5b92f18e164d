package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;

/**
 * Adagrad (Duchi, Hazan and Singer, 2011), as PyTorch's {@code torch.optim.Adagrad}: with gradient g, rate r, rate
 * decay d, weight decay w, at step t, counted from 1,
 *
 * <pre>
 * g' = g + w p
 * s  = s + g'^2
 * p  = p - r / (1 + (t - 1) d) g' / (sqrt(s) + epsilon)
 * </pre>
 */
public final class Adagrad extends Optimizer<Adagrad> {
    private final List<Variable> sums = moments("squareSum");
    private double rateDecay;
    private double epsilon = 1e-10;

    private Adagrad(List<Variable> parameters) {
        super(parameters, 1e-2, 0);
    }

    /** Learning rate 1e-2, without decay, epsilon 1e-10, no weight decay, sums from 0, unless told. */
    public static Adagrad of(List<Variable> parameters) {
        return new Adagrad(parameters);
    }

    /** Sets how fast the rate falls. */
    public Adagrad rateDecay(double value) {
        rateDecay = requireInRange("rate decay", value, Double.POSITIVE_INFINITY);
        return this;
    }

    public Adagrad epsilon(double value) {
        epsilon = requireInRange("epsilon", value, Double.POSITIVE_INFINITY);
        return this;
    }

    /** Sets what the sums of squares start from; before the first step. */
    public Adagrad initialSum(double value) {
        requireInRange("initial sum", value, Double.POSITIVE_INFINITY);
        if (steps() > 0) {
            throw new IllegalStateException(this + ": set the initial sum before the first step");
        }
        sums.forEach(sum -> sum.assign(device().full(sum.dtype(), value, sum.shape().toArray())));
        return this;
    }

    @Override
    Adagrad self() {
        return this;
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        Tensor slower = nextStep().sub(1).to(DType.F64).mul(rateDecay).add(1);
        for (int i = 0; i < gradients.size(); i++) {
            Variable parameter = parametersInOrder().get(i);
            Tensor gradient = regularized(gradients.get(i), parameter);
            Tensor sum = sums.get(i).tensor().add(gradient.square());
            update.set(sums.get(i), sum);
            Tensor rate = rateDecay == 0 ? rate(parameter, gradient.dtype())
                : rate(parameter, DType.F64).div(slower).to(gradient.dtype());
            set(parameter, precise(parameter).sub(gradient.div(sum.sqrt().add(epsilon)).mul(rate)), update);
        }
    }
}

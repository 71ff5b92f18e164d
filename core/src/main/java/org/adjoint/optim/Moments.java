package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;

/** What Adam, AdamW and Muon share: two moments of each gradient, and the corrections of their bias towards zero. */
final class Moments {
    private final Optimizer<?> optimizer;
    private final List<Variable> parameters;
    private final List<Variable> first;
    private final List<Variable> second;
    private double beta1 = 0.9;
    private double beta2 = 0.999;
    private double epsilon = 1e-8;

    Moments(Optimizer<?> optimizer) {
        this(optimizer, optimizer.parametersInOrder());
    }

    /** Of some of the optimizer's parameters. */
    Moments(Optimizer<?> optimizer, List<Variable> parameters) {
        this.optimizer = optimizer;
        this.parameters = parameters;
        this.first = optimizer.moments("firstMoment", parameters);
        this.second = optimizer.moments("secondMoment", parameters);
    }

    void betas(double newBeta1, double newBeta2) {
        beta1 = optimizer.requireInRange("beta1", newBeta1, 1);
        beta2 = optimizer.requireInRange("beta2", newBeta2, 1);
    }

    void epsilon(double newEpsilon) {
        epsilon = optimizer.requireInRange("epsilon", newEpsilon, Double.POSITIVE_INFINITY);
    }

    /** Moves parameter i with decoupled weight decay. */
    void update(int i, Tensor gradient, double weightDecay, Optimizer.Update update) {
        Variable parameter = parameters.get(i);
        DType compute = first.get(i).dtype();
        Variable master = optimizer.master(parameter);
        List<Tensor> updated = parameter.tensor().adamWUpdate(
            new FusedOp.AdamWUpdate(beta1, beta2, epsilon, weightDecay), master == null ? null : master.tensor(),
            first.get(i).tensor(), second.get(i).tensor(), gradient, optimizer.rate(parameter, compute),
            optimizer.correction(beta1).to(compute), optimizer.correction(beta2).to(compute));
        update.set(parameter, updated.get(0));
        update.set(first.get(i), updated.get(1));
        update.set(second.get(i), updated.get(2));
        if (master != null) {
            update.set(master, updated.get(3));
        }
    }
}

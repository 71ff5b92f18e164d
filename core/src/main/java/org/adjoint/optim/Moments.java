package org.adjoint.optim;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;

/** What Adam, AdamW and Muon share: two moments of each gradient, and the corrections of their bias towards zero. */
final class Moments {
    private final MomentOptimizer<?> optimizer;
    private final List<Variable> parameters;
    private final List<Variable> first;
    private final List<Variable> second;

    /** Of some of the optimizer's parameters. */
    Moments(MomentOptimizer<?> optimizer, List<Variable> parameters) {
        this.optimizer = optimizer;
        this.parameters = parameters;
        this.first = optimizer.moments("firstMoment", parameters);
        this.second = optimizer.moments("secondMoment", parameters);
    }

    /** Moves parameter i with decoupled weight decay. */
    void update(int i, Tensor gradient, double weightDecay, Optimizer.Update update) {
        Variable parameter = parameters.get(i);
        DType compute = first.get(i).dtype();
        Variable master = optimizer.master(parameter);
        double beta1 = optimizer.beta1();
        double beta2 = optimizer.beta2();
        List<Tensor> updated = parameter.tensor().adamWUpdate(
            new FusedOp.AdamWUpdate(beta1, beta2, optimizer.epsilon(), weightDecay),
            master == null ? null : master.tensor(), first.get(i).tensor(), second.get(i).tensor(), gradient,
            optimizer.rate(parameter, compute), optimizer.correction(beta1).to(compute),
            optimizer.correction(beta2).to(compute));
        update.set(parameter, updated.get(0));
        update.set(first.get(i), updated.get(1));
        update.set(second.get(i), updated.get(2));
        if (master != null) {
            update.set(master, updated.get(3));
        }
    }
}

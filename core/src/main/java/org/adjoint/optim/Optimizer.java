package org.adjoint.optim;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;

/**
 * Changes parameters against their gradients. Learning rate, step count and moments are variables: a compiled step that
 * minimizes is traced once however the rate changes, and a checkpoint that holds {@link #state} resumes exactly.
 *
 * <p>Settings other than the learning rate are constants of a compiled step: make them before it runs.
 *
 * @param <O> the optimizer's own class, which the settings return
 */
public abstract sealed class Optimizer<O extends Optimizer<O>> permits SGD, RMSProp, Adagrad, Adadelta,
    Lion, MomentOptimizer {
    /** Parameters of at least two axes: what usually decays, where biases and norms do not. */
    public static final Predicate<Variable> MATRICES = variable -> variable.shape().rank() >= 2;

    private static final String MASTER = "master.";

    private final List<Variable> parameters;
    private final Map<String, Variable> state = new LinkedHashMap<>();
    /** Of 16-bit parameters. */
    private final Map<Variable, Variable> masters = new LinkedHashMap<>();
    private final Variable learningRate;
    private final Variable stepCount;
    private double weightDecay;
    private Predicate<Variable> decays = variable -> true;
    private final List<Rate> rates = new ArrayList<>();
    private final List<Decay> groupDecays = new ArrayList<>();
    private UnaryOperator<List<Tensor>> clip = UnaryOperator.identity();

    /** The learning rate of a group of parameters, relative to the common one. */
    private record Rate(Predicate<Variable> applies, double factor) { }

    /** The weight decay of a group of parameters. */
    private record Decay(Predicate<Variable> applies, double value) { }

    Optimizer(List<Variable> parameters, double learningRate, double weightDecay) {
        if (parameters.isEmpty()) {
            throw new IllegalArgumentException(this + ": there are no parameters");
        }
        this.parameters = List.copyOf(parameters);
        this.weightDecay = weightDecay;
        for (Variable parameter : parameters) {
            if (!parameter.dtype().isFloating()) {
                throw new IllegalArgumentException(this + ": " + parameter + " is not floating");
            }
        }
        this.stepCount = state("step", device().zeros(DType.I64));
        // In F64, so that a rate is what the caller says whatever the parameters' dtype.
        this.learningRate = state("learningRate", device().full(DType.F64, learningRate));
        addMasters();
    }

    /** Zeros, which are no parameter's bits until the first step, unless the parameter is zero. */
    private void addMasters() {
        for (Variable parameter : parameters) {
            if (parameter.dtype().isHalf()) {
                masters.computeIfAbsent(parameter, p -> state(MASTER + p.name(), zerosLike(p)));
            }
        }
    }

    private Tensor zerosLike(Variable parameter) {
        return device().zeros(parameter.dtype().computeType(), parameter.shape().toArray());
    }

    abstract O self();

    /** Adds the variables that change, and what they become, for gradients of all parameters. */
    abstract void update(List<Tensor> gradients, Update update);

    /** Effects that happen together. */
    static final class Update {
        private final List<Variable> variables = new ArrayList<>();
        private final List<Tensor> values = new ArrayList<>();

        void set(Variable variable, Tensor value) {
            variables.add(variable);
            values.add(value.to(variable.dtype()));
        }
    }

    final Device device() {
        return parameters.getFirst().device();
    }

    final List<Variable> parametersInOrder() {
        return parameters;
    }

    final Variable state(String name, Tensor initial) {
        String full = "optimizer." + name;
        Variable variable = device().variable(full, initial);
        if (state.put(full, variable) != null) {
            throw new IllegalArgumentException(this + ": two parameters are named '"
                + name.substring(name.indexOf('.') + 1) + "': initialize them as parts of one model");
        }
        return variable;
    }

    /** One variable like each parameter, zero, in the dtype that kernels compute in. */
    final List<Variable> moments(String name) {
        return moments(name, parameters);
    }

    final List<Variable> moments(String name, List<Variable> some) {
        return some.stream().map(p -> state(name + "." + p.name(), zerosLike(p))).toList();
    }

    /** The copy of a parameter that has the bits its own dtype has no room for, or null if there is none. */
    final Variable master(Variable parameter) {
        return masters.get(parameter);
    }

    /** A parameter in the dtype that kernels compute in: its master, unless the parameter was assigned since. */
    final Tensor precise(Variable parameter) {
        Tensor value = parameter.tensor();
        Tensor wide = value.to(parameter.dtype().computeType());
        if (master(parameter) == null) {
            return wide;
        }
        Tensor master = master(parameter).tensor();
        return master.to(parameter.dtype()).equal(value).where(master, wide);
    }

    /** Sets a parameter, and its master if there is one. */
    final void set(Variable parameter, Tensor precise, Update update) {
        update.set(parameter, precise);
        if (master(parameter) != null) {
            update.set(master(parameter), precise);
        }
    }

    /** The learning rate of a parameter as an operand, in a floating dtype. */
    final Tensor rate(Variable parameter, DType dtype) {
        double factor = 1;
        for (Rate rate : rates) {
            factor = rate.applies.test(parameter) ? rate.factor : factor;
        }
        Tensor rate = learningRate.tensor();
        return (factor == 1 ? rate : rate.mul(factor)).to(dtype);
    }

    /** {@code 1 / (1 - beta^t)} for step t, counted from 1, in {@code F64}: at first the difference is small. */
    final Tensor correction(double beta) {
        return nextStep().to(DType.F64).mul(StrictMath.log(beta)).expm1().neg().reciprocal();
    }

    /** A gradient in the dtype that is computed in, with weight decay as L2 regularization: {@code g + w p}. */
    final Tensor regularized(Tensor gradient, Variable parameter) {
        double decay = weightDecayOf(parameter);
        Tensor wide = gradient.to(parameter.dtype().computeType());
        return decay == 0 ? wide : wide.add(precise(parameter).mul(decay));
    }

    /** Moves a moment towards a value: {@code beta m + (1 - beta) x}. */
    final Tensor smoothed(Variable moment, Tensor value, double beta, Update update) {
        Tensor next = moment.tensor().mul(beta).add(value.mul(1 - beta));
        update.set(moment, next);
        return next;
    }

    /** A parameter with decoupled weight decay: {@code p (1 - r w)}. */
    final Tensor decayed(Variable parameter, Tensor rate) {
        double decay = weightDecayOf(parameter);
        Tensor value = precise(parameter);
        return decay == 0 ? value : value.sub(value.mul(rate.mul(decay)));
    }

    /** How many steps there were, with this one. */
    final Tensor nextStep() {
        return stepCount.tensor().add(1);
    }

    final double weightDecayOf(Variable parameter) {
        double found = decays.test(parameter) ? weightDecay : 0;
        for (Decay decay : groupDecays) {
            found = decay.applies.test(parameter) ? decay.value : found;
        }
        return found;
    }

    // Settings

    /**
     * Sets the learning rate, at any time but while a function is traced: there it would be a constant.
     *
     * @throws IllegalArgumentException if it is negative or no number
     */
    public final O learningRate(double rate) {
        if (!(rate >= 0)) {
            throw new IllegalArgumentException(this + ": the learning rate must not be negative but is " + rate);
        }
        if (Step.isTracing()) {
            throw new IllegalStateException(
                this + ": set the learning rate before Step.run, not in the traced function, which runs once");
        }
        learningRate.assign(device().full(DType.F64, rate));
        return self();
    }

    /** The present learning rate. */
    public final double learningRate() {
        return learningRate.tensor().item();
    }

    /** How many steps were taken. */
    public final long steps() {
        return stepCount.tensor().toLongArray()[0];
    }

    public final O weightDecay(double decay) {
        weightDecay = requireInRange("weight decay", decay, Double.POSITIVE_INFINITY);
        return self();
    }

    /** Which parameters weight decay applies to, by name or shape; all unless told. */
    public final O decayOnly(Predicate<Variable> predicate) {
        decays = Objects.requireNonNull(predicate, "predicate");
        return self();
    }

    /**
     * The weight decay of a group of parameters, whatever {@link #decayOnly} says. Of several that apply the last
     * counts.
     */
    public final O weightDecay(Predicate<Variable> group, double decay) {
        groupDecays.add(new Decay(Objects.requireNonNull(group, "group"),
            requireInRange("weight decay", decay, Double.POSITIVE_INFINITY)));
        return self();
    }

    /**
     * Multiplies the learning rate of a group of parameters; 0 freezes them but for their decay. Of several factors
     * that apply the last counts.
     */
    public final O rateFactor(Predicate<Variable> group, double factor) {
        rates.add(new Rate(Objects.requireNonNull(group, "group"),
            requireInRange("rate factor", factor, Double.POSITIVE_INFINITY)));
        return self();
    }

    /**
     * Whether each 16-bit parameter has a copy in {@code F32}, part of the {@link #state}, that steps change and that
     * the parameter is rounded from (Micikevicius et al., "Mixed precision training", 2018). It has unless told.
     * Without, a step that is smaller than half a unit in a parameter's last place (for bf16, 1/512 of the parameter)
     * changes nothing.
     *
     * <p>A parameter may be assigned at any time: its copy follows at the next step.
     */
    public final O masterWeights(boolean keep) {
        if (keep) {
            addMasters();
        } else {
            masters.values().forEach(master -> {
                state.remove(master.name());
                master.close();
            });
            masters.clear();
        }
        return self();
    }

    /** Scales gradients down to this global norm; see {@link Clip#byGlobalNorm}. */
    public final O clipNorm(double limit) {
        clip = gradients -> Clip.byGlobalNorm(gradients, limit);
        return self();
    }

    /** Limits the elements of gradients; see {@link Clip#byValue}. */
    public final O clipValue(double limit) {
        clip = gradients -> Clip.byValue(gradients, limit);
        return self();
    }

    final double requireInRange(String what, double value, double end) {
        if (!(value >= 0 && value < end)) {
            throw new IllegalArgumentException(this + ": " + what + " must be in [0, " + end + ") but is " + value);
        }
        return value;
    }

    // Steps

    /**
     * Takes one step against the gradients of a scalar: at once in eager code; in a traced function, whenever the step
     * runs.
     */
    public final void minimize(Tensor loss) {
        apply(loss.gradients(parameters));
    }

    /**
     * Takes one step against gradients, one for each parameter, clipped as set.
     *
     * @throws IllegalArgumentException if their number or shapes differ from the parameters'
     */
    public final void apply(List<Tensor> gradients) {
        if (gradients.size() != parameters.size()) {
            throw new IllegalArgumentException(
                this + ": " + parameters.size() + " parameters but " + gradients.size() + " gradients");
        }
        for (int i = 0; i < gradients.size(); i++) {
            if (!gradients.get(i).shape().equals(parameters.get(i).shape())) {
                throw new IllegalArgumentException(
                    this + ": the gradient of " + parameters.get(i) + " is " + gradients.get(i).shape());
            }
        }
        Update update = new Update();
        update(clip.apply(gradients), update);
        update.set(stepCount, nextStep());
        Variable.assign(update.variables, update.values);
    }

    /** All that the next step depends on besides parameters and settings, by name, for checkpoints. */
    public final Map<String, Variable> state() {
        return new LinkedHashMap<>(state);
    }

    @Override
    public String toString() {
        return getClass().getSimpleName();
    }
}

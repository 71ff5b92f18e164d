package org.adjoint.nn;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/**
 * A part of a model: parameters, parts of its own, and a function of tensors. A part's parameters carry the names of
 * the parts around it, joined by dots, as in PyTorch's {@code state_dict}: {@code "blocks.0.attention.qkv.weight"}.
 *
 * <pre>{@code
 * final class Residual extends Module<Residual> implements Layer {
 *     private final Linear inner = child("inner", Linear.of(8, 8));
 *
 *     public Tensor forward(Tensor x) {
 *         return x.add(inner.forward(x).relu());
 *     }
 * }
 * }</pre>
 *
 * A module is made without a device, and gets values once, by {@link #initialize}. It starts in training mode.
 *
 * @param <M> the module's own class, which {@code initialize}, {@code train} and {@code eval} return
 */
public abstract class Module<M extends Module<M>> {
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final Map<String, Parameter> buffers = new LinkedHashMap<>();
    private final Map<String, Module<?>> children = new LinkedHashMap<>();
    private volatile boolean training = true;

    protected Module() { }

    @SuppressWarnings("unchecked")
    private M self() {
        return (M) this;
    }

    /** Declares a parameter of this module, for its constructor. */
    protected final Parameter parameter(String name, Shape shape, Initializer initializer) {
        requireFree(name);
        Parameter parameter = new Parameter(name, shape, initializer, this);
        parameters.put(name, parameter);
        return parameter;
    }

    /**
     * Declares state of this module that is not learned but kept with it, such as running statistics, for its
     * constructor. It is in the dtype that the parameters are computed in.
     */
    protected final Parameter buffer(String name, Shape shape, Initializer initializer) {
        requireFree(name);
        Parameter buffer = new Parameter(name, shape, initializer, this);
        buffers.put(name, buffer);
        return buffer;
    }

    /** Declares a part of this module, for its constructor. The name of one among many may be {@code "blocks.3"}. */
    protected final <C extends Module<?>> C child(String name, C module) {
        requireFree(name);
        children.put(name, Objects.requireNonNull(module, () -> getClass().getSimpleName() + ": part '" + name
            + "' is null"));
        return module;
    }

    private void requireFree(String name) {
        if (name.isEmpty() || parameters.containsKey(name) || buffers.containsKey(name)
            || children.containsKey(name)) {
            throw new IllegalArgumentException(
                getClass().getSimpleName() + ": a part must have a name of its own, '" + name + "' is none");
        }
    }

    /**
     * Gives every parameter its first value, in {@code F32}. A value depends on the seed and on the parameter's name,
     * on nothing else. The parameters belong to the scope that is innermost now.
     *
     * @return this module
     * @throws IllegalStateException if it has values already
     */
    public M initialize(Device device, long seed) {
        return initialize(device, seed, DType.F32);
    }

    /** As {@link #initialize(Device, long)}, in a floating dtype. */
    public M initialize(Device device, long seed, DType dtype) {
        Map<String, Parameter> learned = tree(module -> module.parameters);
        Map<String, Parameter> kept = tree(module -> module.buffers);
        Map<String, Parameter> all = new LinkedHashMap<>(learned);
        all.putAll(kept);
        all.forEach((name, parameter) -> {
            if (parameter.isInitialized()) {
                throw new IllegalStateException(
                    "initialize: parameter '" + name + "' of " + this + " has a value already");
            }
        });
        learned.forEach((name, parameter) -> parameter.initialize(device, name, seed, dtype));
        kept.forEach((name, buffer) -> buffer.initialize(device, name, seed, dtype.computeType()));
        return self();
    }

    /** Parameters by full name, those of a part that stands in two places once. */
    private Map<String, Parameter> tree() {
        return tree(module -> module.parameters);
    }

    private Map<String, Parameter> tree(Function<Module<?>, Map<String, Parameter>> part) {
        Map<String, Parameter> found = new LinkedHashMap<>();
        Set<Parameter> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        visit("", part, (name, parameter) -> {
            if (seen.add(parameter)) {
                found.put(name, parameter);
            }
        });
        return found;
    }

    private void visit(String prefix, Function<Module<?>, Map<String, Parameter>> part,
        BiConsumer<String, Parameter> visitor) {
        part.apply(this).forEach((name, parameter) -> visitor.accept(prefix + name, parameter));
        children.forEach((name, child) -> child.visit(prefix + name + ".", part, visitor));
    }

    /** What an optimizer changes, in the order of declaration. */
    public final List<Variable> parameters() {
        return tree().values().stream().map(Parameter::variable).toList();
    }

    /** The parameters by name, in the order of declaration. */
    public final Map<String, Variable> namedParameters() {
        Map<String, Variable> named = new LinkedHashMap<>();
        tree().forEach((name, parameter) -> named.put(name, parameter.variable()));
        return named;
    }

    /** Parameters and buffers by name: all that a checkpoint of the module needs. */
    public final Map<String, Variable> state() {
        Map<String, Variable> state = namedParameters();
        tree(module -> module.buffers).forEach((name, buffer) -> state.put(name, buffer.variable()));
        return state;
    }

    /** Shapes of the parameters by name, known before they have values. */
    public final Map<String, Shape> parameterShapes() {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        tree().forEach((name, parameter) -> shapes.put(name, parameter.shape()));
        return shapes;
    }

    /** How many numbers there are to learn. */
    public final long parameterCount() {
        return tree().values().stream().mapToLong(parameter -> parameter.shape().elements()).sum();
    }

    /** Training mode, for this module and its parts: dropout drops, batches are normalized by their own statistics. */
    public M train() {
        setTraining(true);
        return self();
    }

    /** Evaluation mode, for this module and its parts: dropout does nothing, running statistics normalize batches. */
    public M eval() {
        setTraining(false);
        return self();
    }

    private void setTraining(boolean mode) {
        training = mode;
        children.values().forEach(child -> ((Module<?>) child).setTraining(mode));
    }

    /** The mode. A compiled step whose function asks is traced again when the mode has changed. */
    public final boolean isTraining() {
        return Step.observe(() -> training);
    }

    /** @throws IllegalArgumentException, naming this module, if x does not end in an axis of {@code width} */
    final void requireWidth(Tensor x, long width) {
        int rank = x.shape().rank();
        if (rank == 0 || x.shape().extent(rank - 1) != width) {
            throw new IllegalArgumentException(
                this + ": the last axis of its input must be " + width + " but the input is " + x.shape());
        }
    }

    @Override
    public String toString() {
        return getClass().getSimpleName();
    }
}

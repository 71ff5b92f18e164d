package org.adjoint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.adjoint.autodiff.Autodiff;
import org.adjoint.autodiff.Batching;
import org.adjoint.autodiff.Rematerialization;
import org.adjoint.graph.DType;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/**
 * Transforms functions of tensors into other functions of tensors, as {@code torch.func} and JAX do: derivatives in
 * either direction, functions of one example into functions of many, functions with a gradient of their own, functions
 * whose gradient computes them again rather than keep what they computed.
 *
 * <pre>{@code
 * var perExample = Functions.vmap(x -> Functions.gradient(loss).apply(x)).apply(batch);
 * var curvature = Functions.hvp(loss, x, direction);
 * var block = Functions.checkpoint(layer::forward);
 * }</pre>
 *
 * They compose with each other, and work in eager code and in a function that {@link Step} traces. A function may use
 * other tensors and variables than its arguments; {@code jvp}, {@code vjp}, {@code jacobian} and their kin take these
 * as constants, and the gradient of what they return can be asked for them as usual.
 *
 * <p>All throw {@link IllegalArgumentException} for arguments that do not fit, and {@link IllegalStateException} for a
 * function that returns no tensor.
 */
public final class Functions {
    /** In place of an axis: the argument is the same for all examples. */
    public static final int NOT_MAPPED = Integer.MIN_VALUE;

    private Functions() { }

    /** A value and its derivative along tangents of the arguments. */
    public record ValueAndTangent(Tensor value, Tensor tangent) { }

    /** A scalar and its gradient. */
    public record ValueAndGradient(Tensor value, Tensor gradient) { }

    /** A scalar and its gradients for several arguments. */
    public record ValueAndGradients(Tensor value, List<Tensor> gradients) { }

    /** Gives the gradient of a function that has its own. */
    @FunctionalInterface
    public interface Gradient {
        /**
         * Vector-Jacobian products.
         *
         * @param inputs the function's arguments
         * @param outputs what the function returned
         * @param cotangents one for each output, of its type; zeros where nothing depends on the output
         * @return one for each input, of its type; null where there is none. It may be made of any operations, whose
         *     derivatives are the function's second
         */
        List<Tensor> apply(List<Tensor> inputs, List<Tensor> outputs, List<Tensor> cotangents);
    }

    // First derivatives

    /** The gradient of a scalar function, as a function. */
    public static Step.Function1 gradient(Step.Function1 function) {
        Objects.requireNonNull(function, "function");
        return x -> valueAndGradient(function, x).gradient();
    }

    /** A scalar function's value and its gradient at x. */
    public static ValueAndGradient valueAndGradient(Step.Function1 function, Tensor x) {
        ValueAndGradients both = valueAndGradients(inputs -> function.apply(inputs.getFirst()), single(x));
        return new ValueAndGradient(both.value(), both.gradients().getFirst());
    }

    /** A scalar function's value and its gradients for each of its arguments. */
    public static ValueAndGradients valueAndGradients(Function<List<Tensor>, Tensor> function, List<Tensor> inputs) {
        List<Tensor> sources = sources("gradient", inputs);
        Tensor value = requireTensor("gradient", function.apply(sources));
        return new ValueAndGradients(value, value.gradients(sources));
    }

    /** The vector-Jacobian product: the gradient of {@code (function(x) * cotangent).sum()}. */
    public static Tensor vjp(Step.Function1 function, Tensor x, Tensor cotangent) {
        Tensor source = source("vjp", x);
        return requireTensor("vjp", function.apply(source)).pullback(argument("vjp", cotangent), List.of(source))
            .getFirst();
    }

    /** The value and the Jacobian-vector product: how the value changes when x changes along {@code tangent}. */
    public static ValueAndTangent jvp(Step.Function1 function, Tensor x, Tensor tangent) {
        return jvp(inputs -> function.apply(inputs.getFirst()), single(x), single(tangent));
    }

    /** As {@link #jvp(Step.Function1, Tensor, Tensor)} for several arguments, each with its tangent. */
    public static ValueAndTangent jvp(Function<List<Tensor>, Tensor> function, List<Tensor> inputs,
        List<Tensor> tangents) {
        if (inputs.size() != tangents.size()) {
            throw new IllegalArgumentException("jvp: " + inputs.size() + " arguments need as many tangents, not "
                + tangents.size());
        }
        List<Node> directions = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            if (!argument("jvp", tangents.get(i)).type().equals(argument("jvp", inputs.get(i)).type())) {
                throw new IllegalArgumentException("jvp: the tangent of argument " + i + " must be "
                    + inputs.get(i).type() + " but is " + tangents.get(i).type());
            }
            directions.add(tangents.get(i).operand("jvp"));
        }
        List<Tensor> sources = sources("jvp", inputs);
        Tensor value = requireFloating("jvp", function.apply(sources));
        List<Node> nodes = sources.stream().map(source -> source.operand("jvp")).toList();
        Node output = value.operand("jvp");
        Node tangent = Autodiff.pushforward(List.of(output), nodes, directions).getFirst();
        return new ValueAndTangent(value, value.result("jvp", tangent == null ? Ops.zerosLike(output) : tangent,
            tangents.toArray(Tensor[]::new)));
    }

    // Whole Jacobians, second derivatives

    /**
     * The Jacobian {@code (result..., x...)}, by a vector-Jacobian product for each element of the result, all at once:
     * for functions with fewer results than arguments.
     */
    public static Tensor jacobian(Step.Function1 function, Tensor x) {
        return jacobian(inputs -> function.apply(inputs.getFirst()), single(x)).getFirst();
    }

    /** The Jacobian for each of several arguments; see {@link #jacobian(Step.Function1, Tensor)}. */
    public static List<Tensor> jacobian(Function<List<Tensor>, Tensor> function, List<Tensor> inputs) {
        List<Tensor> sources = sources("jacobian", inputs);
        Tensor value = requireFloating("jacobian", function.apply(sources));
        Node output = value.operand("jacobian");
        List<Node> nodes = sources.stream().map(source -> source.operand("jacobian")).toList();
        Node cotangent = Ops.leaf(output.type());
        List<Node> rows = Autodiff.pullback(List.of(output), List.of(cotangent), nodes);
        Node basis = basis(output.type());
        List<Tensor> results = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            Node row = rows.get(i) == null ? Ops.zerosLike(nodes.get(i)) : rows.get(i);
            Node all = Batching.map(List.of(row), Map.of(cotangent, basis), basis.shape().extent(0))
                .nodes().getFirst();
            results.add(value.result("jacobian", Ops.reshape(all, joined(output.shape(), row.shape())),
                sources.get(i)));
        }
        return results;
    }

    /**
     * The Jacobian {@code (result..., x...)}, by a Jacobian-vector product for each element of x, all at once: for
     * functions with fewer arguments than results.
     */
    public static Tensor forwardJacobian(Step.Function1 function, Tensor x) {
        Tensor source = source("forwardJacobian", x);
        Tensor value = requireFloating("forwardJacobian", function.apply(source));
        Node output = value.operand("forwardJacobian");
        Node node = source.operand("forwardJacobian");
        Node tangent = Ops.leaf(node.type());
        Node found = Autodiff.pushforward(List.of(output), List.of(node), List.of(tangent)).getFirst();
        Node column = found == null ? Ops.zerosLike(output) : found;
        Node basis = basis(node.type());
        long count = basis.shape().extent(0);
        Node columns = Batching.map(List.of(column), Map.of(tangent, basis), count).nodes().getFirst();
        Node matrix = Ops.transpose(Ops.reshape(columns, Shape.of(count, output.shape().elements())));
        return value.result("forwardJacobian", Ops.reshape(matrix, joined(output.shape(), node.shape())), source);
    }

    /** The second derivatives {@code (x..., x...)} of a scalar function: the forward Jacobian of its gradient. */
    public static Tensor hessian(Step.Function1 function, Tensor x) {
        return forwardJacobian(gradient(function), x);
    }

    /** The Hessian of a scalar function times a vector, without the Hessian: the gradient's derivative along it. */
    public static Tensor hvp(Step.Function1 function, Tensor x, Tensor vector) {
        return jvp(gradient(function), x, vector).tangent();
    }

    /** (n, shape...): one tensor for each element, 1 there and 0 elsewhere. */
    private static Node basis(TensorType type) {
        long count = type.shape().elements();
        Node numbers = Ops.iota(DType.I64, count);
        Node identity = Ops.cast(Ops.equal(Ops.reshape(numbers, Shape.of(count, 1)), numbers), type.dtype());
        return Ops.reshape(identity, type.shape().withLeading(count));
    }

    private static Shape joined(Shape a, Shape b) {
        long[] extents = Arrays.copyOf(a.toArray(), a.rank() + b.rank());
        System.arraycopy(b.toArray(), 0, extents, a.rank(), b.rank());
        return Shape.of(extents);
    }

    // Many examples

    /** A function of one example as a function of many, which lie along axis 0 of argument and result. */
    public static Step.Function1 vmap(Step.Function1 function) {
        return vmap(function, 0, 0);
    }

    /** As {@link #vmap(Step.Function1)} with examples along any axis, which the function does not see. */
    public static Step.Function1 vmap(Step.Function1 function, int inAxis, int outAxis) {
        return x -> vmapAll(inputs -> single(function.apply(inputs.getFirst())), new int[] {inAxis}, outAxis)
            .apply(single(x)).getFirst();
    }

    /** As {@link #vmap(Step.Function1)} for two arguments. */
    public static Step.Function2 vmap(Step.Function2 function) {
        return vmap(function, new int[] {0, 0}, 0);
    }

    /** As {@link #vmap(Step.Function2)} with examples along any axes; one may be {@link #NOT_MAPPED}. */
    public static Step.Function2 vmap(Step.Function2 function, int[] inAxes, int outAxis) {
        return (a, b) -> vmapAll(inputs -> single(function.apply(inputs.get(0), inputs.get(1))), inAxes, outAxis)
            .apply(Arrays.asList(a, b)).getFirst();
    }

    /** As {@link #vmap(Step.Function1)} for three arguments. */
    public static Step.Function3 vmap(Step.Function3 function) {
        return vmap(function, new int[] {0, 0, 0}, 0);
    }

    /** As {@link #vmap(Step.Function3)} with examples along any axes; some may be {@link #NOT_MAPPED}. */
    public static Step.Function3 vmap(Step.Function3 function, int[] inAxes, int outAxis) {
        return (a, b, c) -> vmapAll(
            inputs -> single(function.apply(inputs.get(0), inputs.get(1), inputs.get(2))), inAxes, outAxis)
            .apply(Arrays.asList(a, b, c)).getFirst();
    }

    /**
     * A function of one example as a function of many. The function runs once, on tensors that stand for one example
     * and have no value; its operations are then applied to all examples at once. What it computes from no mapped
     * argument it computes once; random numbers that it draws differ between examples.
     *
     * @param inAxes where the examples of each argument lie, or {@link #NOT_MAPPED} for the same argument for all; -1
     *     is the last axis
     * @param outAxes where those of each result are to lie; one for all results, or one for each
     */
    public static Function<List<Tensor>, List<Tensor>> vmapAll(Function<List<Tensor>, List<Tensor>> function,
        int[] inAxes, int... outAxes) {
        return arguments -> Mapping.map(function, arguments, inAxes, outAxes);
    }

    // Gradients of one's own

    /**
     * A function with a gradient of its own.
     *
     * @param gradient of (x, y, dy): for argument x, result y and its cotangent dy the cotangent of x, of x's type
     */
    public static Step.Function1 withGradient(Step.Function1 function, Step.Function3 gradient) {
        Function<List<Tensor>, List<Tensor>> all = withGradient("withGradient",
            inputs -> single(function.apply(inputs.getFirst())),
            (inputs, outputs, cotangents) -> single(gradient.apply(inputs.getFirst(), outputs.getFirst(),
                cotangents.getFirst())));
        return x -> all.apply(single(x)).getFirst();
    }

    /**
     * A function of any number of tensors with a gradient of its own, as JAX's {@code custom_vjp} and PyTorch's {@code
     * autograd.Function}. Variables and tensors that the function uses besides its arguments get no gradient: make them
     * arguments.
     *
     * @param name what messages and plans call the operation
     */
    public static Function<List<Tensor>, List<Tensor>> withGradient(String name,
        Function<List<Tensor>, List<Tensor>> function, Gradient gradient) {
        return arguments -> {
            List<Node> inputs = arguments.stream().map(argument -> argument(name, argument).operand(name)).toList();
            List<Tensor> values = requireTensors(name, function.apply(arguments));
            if (values.isEmpty()) {
                return List.of();
            }
            Device device = values.getFirst().device();
            List<Node> made = values.stream().map(value -> value.operand(name)).toList();
            List<Node> nodes = Ops.withGradient(name, made, inputs,
                (ins, outs, cotangents) -> cotangents(name, gradient, device, ins, outs, cotangents));
            return results(name, values, nodes, arguments);
        };
    }

    private static Node[] cotangents(String name, Gradient gradient, Device device, List<Node> inputs,
        List<Node> outputs, Node[] cotangents) {
        List<Node> seeds = new ArrayList<>();
        for (int i = 0; i < cotangents.length; i++) {
            seeds.add(cotangents[i] == null ? Ops.zerosLike(outputs.get(i)) : cotangents[i]);
        }
        List<Tensor> found = gradient.apply(handles(device, inputs), handles(device, outputs), handles(device, seeds));
        if (found == null || found.size() != inputs.size()) {
            throw new IllegalStateException(name + ": the gradient function must return one tensor, or null, for each "
                + "of " + inputs.size() + " inputs, but returned " + (found == null ? "null" : found.size()));
        }
        Node[] results = new Node[inputs.size()];
        for (int i = 0; i < results.length; i++) {
            results[i] = found.get(i) == null ? null : found.get(i).operand(name);
            if (results[i] != null && !results[i].type().equals(inputs.get(i).type())) {
                throw new IllegalStateException(name + ": the gradient of input " + i + " must be "
                    + inputs.get(i).type() + " but the gradient function returned " + results[i].type());
            }
        }
        return results;
    }

    private static List<Tensor> handles(Device device, List<Node> nodes) {
        return nodes.stream().map(node -> new Tensor(device, node, Trace.current())).toList();
    }

    // Memory for time

    /**
     * A function whose gradient computes what it needs of the function again, rather than keep it from the first time:
     * of all that the function computes, only its arguments and its result are held in between. Values and gradients
     * have the same bits as without it in {@code F32} and {@code F64}; 16-bit values are rounded where they leave a
     * fused group, and the groups may be others.
     */
    public static Step.Function1 checkpoint(Step.Function1 function) {
        Function<List<Tensor>, List<Tensor>> all = checkpointAll(inputs -> single(function.apply(inputs.getFirst())));
        return x -> all.apply(single(x)).getFirst();
    }

    /** As {@link #checkpoint(Step.Function1)} for two arguments. */
    public static Step.Function2 checkpoint(Step.Function2 function) {
        Function<List<Tensor>, List<Tensor>> all =
            checkpointAll(inputs -> single(function.apply(inputs.get(0), inputs.get(1))));
        return (a, b) -> all.apply(Arrays.asList(a, b)).getFirst();
    }

    /** As {@link #checkpoint(Step.Function1)} for any number of arguments and results. */
    public static Function<List<Tensor>, List<Tensor>> checkpointAll(Function<List<Tensor>, List<Tensor>> function) {
        return arguments -> {
            arguments.forEach(argument -> argument("checkpoint", argument).operand("checkpoint"));
            Node since = Ops.zeroOf(DType.F32);
            List<Tensor> values = requireTensors("checkpoint", function.apply(arguments));
            List<Node> nodes =
                Rematerialization.of(values.stream().map(value -> value.operand("checkpoint")).toList(), since);
            return results("checkpoint", values, nodes, arguments);
        };
    }

    private static List<Tensor> results(String name, List<Tensor> values, List<Node> nodes, List<Tensor> arguments) {
        List<Tensor> results = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) {
            results.add(values.get(i).result(name, nodes.get(i), arguments.toArray(Tensor[]::new)));
        }
        return results;
    }

    // Checks

    /** Another name for an argument, so that only what the function makes of its argument is differentiated. */
    private static Tensor argument(String name, Tensor x) {
        return Objects.requireNonNull(x, () -> name + ": an argument is null");
    }

    private static Tensor source(String name, Tensor x) {
        if (!argument(name, x).dtype().isFloating()) {
            throw new IllegalArgumentException(name + ": the argument must be floating but is " + x.type());
        }
        return x.map(name, Ops::alias);
    }

    private static List<Tensor> sources(String name, List<Tensor> inputs) {
        return inputs.stream().map(input -> source(name, input)).toList();
    }

    private static List<Tensor> single(Tensor result) {
        return Collections.singletonList(result);
    }

    private static Tensor requireTensor(String name, Tensor result) {
        return requireTensors(name, single(result)).getFirst();
    }

    private static Tensor requireFloating(String name, Tensor result) {
        if (!requireTensor(name, result).dtype().isFloating()) {
            throw new IllegalArgumentException(name + ": the function returned " + result.type()
                + ", which has no derivative");
        }
        return result;
    }

    static List<Tensor> requireTensors(String name, List<Tensor> results) {
        if (results == null || results.stream().anyMatch(Objects::isNull)) {
            throw new IllegalStateException(name + ": the function returned no tensor but null");
        }
        return results;
    }
}

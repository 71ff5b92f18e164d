package org.adjoint;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.adjoint.autodiff.Batching;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.TensorType;

/**
 * One call of a mapped function: the function is recorded for one example, over placeholders that have no value, and
 * its operations are then applied to all examples at once.
 */
final class Mapping {
    /** How many mapped functions this thread is inside of. */
    private static final ThreadLocal<Integer> DEPTH = ThreadLocal.withInitial(() -> 0);

    private Mapping() { }

    static boolean isActive() {
        return DEPTH.get() > 0;
    }

    static List<Tensor> map(Function<List<Tensor>, List<Tensor>> function, List<Tensor> arguments, int[] inAxes,
        int[] outAxes) {
        if (inAxes.length != arguments.size()) {
            throw new IllegalArgumentException("vmap: " + inAxes.length + " axes are given for " + arguments.size()
                + " arguments: name one for each, or NOT_MAPPED");
        }
        for (Tensor argument : arguments) {
            Objects.requireNonNull(argument, "vmap: an argument is null");
        }
        long extent = extent(arguments, inAxes);
        Map<Node, Node> placeholders = new IdentityHashMap<>();
        List<Tensor> examples = new ArrayList<>();
        for (int i = 0; i < inAxes.length; i++) {
            Tensor argument = arguments.get(i);
            examples.add(inAxes[i] == Functions.NOT_MAPPED ? argument : placeholder(argument, inAxes[i], placeholders));
        }
        List<Tensor> returned = call(function, examples);
        if (outAxes.length != returned.size()) {
            throw new IllegalArgumentException("vmap: " + outAxes.length + " axes are given for " + returned.size()
                + " results");
        }
        List<Node> nodes = returned.stream().map(tensor -> tensor.operand("vmap")).toList();
        Batching.Mapped mapped = Batching.map(nodes, placeholders, extent);
        List<Tensor> results = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) {
            Node result = moveAxis(mapped.nodes().get(i), 0, nodes.get(i).shape().rank() + 1, outAxes[i]);
            if (Trace.current() == null) {
                mapped.shared().stream().filter(node -> node.attachment() != null)
                    .forEach(node -> Uses.of(node).addReader(result));
            }
            results.add(arguments.getFirst().result("vmap", result, arguments.toArray(Tensor[]::new)));
        }
        return results;
    }

    private static List<Tensor> call(Function<List<Tensor>, List<Tensor>> function, List<Tensor> examples) {
        DEPTH.set(DEPTH.get() + 1);
        try {
            return Functions.requireTensors("vmap", function.apply(examples));
        } finally {
            DEPTH.set(DEPTH.get() - 1);
        }
    }

    private static long extent(List<Tensor> arguments, int[] inAxes) {
        int first = -1;
        long extent = 0;
        for (int i = 0; i < inAxes.length; i++) {
            if (inAxes[i] == Functions.NOT_MAPPED) {
                continue;
            }
            TensorType type = arguments.get(i).type();
            if (type.shape().rank() == 0) {
                throw new IllegalArgumentException("vmap: argument " + i + " is the scalar " + type
                    + ", which has no axis to map over: say NOT_MAPPED for it");
            }
            long here = type.shape().extent(type.shape().axis("vmap", inAxes[i]));
            if (first >= 0 && here != extent) {
                throw new IllegalArgumentException("vmap: argument " + first + " " + arguments.get(first).type()
                    + " has " + extent + " examples along axis " + inAxes[first] + ", but argument " + i + " " + type
                    + " has " + here + " along axis " + inAxes[i]);
            }
            first = first < 0 ? i : first;
            extent = here;
        }
        if (first < 0) {
            throw new IllegalArgumentException("vmap: no argument is mapped");
        }
        return extent;
    }

    private static Tensor placeholder(Tensor argument, int axis, Map<Node, Node> placeholders) {
        Node node = argument.operand("vmap");
        int rank = node.shape().rank();
        Node all = moveAxis(node, node.shape().axis("vmap", axis), rank, 0);
        Node one = Ops.leaf(new TensorType(all.dtype(), all.shape().without(0)));
        Uses.of(one).setPlaceholder();
        placeholders.put(one, all);
        return new Tensor(argument.device(), one, Trace.current());
    }

    private static Node moveAxis(Node x, int from, int rank, int to) {
        int target = to < 0 ? to + rank : to;
        if (target < 0 || target >= rank) {
            throw new IllegalArgumentException("vmap: axis " + to + " is out of range for the results "
                + x.shape() + " of all examples");
        }
        List<Integer> order = new ArrayList<>(IntStream.range(0, rank).boxed().toList());
        order.remove(from);
        order.add(target, from);
        return Ops.permute(x, order.stream().mapToInt(Integer::intValue).toArray());
    }

    /** Whether a node can be computed: whether nothing it is made of is a placeholder. */
    static boolean hasValue(Node node) {
        return !dependsOnPlaceholder(node);
    }

    private static boolean dependsOnPlaceholder(Node node) {
        Set<Node> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Node> stack = new ArrayDeque<>(List.of(node));
        while (!stack.isEmpty()) {
            Node next = stack.pop();
            if (Uses.isPlaceholder(next)) {
                return true;
            }
            if (next.value() == null && seen.add(next)) {
                next.inputs().forEach(stack::push);
            }
        }
        return false;
    }

    static void requireNone(Node leaf) {
        if (Uses.isPlaceholder(leaf)) {
            throw new IllegalStateException("vmap: inside the mapped function a tensor stands for one example of many "
                + "and has no value yet. Choose between tensors with where(); return what you want to look at");
        }
    }

    static void requireShared(Variable variable, Node value) {
        if (isActive() && dependsOnPlaceholder(value)) {
            throw new IllegalStateException("assign: inside a function given to vmap variable '" + variable.name()
                + "' would get one value per example: return the value, and assign what you make of all of them");
        }
    }
}

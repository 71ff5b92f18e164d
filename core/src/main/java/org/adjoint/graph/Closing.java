package org.adjoint.graph;

import static org.adjoint.graph.Ops.again;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes a graph over parameters a {@link Body}: what it uses from outside becomes parameters too. What does not depend
 * on the parameters that vary is computed outside, once, but for constants and for views that cost nothing.
 */
final class Closing {
    private final Set<Node> parameters;
    private final Map<Node, Node> replaced;
    private final Map<Node, Node> outside;
    private final long firstInside;
    private final Set<Node> varying = new HashSet<>();
    /** For nodes that do not vary: what they are outside. */
    private final Map<Node, Node> outer = new HashMap<>();
    private final Map<Node, Node> inside = new HashMap<>();
    private final Map<Node, Node> captured = new LinkedHashMap<>();
    private final Map<Use, Node> unique = new HashMap<>();

    /** What makes two nodes one. */
    private record Use(Op op, List<TensorType> types, List<Node> inputs) { }

    /**
     * @param parameters leaves that vary
     * @param replaced nodes and the parameter that each is given by
     * @param outside leaves that do not vary and what each stands for
     * @param firstInside nodes born before the one of this number are outside
     */
    Closing(List<Node> parameters, Map<Node, Node> replaced, Map<Node, Node> outside, long firstInside) {
        this.parameters = Set.copyOf(parameters);
        this.replaced = replaced;
        this.outside = outside;
        this.firstInside = firstInside;
    }

    /** The same results in terms of the varying parameters and of {@link #captured}. */
    List<Node> close(List<Node> results) {
        List<Node> order = new ArrayList<>(Walk.upTo(results, node -> node.id() < firstInside
            || parameters.contains(node) || replaced.containsKey(node) || outside.containsKey(node)));
        // Copies are born in the order of the originals, which the planner and the gradient go by.
        order.sort(Comparator.comparingLong(Node::id));
        for (Node node : order) {
            if (parameters.contains(node) || replaced.containsKey(node)) {
                varying.add(node);
                inside.put(node, replaced.getOrDefault(node, node));
            } else if (outside.containsKey(node) || node.id() < firstInside) {
                outer.put(node, outside.getOrDefault(node, node));
            } else if (node.inputs().stream().anyMatch(varying::contains)) {
                varying.add(node);
                inside.put(node, once(node, node.inputs().stream().map(this::inside).toList()));
            } else {
                outer.put(node, copy(node, node.inputs().stream().map(outer::get).toList()));
            }
        }
        return results.stream().map(this::inside).toList();
    }

    /** What is outside, and the parameter that stands for it. */
    Map<Node, Node> captured() {
        return captured;
    }

    /** Nodes of the closed graph that vary. */
    List<Node> varying() {
        return varying.stream().map(inside::get).distinct().sorted(Comparator.comparingLong(Node::id)).toList();
    }

    private Node inside(Node node) {
        if (varying.contains(node)) {
            return inside.get(node);
        }
        boolean view = node.op() instanceof Op.Permute || node.op() instanceof Op.Expand;
        if (node.value() == null && (view || isConstant(node))) {
            return once(node, node.inputs().stream().map(this::inside).toList());
        }
        return captured.computeIfAbsent(outer.getOrDefault(node, node), known -> Ops.leaf(known.type()));
    }

    /** Whether all elements are one number that is known. */
    private static boolean isConstant(Node node) {
        Op op = node.op();
        boolean same = op instanceof Op.Expand || op instanceof Op.Reshape || op instanceof Op.Permute
            || op instanceof Op.Cast;
        return op instanceof Op.Constant || same && isConstant(node.input(0));
    }

    /** The operation on these inputs, one node for all that do the same. */
    private Node once(Node node, List<Node> inputs) {
        if (node.op() instanceof Op.Project project) {
            return inputs.getFirst().output(project.index());
        }
        // What an operation with a rule of its own is does not show in its inputs, and barriers are there to part.
        if (node.op() instanceof Op.WithGradient || node.op() instanceof Op.Barrier) {
            return again(node, inputs);
        }
        return unique.computeIfAbsent(new Use(node.op(), node.types(), inputs), _ -> again(node, inputs));
    }

    private static Node copy(Node node, List<Node> inputs) {
        if (inputs.equals(node.inputs())) {
            return node;
        }
        return node.op() instanceof Op.Project project ? inputs.getFirst().output(project.index())
            : again(node, inputs);
    }
}

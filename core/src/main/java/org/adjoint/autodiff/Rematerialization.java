package org.adjoint.autodiff;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.Ops;

/**
 * Lets the gradient of a part of the graph compute that part again instead of keeping its values (Chen et al.,
 * "Training deep nets with sublinear memory cost", 2016). The copies read the part's inputs through {@linkplain
 * Op.Barrier barriers} that wait for the cotangents, so that they are neither merged with the first computation nor run
 * before they are needed. Copies have the operations of what they are copies of.
 */
public final class Rematerialization {
    private Rematerialization() { }

    /**
     * @param results of the part
     * @param since nodes that were born after this one belong to the part, but for leaves; others are its inputs
     * @return the results, whose gradient computes the part again
     */
    public static List<Node> of(List<Node> results, Node since) {
        Set<Node> inputs = new LinkedHashSet<>();
        ancestors(results, since, inputs);
        List<Node> externals = inputs.stream().sorted(Comparator.comparingLong(Node::id)).toList();
        return Ops.withGradient("checkpoint", results, externals, (nodes, _, cotangents) ->
            gradient(results, since, externals, nodes, cotangents));
    }

    /** Inner nodes of the part, in order of birth; what they read from outside is added to {@code inputs}. */
    private static List<Node> ancestors(List<Node> results, Node since, Set<Node> inputs) {
        Set<Node> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        List<Node> inner = new ArrayList<>();
        Deque<Node> stack = new ArrayDeque<>(results);
        while (!stack.isEmpty()) {
            Node node = stack.pop();
            if (!seen.add(node)) {
                continue;
            }
            if (node.id() < since.id() || node.op() instanceof Op.Leaf) {
                // Of an operation with several results, the one that is read, for the operation itself has no value.
                inputs.add(node);
            } else if (!node.inputs().isEmpty()) {
                inner.add(node);
                node.inputs().forEach(stack::push);
            }
        }
        inner.sort(Comparator.comparingLong(Node::id));
        return inner;
    }

    private static Node[] gradient(List<Node> results, Node since, List<Node> externals, List<Node> inputs,
        Node[] cotangents) {
        List<Node> seeds = new ArrayList<>();
        List<Node> outputs = new ArrayList<>();
        for (int i = 0; i < cotangents.length; i++) {
            if (cotangents[i] != null) {
                seeds.add(cotangents[i]);
                outputs.add(results.get(i));
            }
        }
        Map<Node, Node> copies = new IdentityHashMap<>();
        List<Node> sources = new ArrayList<>();
        for (int i = 0; i < externals.size(); i++) {
            Node source = Ops.barrier(inputs.get(i), seeds);
            sources.add(source);
            copies.put(externals.get(i), source);
        }
        for (Node node : ancestors(outputs, since, new LinkedHashSet<>())) {
            copies.put(node, copy(node, copies));
        }
        List<Node> again = outputs.stream().map(output -> copies.getOrDefault(output, output)).toList();
        return Autodiff.pullback(again, seeds, sources).toArray(Node[]::new);
    }

    private static Node copy(Node node, Map<Node, Node> copies) {
        List<Node> inputs = node.inputs().stream().map(input -> copies.getOrDefault(input, input)).toList();
        if (inputs.equals(node.inputs())) {
            return node;
        }
        return node.op() instanceof Op.Project project ? inputs.getFirst().output(project.index())
            : Ops.again(node, inputs);
    }
}

package org.adjoint.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A function of tensors as a graph of its own: leaves are its parameters, and its nodes depend on nothing else. Bodies
 * that compute the same in the same way are equal, constants included, whatever nodes they are made of.
 */
public final class Body {
    /** One node as the key sees it: inputs are positions in the order. */
    private record Entry(Op op, List<TensorType> types, List<Integer> inputs) { }

    private final List<Node> leaves;
    private final List<Node> results;
    private final List<Node> order;
    private final List<Object> key = new ArrayList<>();
    private final int hash;
    private final boolean checksIndices;

    Body(List<Node> leaves, List<Node> results) {
        this.leaves = List.copyOf(leaves);
        this.results = List.copyOf(results);
        List<Node> roots = new ArrayList<>(leaves);
        roots.addAll(results);
        this.order = Walk.upTo(roots, node -> false);
        Map<Node, Integer> positions = new HashMap<>();
        for (Node node : order) {
            if (node.op() instanceof Op.Leaf && !leaves.contains(node)) {
                throw new IllegalArgumentException("a body depends on " + node + ", which is none of its parameters");
            }
            positions.put(node, positions.size());
            key.add(new Entry(node.op(), node.types(), node.inputs().stream().map(positions::get).toList()));
        }
        key.add(leaves.size());
        key.add(results.stream().map(positions::get).toList());
        this.hash = key.hashCode();
        this.checksIndices = order.stream().anyMatch(node -> node.op().indices() != null
            || node.op() instanceof Op.Scan scan && scan.body().checksIndices());
    }

    /** The parameters. */
    public List<Node> leaves() {
        return leaves;
    }

    public List<Node> results() {
        return results;
    }

    /** All nodes, inputs before readers. */
    public List<Node> order() {
        return order;
    }

    /** Whether an index may be found out of range while it runs. */
    public boolean checksIndices() {
        return checksIndices;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Body body && hash == body.hash && key.equals(body.key);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** How many parameters it has, and how many nodes. */
    @Override
    public String toString() {
        return "body of " + order.size() + " nodes, " + leaves.size() + " parameters";
    }
}

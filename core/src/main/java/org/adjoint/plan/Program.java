package org.adjoint.plan;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.TensorType;

/**
 * What is to be computed, in canonical form: the nodes that results need, in topological order, down to leaves and to
 * nodes that have a value already. A plan is cached under the program's {@link #structure}.
 */
public final class Program {
    /**
     * A value that a leaf's own memory holds when the program has run.
     *
     * @param target the leaf, whose old value every other reader sees
     */
    public record Store(Node target, Node value) { }

    /**
     * What programs have in common that one plan serves, whatever buffers, scalar values and nodes stand behind them.
     * It holds no node, for nodes hold values, whose memory a cached plan must not keep.
     */
    public static final class Structure {
        private final List<Object> parts;
        private final int hash;

        private Structure(List<Object> parts) {
            this.parts = parts;
            this.hash = parts.hashCode();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Structure structure && hash == structure.hash && parts.equals(structure.parts);
        }

        @Override
        public int hashCode() {
            return hash;
        }
    }

    /** One node as the structure sees it: inputs are positions in the order. */
    private record Entry(Op op, List<TensorType> types, List<Integer> inputs) { }

    private final List<Node> order;
    private final List<Node> leaves;
    private final List<Node> constants;
    private final List<Node> results;
    private final List<Store> stores;
    private final boolean constantsKnown;
    private final Structure structure;

    private Program(List<Node> order, List<Node> leaves, List<Node> constants, List<Node> results, List<Store> stores,
        boolean constantsKnown, Structure structure) {
        this.order = order;
        this.leaves = leaves;
        this.constants = constants;
        this.results = results;
        this.stores = stores;
        this.constantsKnown = constantsKnown;
        this.structure = structure;
    }

    /**
     * @param results nodes to compute, each into memory of its own
     * @param stores values to leave in leaves' memory
     * @param firstLeaves leaves that come first, in this order, whether or not something reads them
     * @param constantsKnown whether constants are part of the structure, so that rewriting may look at them; if not,
     *     the plan serves any scalar values
     */
    public static Program of(List<Node> results, List<Store> stores, List<Node> firstLeaves, boolean constantsKnown) {
        Map<Node, Integer> positions = new IdentityHashMap<>();
        List<Node> order = new ArrayList<>();
        List<Node> leaves = new ArrayList<>();
        List<Node> constants = new ArrayList<>();
        List<Object> parts = new ArrayList<>();
        Deque<Node> stack = new ArrayDeque<>();
        List<Node> roots = new ArrayList<>(firstLeaves);
        roots.addAll(results);
        for (Store store : stores) {
            roots.add(store.target());
            roots.add(store.value());
        }
        for (Node root : roots) {
            stack.push(root);
            while (!stack.isEmpty()) {
                Node node = stack.peek();
                if (positions.containsKey(node)) {
                    stack.pop();
                    continue;
                }
                boolean leaf = isLeaf(node);
                boolean ready = true;
                if (!leaf) {
                    List<Node> inputs = node.inputs();
                    for (int i = inputs.size() - 1; i >= 0; i--) {
                        if (!positions.containsKey(inputs.get(i))) {
                            stack.push(inputs.get(i));
                            ready = false;
                        }
                    }
                }
                if (!ready) {
                    continue;
                }
                stack.pop();
                positions.put(node, order.size());
                order.add(node);
                if (leaf) {
                    leaves.add(node);
                    parts.add(new Entry(new Op.Leaf(), node.types(), List.of()));
                } else if (node.op() instanceof Op.Constant) {
                    constants.add(node);
                    parts.add(new Entry(constantsKnown ? node.op() : new Op.Constant(0), node.types(), List.of()));
                } else {
                    parts.add(new Entry(node.op(), node.types(), node.inputs().stream().map(positions::get).toList()));
                }
            }
        }
        parts.add(constantsKnown);
        parts.add(firstLeaves.stream().map(positions::get).toList());
        parts.add(results.stream().map(positions::get).toList());
        parts.add(stores.stream().map(s -> List.of(positions.get(s.target()), positions.get(s.value()))).toList());
        return new Program(List.copyOf(order), List.copyOf(leaves), List.copyOf(constants), List.copyOf(results),
            List.copyOf(stores), constantsKnown, new Structure(parts));
    }

    /** Whether planning stops at this node: it comes from outside or has been computed. */
    public static boolean isLeaf(Node node) {
        return node.value() != null || node.op() instanceof Op.Leaf;
    }

    /** All nodes, inputs before readers. */
    public List<Node> order() {
        return order;
    }

    /** Externals 0 to n - 1 of the plan. */
    public List<Node> leaves() {
        return leaves;
    }

    /** Externals n and up of the plan. */
    public List<Node> results() {
        return results;
    }

    public List<Store> stores() {
        return stores;
    }

    /** Whether rewriting may look at the values of constants. */
    public boolean constantsKnown() {
        return constantsKnown;
    }

    /** The constants, whose values are the plan's scalars, in this order. */
    public List<Node> constants() {
        return constants;
    }

    /** The scalars to bind: bits of doubles for floating constants, else integers. */
    public long[] scalars() {
        return constants.stream().mapToLong(node -> ((Op.Constant) node.op()).bits()).toArray();
    }

    public Structure structure() {
        return structure;
    }
}

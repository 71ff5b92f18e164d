package org.adjoint.autodiff;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Origin;

/**
 * The reverse walk. It visits the nodes between the outputs and what is differentiated for, latest first, and asks each
 * operation for the cotangents of its inputs; where several readers give one, they are added in the order of the walk.
 */
public final class Autodiff {
    private Autodiff() { }

    /**
     * Vector-Jacobian products.
     *
     * @param outputs nodes to start from
     * @param cotangents one per output, of its shape and dtype
     * @param sources nodes to differentiate for
     * @return one cotangent per source, null where no output depends on it differentiably
     */
    public static List<Node> pullback(List<Node> outputs, List<Node> cotangents, List<Node> sources) {
        return pullback(outputs, cotangents, sources, Set.of());
    }

    /**
     * Jacobian-vector products, as the gradient of vector-Jacobian products for their cotangents, which these are
     * linear in (Townsend, "A new trick for calculating Jacobian vector products", 2017). None of the products' own
     * operations is computed.
     *
     * @param outputs floating nodes
     * @param sources floating nodes to differentiate for
     * @param tangents one per source, of its shape and dtype
     * @return one tangent per output, null where it depends on no source differentiably
     */
    public static List<Node> pushforward(List<Node> outputs, List<Node> sources, List<Node> tangents) {
        List<Node> cotangents = outputs.stream().map(Ops::zerosLike).toList();
        List<Node> products = pullback(outputs, cotangents, sources);
        List<Node> found = new ArrayList<>();
        List<Node> seeds = new ArrayList<>();
        for (int i = 0; i < products.size(); i++) {
            if (products.get(i) != null) {
                found.add(products.get(i));
                seeds.add(tangents.get(i));
            }
        }
        return pullback(found, seeds, cotangents);
    }

    /** @param boundary nodes beyond which the walk does not look */
    private static List<Node> pullback(List<Node> outputs, List<Node> cotangents, List<Node> sources,
        Set<Node> boundary) {
        Set<Node> wanted = Collections.newSetFromMap(new IdentityHashMap<>());
        wanted.addAll(sources);
        List<Node> path = between(outputs, wanted, boundary);
        Map<Node, Node> found = new IdentityHashMap<>();
        Set<Node> onPath = Collections.newSetFromMap(new IdentityHashMap<>());
        onPath.addAll(path);
        for (int i = 0; i < outputs.size(); i++) {
            if (onPath.contains(outputs.get(i))) {
                accumulate(found, outputs.get(i), cotangents.get(i));
            }
        }
        path.sort(Comparator.comparingLong(Node::id).reversed());
        for (Node node : path) {
            if (node.op() instanceof Op.Project || boundary.contains(node)) {
                continue;
            }
            Node[] results = new Node[node.types().size()];
            boolean any = false;
            for (int i = 0; i < results.length; i++) {
                results[i] = found.get(node.output(i));
                any |= results[i] != null;
            }
            if (!any) {
                continue;
            }
            Node[] gradients = Origin.gradientOf(node, () -> gradient(node, results));
            for (int i = 0; i < gradients.length; i++) {
                Node input = node.input(i);
                if (gradients[i] != null && onPath.contains(input)) {
                    accumulate(found, input, gradients[i]);
                }
            }
        }
        return sources.stream().map(found::get).toList();
    }

    /** Whether {@code output} depends on one of {@code sources}, differentiably or not. */
    public static boolean reaches(Node output, Set<Node> sources) {
        return !between(List.of(output), sources, Set.of()).isEmpty();
    }

    private static Node[] gradient(Node node, Node[] cotangents) {
        Node[] gradients = node.op().gradient(node, cotangents);
        if (gradients != null) {
            return gradients;
        }
        if (node.op() instanceof Op.Scan) {
            return new ScanGradient(node, cotangents).run();
        }
        Op.Fused op = (Op.Fused) node.op();
        Node[] meaning = op.decompose(node.inputs());
        List<Node> outputs = new ArrayList<>();
        List<Node> seeds = new ArrayList<>();
        for (int i = 0; i < meaning.length; i++) {
            if (cotangents[i] != null) {
                outputs.add(meaning[i]);
                seeds.add(cotangents[i]);
            }
        }
        Set<Node> inputs = Collections.newSetFromMap(new IdentityHashMap<>());
        inputs.addAll(node.inputs());
        Node[] result = new Node[node.inputs().size()];
        List<Node> found = pullback(outputs, seeds, node.inputs(), inputs);
        Set<Node> taken = Collections.newSetFromMap(new IdentityHashMap<>());
        for (int i = 0; i < result.length; i++) {
            // An input that is given twice has one cotangent, for both uses.
            result[i] = taken.add(node.input(i)) ? found.get(i) : null;
        }
        return result;
    }

    private static void accumulate(Map<Node, Node> found, Node node, Node cotangent) {
        if (!cotangent.type().equals(node.type())) {
            throw new IllegalStateException("the gradient rule behind " + node.op().name() + " gives "
                + cotangent.type() + " for a value that is " + node.type());
        }
        found.merge(node, cotangent, Ops::add);
    }

    /** The nodes on paths from {@code outputs} down to {@code sources}, both included. */
    private static List<Node> between(List<Node> outputs, Set<Node> sources, Set<Node> boundary) {
        Map<Node, Boolean> leads = new IdentityHashMap<>();
        List<Node> path = new ArrayList<>();
        Deque<Node> stack = new ArrayDeque<>();
        for (Node output : outputs) {
            stack.push(output);
            while (!stack.isEmpty()) {
                Node node = stack.peek();
                if (leads.containsKey(node)) {
                    stack.pop();
                    continue;
                }
                List<Node> inputs = boundary.contains(node) || node.op() instanceof Op.StopGradient
                    ? List.of() : node.inputs();
                boolean ready = true;
                for (Node input : inputs) {
                    if (!leads.containsKey(input)) {
                        stack.push(input);
                        ready = false;
                    }
                }
                if (!ready) {
                    continue;
                }
                stack.pop();
                boolean on = sources.contains(node);
                for (Node input : inputs) {
                    on |= leads.get(input);
                }
                leads.put(node, on);
                if (on) {
                    path.add(node);
                }
            }
        }
        return path;
    }
}

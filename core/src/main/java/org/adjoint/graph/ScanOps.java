package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Loops whose iterations depend on each other.
 *
 * <p>All methods throw {@link IllegalArgumentException} for arguments that do not fit.
 */
public final class ScanOps {
    private ScanOps() { }

    /** Carries and outputs: of one iteration, or of all. */
    public record Outcome(List<Node> carries, List<Node> outputs) {
        public Outcome {
            carries = List.copyOf(carries);
            outputs = List.copyOf(outputs);
        }
    }

    /** What an iteration makes of the carries, of its slices, and of its number, an {@code i64} scalar. */
    @FunctionalInterface
    public interface Iteration {
        Outcome apply(List<Node> carries, List<Node> slices, Node number);
    }

    /**
     * Runs {@code iteration} for each slice along the leading axis of {@code scanned}; see {@link Op.Scan}. It is
     * called once, to record what it does.
     *
     * @param length how many iterations; -1: as many as the scanned tensors have slices
     * @param reverse whether the last slice comes first; iteration numbers count slices, so they fall then
     * @return the last carries, and outputs stacked along a leading axis
     */
    public static Outcome scan(List<Node> carries, List<Node> scanned, long length, boolean reverse,
        Iteration iteration) {
        long count = length(scanned, length);
        Node number = leaf(new TensorType(DType.I64, Shape.SCALAR));
        List<Node> slices = new ArrayList<>();
        for (Node x : scanned) {
            slices.add(leaf(new TensorType(x.dtype(), x.shape().without(0))));
        }
        List<Node> incoming = carries.stream().map(carry -> leaf(carry.type())).toList();
        Outcome outcome = iteration.apply(incoming, slices, number);
        requireCarries(carries, outcome.carries);
        if (count == 0) {
            return new Outcome(carries, outcome.outputs.stream()
                .map(output -> full(output.dtype(), stacked(output.shape(), 0), 0)).toList());
        }
        slices.add(number);
        List<Node> xs = new ArrayList<>(scanned);
        xs.add(iota(DType.I64, count));
        Node loop = loop(new Parts(incoming, slices, outcome, Map.of(), Map.of(), number.id()), carries, xs, count,
            reverse);
        int last = carries.size() + outcome.outputs.size();
        return new Outcome(outputs(loop, 0, carries.size()), outputs(loop, carries.size(), last));
    }

    private static long length(List<Node> scanned, long length) {
        if (length < -1) {
            throw error("scan: the number of iterations must not be negative but is %d", length);
        }
        if (scanned.isEmpty() && length < 0) {
            throw error("scan: there is nothing to scan: say how many iterations there are");
        }
        long count = length;
        for (int i = 0; i < scanned.size(); i++) {
            Shape shape = scanned.get(i).shape();
            if (shape.rank() == 0) {
                throw error(
                    "scan: tensor %d to scan is a scalar: it needs a leading axis, one slice for each iteration", i);
            }
            if (count >= 0 && shape.extent(0) != count) {
                throw error("scan: tensor %d to scan is %s, so it has %d slices, but there are %d iterations", i,
                    scanned.get(i).type(), shape.extent(0), count);
            }
            count = shape.extent(0);
        }
        return count;
    }

    private static void requireCarries(List<Node> first, List<Node> made) {
        if (first.size() != made.size()) {
            throw error("scan: there are %d carries but the body returns %d: it must return each, changed or not",
                first.size(), made.size());
        }
        for (int i = 0; i < first.size(); i++) {
            if (!first.get(i).type().equals(made.get(i).type())) {
                throw error("scan: carry %d is %s but the body returns %s for it: it must keep shape and dtype", i,
                    first.get(i).type(), made.get(i).type());
            }
        }
    }

    private static List<Node> outputs(Node loop, int from, int to) {
        List<Node> nodes = new ArrayList<>();
        for (int i = from; i < to; i++) {
            nodes.add(loop.output(i));
        }
        return nodes;
    }

    private static Shape stacked(Shape shape, long length) {
        long[] extents = new long[shape.rank() + 1];
        extents[0] = length;
        if (shape.elements() > 0 && length > Long.MAX_VALUE / shape.elements()) {
            throw error("scan: %d iterations that give %s each have more than 2^63 elements in all", length, shape);
        }
        System.arraycopy(shape.toArray(), 0, extents, 1, shape.rank());
        return Shape.of(extents);
    }

    /**
     * An iteration as it was recorded.
     *
     * @param carries leaves for what the iteration before left
     * @param slices leaves for slices
     * @param made what the iteration makes
     * @param given nodes that are not computed but given by one of the slices
     * @param captured leaves that are the same in all iterations, and what they stand for
     * @param firstInside nodes born before the one of this number do not belong to the iteration
     */
    public record Parts(List<Node> carries, List<Node> slices, Outcome made, Map<Node, Node> given,
        Map<Node, Node> captured, long firstInside) { }

    /**
     * The loop, at least one iteration long: one node, whose outputs are the last carries and the stacked outputs.
     * Slices that are not used are left out.
     *
     * @param first the first carries
     * @param scanned for each slice what it is a slice of
     */
    public static Node loop(Parts parts, List<Node> first, List<Node> scanned, long length, boolean reverse) {
        List<Node> varying = concat(parts.carries, parts.slices);
        Closing closing = new Closing(varying, parts.given, parts.captured, parts.firstInside);
        List<Node> results = new ArrayList<>(closing.close(concat(parts.made.carries, parts.made.outputs)));
        addHidden(results, parts.carries.size(), closing.varying());
        Set<Node> used = new HashSet<>(Walk.upTo(results, node -> false));
        List<Node> leaves = new ArrayList<>(parts.carries);
        List<Node> inputs = new ArrayList<>(first);
        for (int i = 0; i < parts.slices.size(); i++) {
            if (used.contains(parts.slices.get(i))) {
                leaves.add(parts.slices.get(i));
                inputs.add(scanned.get(i));
            }
        }
        int slices = leaves.size() - parts.carries.size();
        closing.captured().forEach((outer, leaf) -> {
            leaves.add(leaf);
            inputs.add(outer);
        });
        List<TensorType> types = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            TensorType type = results.get(i).type();
            types.add(i < first.size() ? type : new TensorType(type.dtype(), stacked(type.shape(), length)));
        }
        return new Node(new Op.Scan(new Body(leaves, results), first.size(), slices, length, reverse), types, inputs);
    }

    /** The new carries, and what the gradient should rather read than compute again. */
    private static void addHidden(List<Node> results, int carries, List<Node> varying) {
        Set<Node> stacked = new HashSet<>(results.subList(carries, results.size()));
        Stream<Node> dear = varying.stream().filter(node -> node.op() instanceof Op.MatMul
            || node.op() instanceof Op.Scan || node.op() instanceof Op.Fused && !(node.op() instanceof Op.Composition))
            .flatMap(node -> outputs(node, 0, node.types().size()).stream());
        for (Node node : Stream.concat(List.copyOf(results.subList(0, carries)).stream(), dear).toList()) {
            if (stacked.add(node)) {
                results.add(node);
            }
        }
    }

    private static List<Node> concat(List<Node> a, List<Node> b) {
        return Stream.concat(a.stream(), b.stream()).toList();
    }
}

package org.adjoint.autodiff;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.IndexingOps;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Origin;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.ScanOps;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/**
 * Maps a part of the graph over an axis, as JAX's vmap: the part was recorded for one example, over placeholders; here
 * each of its operations is applied to all examples at once, with the mapped axis in front. What does not depend on a
 * placeholder is computed once and shared, but random numbers that the part draws are drawn for each example.
 */
public final class Batching {
    private final long extent;
    /** Results of the nodes that are mapped, each with the mapped axis in front. */
    private final Map<Node, List<Node>> batched = new IdentityHashMap<>();
    /** What stands for nodes that are the same for all examples and yet wait for something that is mapped. */
    private final Map<Node, Node> plain = new IdentityHashMap<>();
    private final Set<Node> shared = Collections.newSetFromMap(new IdentityHashMap<>());

    private Batching(long extent) {
        this.extent = extent;
    }

    /**
     * What a part gives for all examples.
     *
     * @param nodes the results, each with the mapped axis in front, whether or not it differs along that
     * @param shared nodes outside of the part that it reads as they are
     */
    public record Mapped(List<Node> nodes, Set<Node> shared) { }

    /**
     * @param results of the part, for one example
     * @param placeholders leaves of the part, with what they stand for: nodes of one more axis, in front. The part
     *     consists of what was born after them
     * @param extent of the mapped axis
     */
    public static Mapped map(List<Node> results, Map<Node, Node> placeholders, long extent) {
        return map(results, placeholders, placeholders.keySet().stream().mapToLong(Node::id).min().orElseThrow(),
            extent);
    }

    /** @param since nodes born before the one of this number are not part of it */
    private static Mapped map(List<Node> results, Map<Node, Node> placeholders, long since, long extent) {
        Batching batching = new Batching(extent);
        placeholders.forEach((placeholder, all) -> batching.batched.put(placeholder, List.of(all)));
        for (Node node : bornSince(results, since)) {
            if (!batching.batched.containsKey(node)) {
                Origin.like(node, () -> batching.visit(node));
            }
        }
        return new Mapped(results.stream().map(batching::all).toList(), batching.shared);
    }

    private static List<Node> bornSince(List<Node> results, long since) {
        Set<Node> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        List<Node> nodes = new ArrayList<>();
        Deque<Node> stack = new ArrayDeque<>(results);
        while (!stack.isEmpty()) {
            Node node = stack.pop();
            if (node.id() >= since && seen.add(node)) {
                nodes.add(node);
                node.inputs().forEach(stack::push);
            }
        }
        nodes.sort(Comparator.comparingLong(Node::id));
        return nodes;
    }

    private void visit(Node node) {
        boolean mapped = node.op() instanceof Op.RandomBits || node.op() instanceof Op.Scan scan && draws(scan);
        for (Node input : node.inputs()) {
            mapped |= batched.containsKey(input);
        }
        if (node.op() instanceof Op.Barrier && !batched.containsKey(node.input(0))) {
            plain.put(node, barrier(node));
        } else if (!mapped && node.inputs().stream().anyMatch(plain::containsKey)) {
            List<Node> inputs = node.inputs().stream().map(this::any).toList();
            plain.put(node, node.op() instanceof Op.Project project ? inputs.getFirst().output(project.index())
                : Ops.again(node, inputs));
        } else if (mapped) {
            node.inputs().stream().filter(input -> !batched.containsKey(input)).forEach(shared::add);
            batched.put(node, emit(node));
        }
    }

    /** Whether iterations draw random numbers. */
    private static boolean draws(Op.Scan scan) {
        return scan.body().order().stream().anyMatch(node -> node.op() instanceof Op.RandomBits
            || node.op() instanceof Op.Scan inner && draws(inner));
    }

    /** The node for all examples, repeated where it is the same for each. */
    private Node all(Node node) {
        return batched.containsKey(node) ? batched.get(node).getFirst()
            : Ops.broadcastTo(any(node), grown(node.shape()));
    }

    /** The node for all examples; the node itself where it is the same for each. */
    private Node any(Node node) {
        return batched.containsKey(node) ? batched.get(node).getFirst() : plain.getOrDefault(node, node);
    }

    private Shape grown(Shape shape) {
        return shape.withLeading(extent);
    }

    private static List<Integer> later(List<Integer> axes) {
        return axes.stream().map(axis -> axis + 1).toList();
    }

    private static List<Long> prepend(long first, List<Long> rest) {
        List<Long> all = new ArrayList<>();
        all.add(first);
        all.addAll(rest);
        return all;
    }

    private static long[] array(List<Long> values) {
        return values.stream().mapToLong(Long::longValue).toArray();
    }

    private List<Node> emit(Node node) {
        return switch (node.op()) {
            case Op.Fused fused -> fused(fused, node);
            case Op.WithGradient with -> withGradient(with, node);
            case Op.Scan scan -> scan(scan, node);
            case Op.Project project -> List.of(batched.get(node.input(0)).get(project.index()));
            case Op.Leaf _, Op.Constant _, Op.Iota _, Op.RandomBits _, Op.Unary _, Op.Binary _, Op.Where _, Op.Cast _,
                Op.Reduce _, Op.ArgReduce _, Op.ArgSort _, Op.Reshape _, Op.Permute _, Op.Expand _, Op.Slice _,
                Op.Windows _, Op.Pad _, Op.Concat _, Op.MatMul _, Op.Gather _, Op.Scatter _, Op.ScatterAdd _,
                Op.DynamicSlice _, Op.DynamicUpdateSlice _, Op.StopGradient _,
                Op.Barrier _ -> List.of(single(node));
        };
    }

    private Node single(Node node) {
        return switch (node.op()) {
            case Op.RandomBits _ -> randomBits(node);
            case Op.Unary op -> Ops.unary(op.function(), any(node.input(0)));
            // Operands of one shape: one that lacks the mapped axis is repeated along it.
            case Op.Binary op -> Ops.binary(op.function(), any(node.input(0)), any(node.input(1)));
            case Op.Where _ -> Ops.where(any(node.input(0)), any(node.input(1)), any(node.input(2)));
            case Op.Cast op -> Ops.cast(any(node.input(0)), op.target());
            case Op.Reduce op -> Ops.reduce(op.function(), any(node.input(0)), later(op.axes()));
            case Op.ArgReduce op -> Ops.argReduce(op.largest(), any(node.input(0)), op.axis() + 1);
            case Op.Reshape op -> Ops.reshape(any(node.input(0)), grown(op.shape()));
            case Op.Permute op -> permute(any(node.input(0)), op.axes());
            case Op.Expand op -> Ops.broadcastTo(any(node.input(0)), grown(op.shape()));
            case Op.Slice op -> Ops.slice(any(node.input(0)), prepend(0, op.starts()), prepend(1, op.steps()),
                grown(op.shape()));
            case Op.Pad op -> pad(op, node);
            case Op.Concat op -> Ops.concat(op.axis() + 1, node.inputs().stream().map(this::all).toList());
            // Of two operands one that lacks the mapped axis is repeated; a plain matrix on the right needs not be.
            case Op.MatMul _ -> Ops.matmul(any(node.input(0)), any(node.input(1)));
            case Op.Gather op -> batched.containsKey(node.input(0))
                ? IndexingOps.gather(any(node.input(0)), op.axis() + 1, all(node.input(1)))
                : gatherShared(any(node.input(0)), op.axis(), any(node.input(1)));
            case Op.ArgSort op -> IndexingOps.argSort(any(node.input(0)), op.axis() + 1, op.descending());
            case Op.Windows op ->
                Ops.windows(any(node.input(0)), op.axis() + 1, op.size(), op.step(), op.dilation());
            case Op.Scatter op ->
                IndexingOps.scatter(all(node.input(0)), op.axis() + 1, all(node.input(1)), all(node.input(2)));
            case Op.ScatterAdd op ->
                IndexingOps.scatterAdd(all(node.input(0)), op.axis() + 1, all(node.input(1)), all(node.input(2)));
            case Op.DynamicSlice op -> dynamicSlice(node, op.shape());
            case Op.DynamicUpdateSlice _ -> dynamicUpdateSlice(node);
            case Op.StopGradient _ -> Ops.stopGradient(any(node.input(0)));
            case Op.Barrier _ -> barrier(node);
            case Op.Leaf _, Op.Constant _, Op.Iota _, Op.Fused _, Op.WithGradient _, Op.Scan _, Op.Project _ ->
                throw new AssertionError(node.op().name());
        };
    }

    private Node randomBits(Node node) {
        if (batched.containsKey(node.input(0)) || batched.containsKey(node.input(1))) {
            throw new IllegalArgumentException("vmap: randomBits takes one random state for all examples");
        }
        return Ops.randomBits(grown(node.shape()), any(node.input(0)), any(node.input(1)));
    }

    private Node barrier(Node node) {
        List<Node> inputs = node.inputs().stream().map(this::any).toList();
        return Ops.barrier(inputs.getFirst(), inputs.subList(1, inputs.size()));
    }

    private static Node permute(Node x, List<Integer> axes) {
        int[] all = new int[axes.size() + 1];
        for (int i = 0; i < axes.size(); i++) {
            all[i + 1] = axes.get(i) + 1;
        }
        return Ops.permute(x, all);
    }

    private Node pad(Op.Pad op, Node node) {
        Node value = node.input(1);
        long[] low = array(prepend(0, op.low()));
        long[] interior = array(prepend(0, op.interior()));
        Node x = all(node.input(0));
        if (!batched.containsKey(value)) {
            return Ops.pad(x, low, interior, grown(op.shape()), any(value));
        }
        Node padded = Ops.pad(x, low, interior, grown(op.shape()), Ops.zeroOf(x.dtype()));
        Node inside = Ops.pad(Ops.full(DType.BOOL, node.input(0).shape(), 1), array(op.low()), array(op.interior()),
            op.shape(), Ops.zeroOf(DType.BOOL));
        Node fill = Ops.reshape(any(value), grown(ones(op.shape().rank())));
        return Ops.where(inside, padded, fill);
    }

    private static Shape ones(int rank) {
        long[] extents = new long[rank];
        Arrays.fill(extents, 1);
        return Shape.of(extents);
    }

    /**
     * Gathers from one tensor for all examples: their indices (b, ..., k, ...) stand side by side along the axis, as
     * (..., b k, ...).
     */
    private Node gatherShared(Node x, int axis, Node indices) {
        int rank = x.shape().rank();
        int[] beside = new int[rank + 1];
        int[] back = new int[rank + 1];
        for (int i = 0; i <= rank; i++) {
            beside[i] = i < axis ? i + 1 : i == axis ? 0 : i;
            back[beside[i]] = i;
        }
        Node moved = Ops.permute(indices, beside);
        Shape each = moved.shape();
        Shape merged = each.without(axis).with(axis, each.extent(axis) * each.extent(axis + 1));
        return Ops.permute(Ops.reshape(IndexingOps.gather(x, axis, Ops.reshape(moved, merged)), each), back);
    }

    private Node dynamicSlice(Node node, Shape window) {
        Node starts = node.input(1);
        if (!batched.containsKey(starts)) {
            return IndexingOps.dynamicSlice(any(node.input(0)), startsOfAll(any(starts)), grown(window));
        }
        // An example's window begins where only that example says: its elements are gathered, axis by axis.
        Node part = all(node.input(0));
        for (int axis = 0; axis < window.rank(); axis++) {
            Node positions = Ops.add(startAlong(any(starts), axis, window.rank()), iotaAlong(window, axis));
            Shape gathered = part.shape().with(axis + 1, window.extent(axis));
            part = IndexingOps.gather(part, axis + 1, Ops.broadcastTo(positions, gathered));
        }
        return part;
    }

    private Node dynamicUpdateSlice(Node node) {
        Node starts = node.input(2);
        Node x = all(node.input(0));
        Node update = all(node.input(1));
        if (!batched.containsKey(starts)) {
            return IndexingOps.dynamicUpdateSlice(x, update, startsOfAll(any(starts)));
        }
        Shape whole = node.input(0).shape();
        Shape window = node.input(1).shape();
        if (window.isEmpty()) {
            return x;
        }
        // The update is gathered to where it goes; a start out of range becomes an index out of range.
        Node inside = Ops.constant(DType.BOOL, 1L);
        for (int axis = 0; axis < whole.rank(); axis++) {
            Node start = startAlong(any(starts), axis, whole.rank());
            long last = window.extent(axis) - 1;
            Node offset = Ops.sub(iotaAlong(whole, axis), start);
            Node nearest = Ops.min(Ops.max(offset, Ops.constant(DType.I64, 0L)), Ops.constant(DType.I64, last));
            Node valid = Ops.binary(BinaryOp.AND, Ops.binary(BinaryOp.GREATER_OR_EQUAL, start, 0),
                Ops.binary(BinaryOp.LESS_OR_EQUAL, start, whole.extent(axis) - window.extent(axis)));
            Node index = Ops.where(valid, nearest, Ops.constant(DType.I64, -1L));
            update = IndexingOps.gather(update, axis + 1,
                Ops.broadcastTo(index, update.shape().with(axis + 1, whole.extent(axis))));
            inside = Ops.binary(BinaryOp.AND, inside, Ops.equal(offset, nearest));
        }
        return Ops.where(inside, update, x);
    }

    private static Node startsOfAll(Node starts) {
        return Ops.concat(0, List.of(Ops.full(DType.I64, Shape.of(1), 0), starts));
    }

    /** Starts (b, rank) along one axis, as (b, 1, ...). */
    private static Node startAlong(Node starts, int axis, int rank) {
        return Ops.reshape(Ops.slice(starts, 1, axis, axis + 1), ones(rank).withLeading(starts.shape().extent(0)));
    }

    private static Node iotaAlong(Shape shape, int axis) {
        return Ops.reshape(Ops.iota(DType.I64, shape.extent(axis)), ones(shape.rank()).with(axis, shape.extent(axis)));
    }

    private List<Node> fused(Op.Fused op, Node node) {
        List<Node> inputs = node.inputs();
        boolean[] mapped = new boolean[inputs.size()];
        for (int i = 0; i < mapped.length; i++) {
            mapped[i] = batched.containsKey(inputs.get(i));
        }
        List<Node> results = op.batched(inputs.stream().map(this::any).toList(), mapped, extent);
        if (results != null) {
            return results;
        }
        Map<Node, Node> standIns = new IdentityHashMap<>();
        List<Node> one = new ArrayList<>();
        for (Node input : inputs) {
            Node standIn = batched.containsKey(input) ? Ops.leaf(input.type()) : any(input);
            one.add(standIn);
            if (batched.containsKey(input)) {
                standIns.put(standIn, any(input));
            }
        }
        Mapped meaning = map(List.of(op.decompose(one)), standIns, extent);
        shared.addAll(meaning.shared());
        return meaning.nodes();
    }

    /** A loop over all examples at once: its body is mapped, with every carry. */
    private List<Node> scan(Op.Scan op, Node node) {
        List<Node> leaves = op.body().leaves();
        Map<Node, Node> grown = new IdentityHashMap<>();
        List<Node> parameters = new ArrayList<>();
        List<Node> inputs = new ArrayList<>();
        for (int i = 0; i < leaves.size(); i++) {
            Node input = node.input(i);
            boolean carried = i < op.carries();
            boolean mapped = carried || batched.containsKey(input);
            Node all = carried ? all(input) : any(input);
            // The axis that is scanned comes first.
            inputs.add(!carried && mapped && i < op.carries() + op.slices() ? Ops.transpose(all, 0, 1) : all);
            Node leaf = leaves.get(i);
            parameters.add(mapped ? Ops.leaf(new TensorType(leaf.dtype(), grown(leaf.shape()))) : leaf);
            if (mapped) {
                grown.put(leaf, parameters.getLast());
            }
        }
        List<Node> made = map(op.body().results(), grown, 0, extent).nodes();
        int slices = op.carries() + op.slices();
        Map<Node, Node> captured = new IdentityHashMap<>();
        for (int i = slices; i < parameters.size(); i++) {
            captured.put(parameters.get(i), inputs.get(i));
        }
        ScanOps.Outcome outcome =
            new ScanOps.Outcome(made.subList(0, op.carries()), made.subList(op.carries(), made.size()));
        Node loop = ScanOps.loop(new ScanOps.Parts(parameters.subList(0, op.carries()),
            parameters.subList(op.carries(), slices), outcome, Map.of(), captured, 0), inputs.subList(0, op.carries()),
            inputs.subList(op.carries(), slices), op.length(), op.reverse());
        List<Node> results = new ArrayList<>();
        for (int i = 0; i < made.size(); i++) {
            results.add(i < op.carries() ? loop.output(i) : Ops.transpose(loop.output(i), 0, 1));
        }
        return results;
    }

    /** The rule is mapped when it is asked. What is shared gets the sum over the examples. */
    private List<Node> withGradient(Op.WithGradient op, Node node) {
        List<Node> values = node.inputs().subList(0, op.values());
        List<Node> inputs = node.inputs().subList(op.values(), node.inputs().size());
        boolean[] mapped = new boolean[inputs.size()];
        for (int i = 0; i < mapped.length; i++) {
            mapped[i] = batched.containsKey(inputs.get(i));
        }
        long extent = this.extent;
        return Ops.withGradient(op.label(), values.stream().map(this::all).toList(),
            inputs.stream().map(this::any).toList(),
            (ins, outs, cotangents) -> mappedRule(op.rule(), mapped, extent, ins, outs, cotangents));
    }

    private static Node[] mappedRule(Op.WithGradient.Rule rule, boolean[] mapped, long extent, List<Node> inputs,
        List<Node> outputs, Node[] cotangents) {
        Map<Node, Node> placeholders = new IdentityHashMap<>();
        List<Node> oneInputs = new ArrayList<>();
        for (int i = 0; i < mapped.length; i++) {
            oneInputs.add(mapped[i] ? placeholder(inputs.get(i), placeholders) : inputs.get(i));
        }
        List<Node> oneOutputs = outputs.stream().map(output -> placeholder(output, placeholders)).toList();
        Node[] oneCotangents = new Node[cotangents.length];
        for (int i = 0; i < cotangents.length; i++) {
            oneCotangents[i] = cotangents[i] == null ? null : placeholder(cotangents[i], placeholders);
        }
        Node[] found = rule.apply(oneInputs, oneOutputs, oneCotangents);
        List<Node> wanted = Arrays.stream(found).filter(Objects::nonNull).toList();
        List<Node> all = map(wanted, placeholders, extent).nodes();
        Node[] gradients = new Node[found.length];
        int next = 0;
        for (int i = 0; i < found.length; i++) {
            if (found[i] != null) {
                Node gradient = all.get(next++);
                gradients[i] = mapped[i] ? gradient : Ops.reduce(ReduceOp.SUM, gradient, List.of(0));
            }
        }
        return gradients;
    }

    private static Node placeholder(Node all, Map<Node, Node> placeholders) {
        Node one = Ops.leaf(new TensorType(all.dtype(), all.shape().without(0)));
        placeholders.put(one, all);
        return one;
    }
}

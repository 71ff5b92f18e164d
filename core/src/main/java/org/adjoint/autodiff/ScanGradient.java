package org.adjoint.autodiff;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.Body;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.Ops;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.ScanOps;
import org.adjoint.graph.Shape;

/**
 * The gradient of a scan is a scan the other way round, whose body is the pullback of the body: it carries the
 * cotangents of the carries, scans those of the outputs, and makes those of the slices. The carries that an iteration
 * started from, and what is dear to compute again, it reads from what the loop stacked; the rest of the iteration it
 * repeats.
 *
 * <p>What the body captures gets a sum over all iterations. Where its terms are products of matrices, as for the
 * weights of a recurrence, the factors are stacked and multiplied once, behind the loop: {@code sum over t of x_t
 * y_t} is one product of the x side by side with the y on top of each other. Other sums are carried through the loop.
 */
final class ScanGradient {
    private final Node node;
    private final Node[] cotangents;
    private final Op.Scan scan;
    private final Body body;
    /** Leaves that vary and what they are slices of. */
    private final Map<Node, Node> slices = new HashMap<>();
    private final List<Node> sliceOrder = new ArrayList<>();
    /** Nodes of the body that the loop stacked, and the slices that give them. */
    private final Map<Node, Node> given = new HashMap<>();
    private final Map<Node, Node> captured = new HashMap<>();
    /** What each iteration makes beside carries, and for each what becomes of its stack. */
    private final List<Node> outputs = new ArrayList<>();
    private final Map<Node, Integer> outputPositions = new HashMap<>();
    private final List<Node> carries = new ArrayList<>();
    private final List<Node> newCarries = new ArrayList<>();
    private final List<Node> firstCarries = new ArrayList<>();

    ScanGradient(Node node, Node[] cotangents) {
        this.node = node;
        this.cotangents = cotangents;
        this.scan = (Op.Scan) node.op();
        this.body = scan.body();
    }

    /** One part of a captured tensor's gradient: what it is once the loop has run. */
    @FunctionalInterface
    private interface Part {
        Node of(Node loop);
    }

    Node[] run() {
        List<Node> leaves = body.leaves();
        List<Node> results = body.results();
        List<Node> ends = new ArrayList<>();
        List<Node> seeds = new ArrayList<>();
        List<Integer> differentiable = new ArrayList<>();
        for (int i = 0; i < scan.carries(); i++) {
            if (leaves.get(i).dtype().isFloating()) {
                Node carry = Ops.leaf(leaves.get(i).type());
                differentiable.add(i);
                carries.add(carry);
                firstCarries.add(cotangents[i] == null ? Ops.zerosLike(carry) : cotangents[i]);
                ends.add(results.get(i));
                seeds.add(carry);
            }
        }
        for (int i = scan.carries(); i < results.size(); i++) {
            if (cotangents[i] != null) {
                ends.add(results.get(i));
                seeds.add(slice(Ops.leaf(results.get(i).type()), cotangents[i]));
            }
        }
        provide();
        List<Node> sources = leaves.stream().filter(leaf -> leaf.dtype().isFloating()).toList();
        List<Node> found = Autodiff.pullback(ends, seeds, sources);
        Part[] parts = new Part[leaves.size()];
        for (int i = 0; i < carries.size(); i++) {
            Node made = found.get(i);
            newCarries.add(made == null ? Ops.zerosLike(carries.get(i)) : made);
            int position = i;
            parts[differentiable.get(i)] = loop -> loop.output(position);
        }
        List<Map.Entry<Integer, Node>> sums = new ArrayList<>();
        for (int i = carries.size(); i < sources.size(); i++) {
            int input = leaves.indexOf(sources.get(i));
            if (found.get(i) != null && input < scan.carries() + scan.slices()) {
                parts[input] = stack(found.get(i));
            } else if (found.get(i) != null) {
                sums.add(Map.entry(input, found.get(i)));
            }
        }
        sum(sums, parts);
        return assemble(parts);
    }

    /** Names what the loop has stacked already. */
    private void provide() {
        List<Node> leaves = body.leaves();
        for (int i = 0; i < scan.slices(); i++) {
            slice(leaves.get(scan.carries() + i), node.input(scan.carries() + i));
        }
        for (int i = scan.carries() + scan.slices(); i < leaves.size(); i++) {
            captured.put(leaves.get(i), node.input(i));
        }
        for (int i = scan.carries(); i < body.results().size(); i++) {
            Node result = body.results().get(i);
            if (!(result.op() instanceof Op.Leaf)) {
                given.put(result, slice(Ops.leaf(result.type()), node.output(i)));
            }
        }
        for (int i = 0; i < scan.carries(); i++) {
            Node made = body.results().get(i);
            if (made == leaves.get(i)) {
                captured.put(made, node.input(i));
            } else {
                int stacked = body.results().subList(scan.carries(), body.results().size()).indexOf(made);
                slice(leaves.get(i), incoming(node.input(i), node.output(scan.carries() + stacked)));
            }
        }
    }

    private Node slice(Node leaf, Node whole) {
        slices.put(leaf, whole);
        sliceOrder.add(leaf);
        return leaf;
    }

    /** What each iteration started from: the first carry, then what the iteration before made. */
    private Node incoming(Node first, Node made) {
        Node one = Ops.reshape(first, made.shape().with(0, 1));
        long length = scan.length();
        return scan.reverse() ? Ops.concat(0, List.of(Ops.slice(made, 0, 1, length), one))
            : Ops.concat(0, List.of(one, Ops.slice(made, 0, 0, length - 1)));
    }

    // Sums over iterations

    private void sum(List<Map.Entry<Integer, Node>> sums, Part[] parts) {
        List<List<Node>> rest = new ArrayList<>();
        for (var sum : sums) {
            List<Node> others = new ArrayList<>();
            for (Node term : terms(sum.getValue())) {
                Part product = product(term);
                if (product == null) {
                    others.add(term);
                } else {
                    add(parts, sum.getKey(), product);
                }
            }
            rest.add(others);
        }
        for (int i = 0; i < sums.size(); i++) {
            int input = sums.get(i).getKey();
            List<Node> carried = new ArrayList<>();
            for (Node term : rest.get(i)) {
                Part reduction = reduction(term);
                if (reduction == null) {
                    carried.add(term);
                } else {
                    add(parts, input, reduction);
                }
            }
            if (!carried.isEmpty()) {
                add(parts, input, carry(carried.stream().reduce(Ops::add).orElseThrow()));
            }
        }
    }

    private static void add(Part[] parts, int input, Part part) {
        Part before = parts[input];
        parts[input] = before == null ? part : loop -> Ops.add(before.of(loop), part.of(loop));
    }

    /** What a sum, of sums, is made of, from left to right. */
    private static List<Node> terms(Node sum) {
        List<Node> terms = new ArrayList<>();
        Deque<Node> stack = new ArrayDeque<>(List.of(sum));
        while (!stack.isEmpty()) {
            Node node = stack.pop();
            if (node.op() instanceof Op.Binary binary && binary.function() == BinaryOp.ADD) {
                stack.push(node.input(1));
                stack.push(node.input(0));
            } else {
                terms.add(node);
            }
        }
        return terms;
    }

    /** A sum in a carry of its own; 16-bit floats are added in f32. */
    private Part carry(Node term) {
        Node wide = Ops.cast(term, term.dtype().computeType());
        Node sum = Ops.leaf(wide.type());
        int position = carries.size();
        carries.add(sum);
        firstCarries.add(Ops.zerosLike(sum));
        newCarries.add(Ops.add(sum, wide));
        return loop -> Ops.cast(loop.output(position), term.dtype());
    }

    /** A matrix in the body, as the transpose of another or as it is. */
    private record Matrix(Node node, boolean transposed) {
        static Matrix of(Node node) {
            Matrix inner = new Matrix(node, false);
            while (inner.node.op() instanceof Op.Permute && inner.node.shape().rank() == 2) {
                boolean swaps = ((Op.Permute) inner.node.op()).axes().getFirst() == 1;
                inner = new Matrix(inner.node.input(0), inner.transposed != swaps);
            }
            return inner;
        }
    }

    /** The sum of products of matrices, if {@code term} is one. */
    private Part product(Node term) {
        Matrix result = Matrix.of(term);
        if (!(result.node.op() instanceof Op.MatMul) || term.shape().rank() != 2) {
            return null;
        }
        Matrix x = Matrix.of(result.node.input(0));
        Matrix y = Matrix.of(result.node.input(1));
        if (!varies(x.node) || !varies(y.node)) {
            return null;
        }
        Part left = stack(x.node);
        Part right = stack(y.node);
        // x (m, k) and y (k, n) of each iteration: (m, length k) times (length k, n).
        return loop -> {
            Node a = rows(left.of(loop), !x.transposed);
            Node b = rows(right.of(loop), y.transposed);
            return result.transposed ? Ops.matmul(Ops.transpose(b), a) : Ops.matmul(Ops.transpose(a), b);
        };
    }

    /** A stack of matrices on top of each other, each transposed or not. */
    private static Node rows(Node stack, boolean transposed) {
        Node matrices = transposed ? Ops.permute(stack, 0, 2, 1) : stack;
        Shape shape = matrices.shape();
        return Ops.reshape(matrices, Shape.of(shape.extent(0) * shape.extent(1), shape.extent(2)));
    }

    /** The sum of a tensor that is stacked anyway, over axes and iterations, if {@code term} is one. */
    private Part reduction(Node term) {
        Node inner = term.op() instanceof Op.Reshape ? term.input(0) : term;
        if (!(inner.op() instanceof Op.Reduce reduce) || reduce.function() != ReduceOp.SUM
            || !isStacked(inner.input(0))) {
            return null;
        }
        Part stack = stack(inner.input(0));
        List<Integer> axes = new ArrayList<>(List.of(0));
        reduce.axes().forEach(axis -> axes.add(axis + 1));
        return loop -> Ops.reshape(Ops.reduce(ReduceOp.SUM, stack.of(loop), axes), term.shape());
    }

    private boolean varies(Node inner) {
        return Autodiff.reaches(inner, slices.keySet()) || Autodiff.reaches(inner, Set.copyOf(carries));
    }

    private boolean isStacked(Node inner) {
        return slices.containsKey(inner) || given.containsKey(inner) || outputPositions.containsKey(inner);
    }

    /** All values of a node of the body along a leading axis. */
    private Part stack(Node inner) {
        Node leaf = given.getOrDefault(inner, inner);
        if (slices.containsKey(leaf)) {
            return loop -> slices.get(leaf);
        }
        int position = outputPositions.computeIfAbsent(inner, made -> {
            outputs.add(made);
            return outputs.size() - 1;
        });
        return loop -> loop.output(carries.size() + position);
    }

    private Node[] assemble(Part[] parts) {
        List<Node> scanned = sliceOrder.stream().map(slices::get).toList();
        ScanOps.Outcome made = new ScanOps.Outcome(newCarries, outputs);
        ScanOps.Parts iteration = new ScanOps.Parts(carries, sliceOrder, made, given, captured, 0);
        Node loop = ScanOps.loop(iteration, firstCarries, scanned, scan.length(), !scan.reverse());
        Node[] result = new Node[parts.length];
        for (int i = 0; i < parts.length; i++) {
            result[i] = parts[i] == null ? null : parts[i].of(loop);
        }
        return result;
    }
}

package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Sums of products over labeled axes, as pairwise batched matrix products.
 *
 * @param node the operand
 * @param labels of its axes, all different
 */
record Contraction(Node node, List<Integer> labels) {
    Contraction {
        labels = List.copyOf(labels);
    }

    /**
     * The operands multiplied, summed over every label that {@code result} lacks, with axes in its order. Of all pairs
     * the one is multiplied next whose result outgrows its operands least; of those that are equal, the cheapest.
     */
    static Node contract(List<Contraction> operands, List<Integer> result) {
        List<Contraction> rest = new ArrayList<>(operands);
        while (rest.size() > 1) {
            int[] pair = cheapest(rest, result);
            Contraction second = rest.remove(pair[1]);
            Contraction first = rest.remove(pair[0]);
            Set<Integer> kept = kept(rest, result);
            // The product takes the place of its first operand, so that equal choices do not depend on the order.
            rest.add(pair[0], multiply(first.summedTo(kept, second.labels), second.summedTo(kept, first.labels), kept));
        }
        return rest.getFirst().summedTo(new HashSet<>(result), List.of()).permuted(result);
    }

    private static Set<Integer> kept(List<Contraction> others, List<Integer> result) {
        Set<Integer> kept = new HashSet<>(result);
        others.forEach(other -> kept.addAll(other.labels));
        return kept;
    }

    private static int[] cheapest(List<Contraction> operands, List<Integer> result) {
        int[] best = {0, 1};
        double leastGrowth = Double.POSITIVE_INFINITY;
        double leastWork = Double.POSITIVE_INFINITY;
        for (int i = 0; i < operands.size(); i++) {
            for (int j = i + 1; j < operands.size(); j++) {
                List<Contraction> others = new ArrayList<>(operands);
                others.remove(j);
                others.remove(i);
                Set<Integer> kept = kept(others, result);
                double size = 1;
                double work = 1;
                Contraction first = operands.get(i);
                Contraction second = operands.get(j);
                Set<Integer> all = new HashSet<>(first.labels);
                all.addAll(second.labels);
                for (int label : all) {
                    long extent = first.labels.contains(label) ? first.extent(label) : second.extent(label);
                    work *= extent;
                    size *= kept.contains(label) ? extent : 1;
                }
                double growth = size - first.node.shape().elements() - second.node.shape().elements();
                if (growth < leastGrowth || growth == leastGrowth && work < leastWork) {
                    best = new int[] {i, j};
                    leastGrowth = growth;
                    leastWork = work;
                }
            }
        }
        return best;
    }

    private long extent(int label) {
        return node.shape().extent(labels.indexOf(label));
    }

    /** Summed over what neither {@code kept} nor {@code also} names. */
    private Contraction summedTo(Set<Integer> kept, Collection<Integer> also) {
        List<Integer> axes = new ArrayList<>();
        List<Integer> left = new ArrayList<>();
        for (int axis = 0; axis < labels.size(); axis++) {
            int label = labels.get(axis);
            if (kept.contains(label) || also.contains(label)) {
                left.add(label);
            } else {
                axes.add(axis);
            }
        }
        return axes.isEmpty() ? this : new Contraction(reduce(ReduceOp.SUM, node, axes), left);
    }

    /** With axes in the order of {@code order}, which holds the same labels. */
    private Node permuted(List<Integer> order) {
        return permute(node, order.stream().mapToInt(labels::indexOf).toArray());
    }

    /** {@code (batch..., left, right)}; what is in both but not kept is summed. */
    private static Contraction multiply(Contraction a, Contraction b, Set<Integer> kept) {
        List<Integer> batch = new ArrayList<>();
        List<Integer> summed = new ArrayList<>();
        List<Integer> left = new ArrayList<>();
        List<Integer> right = new ArrayList<>();
        for (int label : a.labels) {
            (!b.labels.contains(label) ? left : kept.contains(label) ? batch : summed).add(label);
        }
        for (int label : b.labels) {
            if (!a.labels.contains(label)) {
                right.add(label);
            }
        }
        List<Integer> labels = joined(batch, left, right);
        long[] extents = new long[labels.size()];
        Arrays.setAll(extents, i -> (a.labels.contains(labels.get(i)) ? a : b).extent(labels.get(i)));
        Shape shape = Shape.of(extents);
        boolean isElementwise = summed.isEmpty() || left.isEmpty() && right.isEmpty();
        Node product = isElementwise ? elementwise(a, b, batch, summed, left, right)
            : matmul(a.grouped(batch, left, summed), b.grouped(batch, summed, right));
        return new Contraction(reshape(product, shape), labels);
    }

    private static List<Integer> joined(List<Integer> first, List<Integer> second, List<Integer> third) {
        return Stream.of(first, second, third).flatMap(List::stream).toList();
    }

    /** A product without a sum, or a dot product for each element of a batch: neither is work for matrices. */
    private static Node elementwise(Contraction a, Contraction b, List<Integer> batch, List<Integer> summed,
        List<Integer> left, List<Integer> right) {
        Node x = a.permuted(joined(batch, left, summed));
        Node y = b.permuted(joined(batch, right, summed));
        long[] extents = new long[x.shape().rank() + right.size()];
        Arrays.fill(extents, 1);
        System.arraycopy(x.shape().toArray(), 0, extents, 0, batch.size() + left.size());
        for (int i = 0; i < summed.size(); i++) {
            extents[extents.length - summed.size() + i] = a.extent(summed.get(i));
        }
        Node stretched = reshape(x, Shape.of(extents));
        for (int i = 0; i < left.size(); i++) {
            extents[batch.size() + i] = 1;
        }
        for (int i = 0; i < right.size(); i++) {
            extents[batch.size() + left.size() + i] = b.extent(right.get(i));
        }
        Node other = reshape(y, Shape.of(extents));
        if (summed.isEmpty()) {
            return mul(stretched, other);
        }
        DType dtype = DType.promote(a.node.dtype(), b.node.dtype());
        List<Integer> axes = new ArrayList<>();
        for (int axis = batch.size(); axis < extents.length; axis++) {
            axes.add(axis);
        }
        return cast(reduce(ReduceOp.SUM, mul(widen(stretched), widen(other)), axes), dtype);
    }

    /** As matrices: batch axes, then all of {@code rows} in one axis and all of {@code columns} in one. */
    private Node grouped(List<Integer> batch, List<Integer> rows, List<Integer> columns) {
        Node ordered = permuted(joined(batch, rows, columns));
        long[] extents = Arrays.copyOf(ordered.shape().toArray(), batch.size() + 2);
        extents[batch.size()] = rows.stream().mapToLong(this::extent).reduce(1, (x, y) -> x * y);
        extents[batch.size() + 1] = columns.stream().mapToLong(this::extent).reduce(1, (x, y) -> x * y);
        return reshape(ordered, Shape.of(extents));
    }

    /**
     * An operand whose axes may share labels: it is restricted to where their indices are equal. An axis of extent 1
     * whose label is longer elsewhere broadcasts: it is dropped.
     *
     * @param extents of all labels
     */
    static Contraction of(Node node, List<Integer> labels, Map<Integer, Long> extents) {
        Node rest = node;
        List<Integer> names = new ArrayList<>(labels);
        for (int axis = names.size() - 1; axis >= 0; axis--) {
            if (rest.shape().extent(axis) == 1 && extents.get(names.get(axis)) != 1) {
                rest = reshape(rest, rest.shape().without(axis));
                names.remove(axis);
            }
        }
        for (int axis = names.size() - 1; axis >= 0; axis--) {
            int first = names.indexOf(names.get(axis));
            if (first < axis) {
                rest = diagonal(rest, first, axis);
                names.remove(axis);
            }
        }
        return new Contraction(rest, names);
    }

    /** Elements whose indices along two axes, of one extent, are equal: the second axis is gone. */
    static Node diagonal(Node x, int first, int second) {
        int rank = x.shape().rank();
        long extent = x.shape().extent(first);
        int[] order = new int[rank];
        int next = 0;
        for (int axis = 0; axis < rank; axis++) {
            if (axis != first && axis != second) {
                order[next++] = axis;
            }
        }
        order[next] = first;
        order[next + 1] = second;
        Node last = permute(x, order);
        long[] flat = Arrays.copyOf(last.shape().toArray(), rank - 1);
        flat[rank - 2] = extent * extent;
        Long[] steps = new Long[rank - 1];
        Arrays.fill(steps, 1L);
        steps[rank - 2] = extent + 1;
        Shape shape = Shape.of(flat).with(rank - 2, extent);
        Node line = slice(reshape(last, Shape.of(flat)), Op.longs(new long[rank - 1]), List.of(steps), shape);
        int[] back = new int[rank - 1];
        next = 0;
        for (int axis = 0; axis < rank - 1; axis++) {
            back[axis] = axis == first ? rank - 2 : next++;
        }
        return permute(line, back);
    }
}

package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Running results along an axis. Their decompositions take ceil(log2 n) steps over all elements (Hillis and Steele,
 * "Data parallel algorithms", 1986); kernels take one pass.
 */
public sealed interface CumulativeOp extends Op.Fused {
    /** What element i of the result is, of elements 0 to i. */
    enum Function {
        /** 16-bit types accumulate in {@code F32}; integers wrap. */
        SUM("cumsum"),
        /** 16-bit types multiply in {@code F32}; integers wrap. */
        PROD("cumprod"),
        /** The index, {@code I64}, of the last largest one; the last NaN where there is one. */
        ARGMAX("cumargmax"),
        /** The index, {@code I64}, of the last smallest one; the last NaN where there is one. */
        ARGMIN("cumargmin");

        private final String text;

        Function(String text) {
            this.text = text;
        }

        public String text() {
            return text;
        }

        /** Whether the result is an index. */
        public boolean isIndex() {
            return switch (this) {
                case SUM, PROD -> false;
                case ARGMAX, ARGMIN -> true;
            };
        }
    }

    /** {@code y[i] = function(x[0], ..., x[i])} along {@code axis}. */
    record Cumulative(Function function, int axis) implements CumulativeOp {
        @Override
        public String name() {
            return function.text();
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            TensorType x = inputs.getFirst();
            return List.of(function.isIndex() ? new TensorType(DType.I64, x.shape()) : x);
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return alongLeadingAxes(new Cumulative(function, axis + 1), inputs, mapped, extent);
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node x = inputs.getFirst();
            return new Node[] {switch (function) {
                case SUM -> cast(scan(axis, new Node[] {widen(x)},
                    (earlier, later) -> new Node[] {add(earlier[0], later[0])})[0], x.dtype());
                case PROD -> cast(scan(axis, new Node[] {widen(x)},
                    (earlier, later) -> new Node[] {mul(earlier[0], later[0])})[0], x.dtype());
                case ARGMAX, ARGMIN -> {
                    long[] line = new long[x.shape().rank()];
                    Arrays.fill(line, 1);
                    line[axis] = x.shape().extent(axis);
                    Node index = reshape(iota(DType.I64, line[axis]), Shape.of(line));
                    yield scan(axis, new Node[] {x, broadcastTo(index, x.shape())}, this::better)[1];
                }
            }};
        }

        private Node[] better(Node[] earlier, Node[] later) {
            BinaryOp notWorse = function == Function.ARGMAX ? BinaryOp.GREATER_OR_EQUAL : BinaryOp.LESS_OR_EQUAL;
            Node takesLater = binary(notWorse, later[0], earlier[0]);
            if (later[0].dtype().isFloating()) {
                takesLater = binary(BinaryOp.OR, takesLater, unary(UnaryOp.IS_NAN, later[0]));
            }
            return new Node[] {where(takesLater, later[0], earlier[0]), where(takesLater, later[1], earlier[1])};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[] {switch (function) {
                case SUM -> flip(fused(this, flip(cotangents[0], axis)), axis);
                case PROD -> {
                    // dx_i = x_0 ... x_(i-1) s_i  with  s_i = dy_i + x_(i+1) s_(i+1): right for factors of 0 too.
                    Node x = widen(node.input(0));
                    Node reversed = flip(x, axis);
                    Node sums = fused(new LinearRecurrence(axis), shifted(reversed, axis, reversed),
                        flip(widen(cotangents[0]), axis));
                    Node before = shifted(fused(this, x), axis, onesLike(x));
                    yield cast(mul(before, flip(sums, axis)), node.dtype());
                }
                case ARGMAX, ARGMIN -> null;
            }};
        }
    }

    /**
     * {@code h[0] = b[0], h[i] = a[i] h[i - 1] + b[i]} along {@code axis}; a[0] is not read. Inputs: a and b, of one
     * shape and floating dtype. 16-bit types are computed in {@code F32}.
     */
    record LinearRecurrence(int axis) implements CumulativeOp {
        @Override
        public String name() {
            return "linearRecurrence";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return List.of(inputs.getFirst());
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return alongLeadingAxes(new LinearRecurrence(axis + 1), inputs, mapped, extent);
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node a = widen(inputs.get(0));
            Node b = widen(inputs.get(1));
            // Applying (a1, b1), then (a2, b2): a2 (a1 h + b1) + b2
            Node[] composed = scan(axis, new Node[] {a, b}, (earlier, later) -> new Node[] {
                mul(later[0], earlier[0]), add(mul(later[0], earlier[1]), later[1])});
            return new Node[] {cast(composed[1], inputs.getFirst().dtype())};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            // g_i = dh_i + a_(i+1) g_(i+1);  db = g;  da_i = g_i h_(i-1)
            Node reversed = flip(node.input(0), axis);
            Node sums = flip(fused(this, shifted(reversed, axis, reversed), flip(cotangents[0], axis)), axis);
            return new Node[] {mul(sums, shifted(node, axis, zerosLike(node))), sums};
        }
    }

    /** An associative function of the lines of several tensors. */
    @FunctionalInterface
    interface Combine {
        Node[] apply(Node[] earlier, Node[] later);
    }

    /** All prefixes of the lines along {@code axis}, folded by an associative function. */
    private static Node[] scan(int axis, Node[] lines, Combine combine) {
        long extent = lines[0].shape().extent(axis);
        Node[] folded = lines;
        for (long distance = 1; distance < extent; distance *= 2) {
            Node[] earlier = new Node[lines.length];
            Node[] later = new Node[lines.length];
            for (int i = 0; i < lines.length; i++) {
                earlier[i] = slice(folded[i], axis, 0, extent - distance);
                later[i] = slice(folded[i], axis, distance, extent);
            }
            Node[] combined = combine.apply(earlier, later);
            for (int i = 0; i < lines.length; i++) {
                combined[i] = concat(axis, List.of(slice(folded[i], axis, 0, distance), combined[i]));
            }
            folded = combined;
        }
        return folded;
    }

    /** Element i - 1 of x at i; at 0, that of {@code first}. */
    private static Node shifted(Node x, int axis, Node first) {
        long extent = x.shape().extent(axis);
        return extent == 0 ? x
            : concat(axis, List.of(slice(first, axis, 0, 1), slice(x, axis, 0, extent - 1)));
    }

    /** See {@link Function}. */
    static Node cumulative(Function function, Node x, int axis) {
        return Ops.fused(new Cumulative(function, axis), x);
    }

    /** Stable for any x: each step is {@link ComposedOp#LOG_ADD_EXP}. */
    static Node logCumSumExp(Node x, int axis) {
        return cast(scan(axis, new Node[] {widen(x)}, (earlier, later) ->
            new Node[] {ComposedOp.apply(ComposedOp.LOG_ADD_EXP, earlier[0], later[0])})[0], x.dtype());
    }

    /**
     * For each element the product of all others along {@code axes} (ascending): of those before it and of those behind
     * it, so that zeros do no harm.
     */
    static Node productOfOthers(Node x, List<Integer> axes) {
        List<Integer> order = new ArrayList<>();
        for (int axis = 0; axis < x.shape().rank(); axis++) {
            if (!axes.contains(axis)) {
                order.add(axis);
            }
        }
        int last = order.size();
        order.addAll(axes);
        Node moved = permute(widen(x), order.stream().mapToInt(Integer::intValue).toArray());
        long[] extents = Arrays.copyOf(moved.shape().toArray(), last + 1);
        extents[last] = 1;
        for (int axis : axes) {
            extents[last] *= x.shape().extent(axis);
        }
        Node line = reshape(moved, Shape.of(extents));
        Node ones = onesLike(line);
        Node before = shifted(cumulative(Function.PROD, line, last), last, ones);
        Node behind = flip(shifted(cumulative(Function.PROD, flip(line, last), last), last, ones), last);
        int[] inverse = new int[order.size()];
        for (int i = 0; i < inverse.length; i++) {
            inverse[order.get(i)] = i;
        }
        return cast(permute(reshape(mul(before, behind), moved.shape()), inverse), x.dtype());
    }
}

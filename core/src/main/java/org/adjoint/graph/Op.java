package org.adjoint.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * What a node computes. A closed set: a {@code switch} over it has no {@code default}, so that the compiler lists what
 * a new operation still lacks.
 *
 * <p>An operation's attributes are part of its identity: two nodes with equal operations and the same inputs mean the
 * same. Arguments are valid by construction, for {@link Ops} checked them; in the gradient rules, {@code dy} is the
 * cotangent of the result and has its shape and dtype.
 */
public sealed interface Op {
    /** The field's name, as messages and plans print it. */
    String name();

    /**
     * Cotangents of the inputs, null where there is none (integers, indices, derivatives that are zero everywhere).
     *
     * @param node the application, for its inputs and results
     * @param cotangents one per result, null for a result that nothing depends on
     * @return one per input; or null, from two operations alone: differentiate a {@link Fused} one's decomposition, and
     *     a {@link Scan}'s body
     */
    Node[] gradient(Node node, Node[] cotangents);

    /**
     * An input whose elements are checked when the operation runs.
     *
     * @param input its position
     * @param axis the axis of input 0 that it holds indices of; -1 where it is the start of a window
     */
    record Indices(int input, int axis) { }

    /** What is checked when it runs, or null where nothing has to be. */
    default Indices indices() {
        return null;
    }

    /** A value from outside the graph, bound by the runtime: data, a variable, an argument of a traced function. */
    record Leaf() implements Op {
        @Override
        public String name() {
            return "leaf";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[0];
        }
    }

    /**
     * A scalar known when the graph is built. Its value is an argument of compiled kernels, never a part of them.
     *
     * @param bits {@link Double#doubleToRawLongBits} of a floating value already rounded to the dtype; else the integer
     */
    record Constant(long bits) implements Op {
        @Override
        public String name() {
            return "constant";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[0];
        }
    }

    /** 0, 1, 2, ... along the only axis. */
    record Iota() implements Op {
        @Override
        public String name() {
            return "iota";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[0];
        }
    }

    /**
     * 32 random bits per element, as {@code I32}: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1,
     * 2, 3", SC11) with the key taken from the seed and the counter from element index / 4, stream and run; element i
     * takes word i % 4. Inputs: state {@code i64(2)} = (seed, run), stream {@code i64()}.
     */
    record RandomBits() implements Op {
        @Override
        public String name() {
            return "randomBits";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[2];
        }
    }

    /** An elementwise function of one tensor. */
    record Unary(UnaryOp function) implements Op {
        @Override
        public String name() {
            return function.text();
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[] {function.gradient(node.input(0), node, cotangents[0])};
        }
    }

    /** An elementwise function of two tensors of equal shape and dtype. */
    record Binary(BinaryOp function) implements Op {
        @Override
        public String name() {
            return function.text();
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node a = node.input(0);
            Node b = node.input(1);
            return new Node[] {
                function.gradientA(a, b, node, cotangents[0]), function.gradientB(a, b, node, cotangents[0])};
        }
    }

    /** {@code condition ? a : b}, elementwise; all three have one shape, a and b one dtype. */
    record Where() implements Op {
        @Override
        public String name() {
            return "where";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node condition = node.input(0);
            Node dy = cotangents[0];
            Node zero = Ops.zerosLike(dy);
            return new Node[] {null, Ops.where(condition, dy, zero), Ops.where(condition, zero, dy)};
        }
    }

    /** Conversion; {@link org.adjoint.plan.Instruction.Cast} says how values convert. */
    record Cast(DType target) implements Op {
        @Override
        public String name() {
            return "cast";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            DType source = node.input(0).dtype();
            return new Node[] {source.isFloating() ? Ops.cast(cotangents[0], source) : null};
        }
    }

    /** Folds the axes, ascending, and drops them. */
    record Reduce(ReduceOp function, List<Integer> axes) implements Op {
        @Override
        public String name() {
            return function.text();
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node x = node.input(0);
            Node dy = Ops.expandReduced(cotangents[0], x.shape(), axes);
            return new Node[] {switch (function) {
                case SUM -> dy;
                case MAX, MIN -> {
                    // Elements that tie share the cotangent evenly, as in JAX and in PyTorch's amax. They are counted
                    // in F32 at least: F16 ends at 65504.
                    Node hit = Ops.cast(Ops.equal(x, Ops.expandReduced(Ops.extremum(node), x.shape(), axes)),
                        x.dtype().computeType());
                    Node ties = Ops.expandReduced(Ops.reduce(ReduceOp.SUM, hit, axes), x.shape(), axes);
                    yield Ops.cast(Ops.mul(Ops.widen(dy), Ops.div(hit, ties)), x.dtype());
                }
                case PROD -> Ops.mul(dy, CumulativeOp.productOfOthers(x, axes));
            }};
        }
    }

    /** The index, {@code I64}, of the first largest (or smallest) element along an axis; the first NaN wins. */
    record ArgReduce(boolean largest, int axis) implements Op {
        @Override
        public String name() {
            return largest ? "argmax" : "argmin";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[1];
        }
    }

    /**
     * The indices, {@code I64}, that sort each line along an axis; equal elements stay in order. NaN counts as greater
     * than all numbers, -0 as equal to 0, as in PyTorch.
     */
    record ArgSort(int axis, boolean descending) implements Op {
        @Override
        public String name() {
            return "argsort";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[1];
        }
    }

    /** The same elements in row-major order under another shape. */
    record Reshape(Shape shape) implements Op {
        @Override
        public String name() {
            return "reshape";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[] {Ops.reshape(cotangents[0], node.input(0).shape())};
        }
    }

    /** Axis i of the result is axis {@code axes[i]} of the input. */
    record Permute(List<Integer> axes) implements Op {
        @Override
        public String name() {
            return "permute";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            int[] inverse = new int[axes.size()];
            for (int i = 0; i < inverse.length; i++) {
                inverse[axes.get(i)] = i;
            }
            return new Node[] {Ops.permute(cotangents[0], inverse)};
        }
    }

    /** Repeats axes of extent 1; the input has the rank of the result. */
    record Expand(Shape shape) implements Op {
        @Override
        public String name() {
            return "expand";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Shape source = node.input(0).shape();
            List<Integer> axes = new ArrayList<>();
            for (int axis = 0; axis < source.rank(); axis++) {
                if (source.extent(axis) != shape.extent(axis)) {
                    axes.add(axis);
                }
            }
            return new Node[] {Ops.reshape(Ops.reduce(ReduceOp.SUM, cotangents[0], axes), source)};
        }
    }

    /** Element i of an axis of the result is element {@code start + i * step} of the input; steps are not 0. */
    record Slice(List<Long> starts, List<Long> steps, Shape shape) implements Op {
        @Override
        public String name() {
            return "slice";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Shape source = node.input(0).shape();
            long[] low = new long[source.rank()];
            long[] interior = new long[source.rank()];
            List<Integer> flipped = new ArrayList<>();
            for (int axis = 0; axis < low.length; axis++) {
                long step = steps.get(axis);
                long last = starts.get(axis) + (shape.extent(axis) - 1) * step;
                low[axis] = step > 0 ? starts.get(axis) : Math.max(last, 0);
                interior[axis] = Math.abs(step) - 1;
                if (step < 0) {
                    flipped.add(axis);
                }
            }
            Node dy = Ops.flip(cotangents[0], flipped.stream().mapToInt(Integer::intValue).toArray());
            return new Node[] {Ops.pad(dy, low, interior, source, Ops.zeroOf(dy.dtype()))};
        }
    }

    /**
     * Windows of {@code size} elements, {@code dilation} apart, that begin every {@code step} elements of an axis: the
     * axis becomes their number, a last axis is added for the place within a window. Windows may overlap.
     */
    record Windows(int axis, long size, long step, long dilation) implements Op {
        @Override
        public String name() {
            return "windows";
        }

        /** How many whole windows an axis of {@code extent} has. */
        long count(long extent) {
            // Beyond 2^63 a window is longer than any axis.
            boolean countable = size - 1 <= (Long.MAX_VALUE - 1) / dilation;
            long span = countable ? (size - 1) * dilation + 1 : Long.MAX_VALUE;
            return extent < span || !countable ? 0 : (extent - span) / step + 1;
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node sum = Ops.addWindows(Ops.widen(cotangents[0]), this, node.input(0).shape());
            return new Node[] {Ops.cast(sum, node.input(0).dtype())};
        }
    }

    /**
     * Puts element i of an axis at {@code low + i * (interior + 1)} of the result; the rest takes the value of the
     * second input, a scalar.
     */
    record Pad(List<Long> low, List<Long> interior, Shape shape) implements Op {
        @Override
        public String name() {
            return "pad";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            List<Long> steps = interior.stream().map(gap -> gap + 1).toList();
            Node dx = Ops.slice(cotangents[0], low, steps, node.input(0).shape());
            return new Node[] {dx, Ops.sub(Ops.sum(cotangents[0]), Ops.sum(dx))};
        }
    }

    /** Joins tensors that differ at most along {@code axis}. */
    record Concat(int axis) implements Op {
        @Override
        public String name() {
            return "concat";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node[] result = new Node[node.inputs().size()];
            long start = 0;
            for (int i = 0; i < result.length; i++) {
                long end = start + node.input(i).shape().extent(axis);
                result[i] = Ops.slice(cotangents[0], axis, start, end);
                start = end;
            }
            return result;
        }
    }

    /** {@code (batch..., m, k) . (batch..., k, n) -> (batch..., m, n)}, equal batch axes. */
    record MatMul() implements Op {
        @Override
        public String name() {
            return "matmul";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node a = node.input(0);
            Node b = node.input(1);
            Node dy = cotangents[0];
            // da (m, k) = dy (m, n) . b^T (n, k);  db (k, n) = a^T (k, m) . dy (m, n)
            return new Node[] {productLike(a, dy, Ops.transpose(b)), productLike(b, Ops.transpose(a), dy)};
        }

        /** {@code x . y}; where the operand is a transposed tensor, in that tensor's layout, transposed like it. */
        private static Node productLike(Node operand, Node x, Node y) {
            return isTransposed(operand) ? Ops.transpose(Ops.matmul(Ops.transpose(y), Ops.transpose(x)))
                : Ops.matmul(x, y);
        }

        private static boolean isTransposed(Node x) {
            int last = x.shape().rank() - 1;
            return x.op() instanceof Permute permute && permute.axes().get(last) == last - 1
                && permute.axes().get(last - 1) == last;
        }
    }

    /**
     * {@code y[..., i, ...] = x[..., indices[..., i, ...], ...]} along {@code axis}, as PyTorch's gather: indices
     * ({@code I32} or {@code I64}) have x's rank, the result the shape of the indices; along the other axes indices
     * extend no further than x. An index outside [0, extent) is an error at run time.
     *
     * @param name of the operation that was asked for, which the error names
     */
    record Gather(int axis, String name) implements Op {
        public Gather(int axis) {
            this(axis, "gather");
        }

        @Override
        public Indices indices() {
            return new Indices(1, axis);
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node zeros = Ops.zerosLike(node.input(0));
            // Under the name of what was asked for: where only the gradient is computed, it finds a bad index.
            String asked = name.equals("gather") ? "scatterAdd" : name;
            return new Node[] {Ops.node(new ScatterAdd(axis, asked), zeros.dtype(), zeros.shape(), zeros, node.input(1),
                cotangents[0]), null};
        }
    }

    /**
     * A copy of x to which, at {@code indices} along {@code axis}, updates are added in row-major order of the indices:
     * the adjoint of {@link Gather}. Inputs: x, indices, updates (shaped like the indices).
     *
     * @param name of the operation that was asked for, which an index error names
     */
    record ScatterAdd(int axis, String name) implements Op {
        public ScatterAdd(int axis) {
            this(axis, "scatterAdd");
        }

        @Override
        public Indices indices() {
            return new Indices(1, axis);
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[] {cotangents[0], null, IndexingOps.gather(cotangents[0], axis, node.input(1))};
        }
    }

    /**
     * A copy of x with the elements at {@code indices} along {@code axis} replaced by updates; where several indices
     * are equal, the last in row-major order wins. Inputs: x, indices, updates (shaped like the indices).
     */
    record Scatter(int axis) implements Op {
        @Override
        public String name() {
            return "scatter";
        }

        @Override
        public Indices indices() {
            return new Indices(1, axis);
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node dy = cotangents[0];
            Node indices = node.input(1);
            Node zeros = Ops.full(dy.dtype(), indices.shape(), 0);
            // Updates that share a destination differ in their place along the axis alone: the winner's is left there.
            Node place = IndexingOps.along(axis, indices.shape());
            Node nobody = Ops.full(DType.I64, dy.shape(), -1);
            Node winners = IndexingOps.gather(IndexingOps.scatter(nobody, axis, indices, place), axis, indices);
            Node picked = IndexingOps.gather(dy, axis, indices);
            return new Node[] {IndexingOps.scatter(dy, axis, indices, zeros), null,
                Ops.where(Ops.equal(winners, place), picked, zeros)};
        }
    }

    /** A window of x, of this shape, that begins at {@code starts}, an {@code i64(rank)}; it must lie inside x. */
    record DynamicSlice(Shape shape) implements Op {
        @Override
        public String name() {
            return "dynamicSlice";
        }

        @Override
        public Indices indices() {
            return new Indices(1, -1);
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node zeros = Ops.zerosLike(node.input(0));
            return new Node[] {IndexingOps.dynamicUpdateSlice(zeros, cotangents[0], node.input(1)), null};
        }
    }

    /** x with the window that begins at {@code starts} replaced. Inputs: x, update, starts {@code i64(rank)}. */
    record DynamicUpdateSlice() implements Op {
        @Override
        public String name() {
            return "dynamicUpdateSlice";
        }

        @Override
        public Indices indices() {
            return new Indices(2, -1);
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node dy = cotangents[0];
            Node starts = node.input(2);
            Shape window = node.input(1).shape();
            Node cleared = IndexingOps.dynamicUpdateSlice(dy, Ops.full(dy.dtype(), window, 0), starts);
            return new Node[] {cleared, IndexingOps.dynamicSlice(dy, starts, window), null};
        }
    }

    /** The identity, whose derivative is zero. */
    record StopGradient() implements Op {
        @Override
        public String name() {
            return "stopGradient";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[1];
        }
    }

    /**
     * The first {@code values} inputs as they are, with a derivative of their own: the cotangents that {@code rule}
     * gives go to the other inputs, those from which the first were computed, and nothing goes through the first.
     *
     * <p>Equality leaves the rule out: what is computed does not depend on it.
     *
     * @param label what messages call it
     */
    record WithGradient(String label, int values, Rule rule) implements Op {
        /** Cotangents of inputs. */
        @FunctionalInterface
        public interface Rule {
            /**
             * @param inputs those that are differentiated for
             * @param outputs the results
             * @param cotangents one per result, null for a result that nothing depends on
             * @return one per input, null where there is none
             */
            Node[] apply(List<Node> inputs, List<Node> outputs, Node[] cotangents);
        }

        @Override
        public String name() {
            return label;
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            List<Node> inputs = node.inputs().subList(values, node.inputs().size());
            List<Node> outputs = IntStream.range(0, values).mapToObj(node::output).toList();
            Node[] found = rule.apply(inputs, outputs, cotangents);
            Node[] all = new Node[node.inputs().size()];
            System.arraycopy(found, 0, all, values, found.length);
            return all;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof WithGradient op && label.equals(op.label) && values == op.values;
        }

        @Override
        public int hashCode() {
            return Objects.hash(label, values);
        }
    }

    /**
     * The first input, for readers that run when the others have been computed, and are not merged with its other
     * readers: what is computed from it is computed again. Costs nothing itself.
     */
    record Barrier() implements Op {
        @Override
        public String name() {
            return "barrier";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node[] gradients = new Node[node.inputs().size()];
            gradients[0] = cotangents[0];
            return gradients;
        }
    }

    /** Result {@code index} of an operation that has several. */
    record Project(int index) implements Op {
        @Override
        public String name() {
            return "result " + index;
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            throw new IllegalStateException("a projection's cotangent belongs to the node it projects");
        }
    }

    /**
     * Runs a body {@code length} times, at least once. Each iteration gets what the one before made of the carries and
     * one slice of each scanned tensor, the last first if {@code reverse}, and makes new carries and outputs.
     *
     * <p>Inputs: the first carries, the scanned tensors {@code (length, slice...)}, what the body captures; the
     * body's leaves stand for these in this order. Results: the last carries, then each further result of the body,
     * stacked along a leading axis where the slices of its iteration lie. The stacked results end with those that
     * nobody asked for, which the gradient needs: new carries, and what is dear to compute again. The planner drops
     * what is not read.
     *
     * @param body its first {@code carries} results are the new carries
     */
    record Scan(Body body, int carries, int slices, long length, boolean reverse) implements Op {
        @Override
        public String name() {
            return "scan";
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return null;
        }
    }

    /** An operation defined by its decomposition into simpler ones, which a backend may have a kernel for. */
    sealed interface Fused extends Op permits FusedOp.Softmax, FusedOp.SoftmaxGradient, FusedOp.LogSoftmax,
        FusedOp.LogSoftmaxGradient, FusedOp.CrossEntropy, FusedOp.LayerNorm, FusedOp.LayerNormGradient,
        FusedOp.RmsNorm, FusedOp.RmsNormGradient, FusedOp.Attention, FusedOp.AttentionGradient, FusedOp.AdamWUpdate,
        GeneralConvolution, MatrixOp, Composition, CumulativeOp, SearchSorted {

        /** Types of the results. */
        List<TensorType> infer(List<TensorType> inputs);

        /** The meaning: nodes for each result. 16-bit inputs are widened, results rounded once. */
        Node[] decompose(List<Node> inputs);

        /** Input whose memory result {@code index} may overwrite, or -1. */
        default int inPlace(int index) {
            return -1;
        }

        /**
         * Mapped over an axis that some of the inputs have in front of the axes they would have.
         *
         * @param mapped which inputs have it
         * @param extent of that axis
         * @return each result with that axis in front; or null: map the decomposition
         */
        default List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return null;
        }

        @Override
        default Node[] gradient(Node node, Node[] cotangents) {
            return null;
        }
    }

    /**
     * A fused operation that no backend has a kernel for, as a kernel would gain nothing: it is there for its name and
     * its derivative.
     */
    sealed interface Composition extends Fused permits ComposedOp.Composed, Standardize, MaxPooling,
        ScatterExtremum { }

    /** Shorthand for the attribute lists of operations. */
    static List<Long> longs(long... values) {
        return Arrays.stream(values).boxed().toList();
    }

    /** Shorthand for the attribute lists of operations. */
    static List<Integer> ints(int... values) {
        return Arrays.stream(values).boxed().toList();
    }
}

package org.adjoint.plan;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.IndexingOps;
import org.adjoint.graph.NeuralOps;
import org.adjoint.graph.Node;
import org.adjoint.graph.NormalizationOps;
import org.adjoint.graph.Ops;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.ScanOps;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.adjoint.graph.UnaryOp;

/** A program of many operations on small tensors of quarters and integers, on which arithmetic is exact. */
final class RandomProgram {
    private static final long[] EXTENTS = {1, 2, 3, 4, 2, 3, 6, 0};
    private final boolean movesOnly;
    private final Random random;
    private final List<Node> pool = new ArrayList<>();
    final Map<Node, byte[]> leaves = new IdentityHashMap<>();
    final List<Node> results = new ArrayList<>();
    final List<Program.Store> stores = new ArrayList<>();

    RandomProgram(long seed, int size) {
        this(seed, size, false);
    }

    /** @param movesOnly whether there is nothing but movement, each of the result of the one before */
    RandomProgram(long seed, int size, boolean movesOnly) {
        this.movesOnly = movesOnly;
        random = new Random(seed);
        for (int i = 0; i < 4; i++) {
            addLeaf(new TensorType(random.nextInt(4) == 0 ? DType.I32 : DType.F64, shape()));
        }
        while (pool.size() < size) {
            Node node = next();
            if (node != null && node.shape().elements() <= 400) {
                pool.add(node);
            }
        }
        for (int i = 0; i < 3; i++) {
            results.add(pick());
        }
        results.add(pool.getLast());
        chooseStores();
    }

    Program program(boolean constantsKnown) {
        return Program.of(results, stores, List.of(), constantsKnown);
    }

    private Node addLeaf(TensorType type) {
        Node leaf = Ops.leaf(type);
        byte[] bytes = new byte[(int) type.bytes()];
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        for (long i = 0; i < type.shape().elements(); i++) {
            int value = random.nextInt(17) - 8;
            switch (type.dtype()) {
                case F64 -> buffer.putDouble(value / 4.0);
                case I32 -> buffer.putInt(value);
                case I64 -> buffer.putLong(value);
                case BOOL, U8, F16, BF16, F32 -> throw new IllegalArgumentException(type.toString());
            }
        }
        leaves.put(leaf, bytes);
        pool.add(leaf);
        return leaf;
    }

    private Shape shape() {
        long[] extents = new long[random.nextInt(5)];
        Arrays.setAll(extents, i -> EXTENTS[random.nextInt(random.nextInt(8) == 0 ? 8 : 7)]);
        return Shape.of(extents);
    }

    private Node pick() {
        // Late nodes more often, so that chains become long.
        int back = Math.min(random.nextInt(pool.size()), random.nextInt(pool.size()));
        return pool.get(pool.size() - 1 - (movesOnly ? 0 : back));
    }

    private Node number() {
        Node node = pick();
        return node.dtype().isBoolean() ? Ops.cast(node, DType.F64) : node;
    }

    /** A node of this shape: one that there is, or a constant. */
    private Node shaped(Shape shape, DType dtype) {
        List<Node> fitting = pool.stream().filter(node -> node.shape().broadcastsTo(shape) && node.dtype() == dtype)
            .toList();
        return fitting.isEmpty() || random.nextInt(5) == 0 ? Ops.full(dtype, shape, random.nextInt(5) - 2)
            : Ops.broadcastTo(fitting.get(random.nextInt(fitting.size())), shape);
    }

    private Node next() {
        Node x = number();
        Shape shape = x.shape();
        int rank = shape.rank();
        return switch (movesOnly ? 10 + random.nextInt(5) : random.nextInt(21)) {
            case 0 -> Ops.unary(random.nextBoolean() ? UnaryOp.NEG : UnaryOp.ABS, x);
            case 1, 2, 3 -> Ops.binary(one(BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MIN, BinaryOp.MAX), x,
                shaped(shape, x.dtype()));
            case 4 -> Ops.mul(Ops.binary(BinaryOp.REMAINDER, x, 4), random.nextInt(3) - 1);
            case 5 -> Ops.binary(one(BinaryOp.EQUAL, BinaryOp.LESS_THAN, BinaryOp.GREATER_OR_EQUAL), x,
                shaped(shape, x.dtype()));
            case 6 -> Ops.where(Ops.lessThan(x, shaped(shape, x.dtype())), x, shaped(shape, x.dtype()));
            case 7 -> Ops.cast(x, one(DType.F64, DType.I32, DType.I64, DType.F64));
            case 8, 9 -> reduce(x);
            case 10 -> Ops.reshape(x, reshaped(shape));
            case 11, 12 -> rank < 2 ? null : Ops.permute(x, permutation(rank));
            case 13 -> Ops.broadcastTo(x, expanded(shape));
            case 14 -> rank == 0 || rank > 3 || random.nextBoolean() ? slice(x) : windows(x);
            case 15 -> pad(x);
            case 16 -> rank == 0 ? null : concat(x, random.nextInt(rank));
            case 17 -> rank < 2 || x.dtype() != DType.F64 ? null : bounded(Ops.matmul(x, Ops.transpose(x)));
            case 18 -> indexed(x);
            case 19 -> rank == 0 || shape.extent(0) == 0 ? null : scan(x);
            default -> rank == 0 || shape.extent(rank - 1) == 0 || x.dtype() != DType.F64 ? null : quarters(
                random.nextBoolean() ? NeuralOps.softmax(x, -1) : NormalizationOps.layerNorm(x,
                    shaped(Shape.of(shape.extent(rank - 1)), DType.F64), shaped(Shape.of(shape.extent(rank - 1)),
                        DType.F64), 1e-5));
        };
    }

    @SafeVarargs
    private <T> T one(T... choices) {
        return choices[random.nextInt(choices.length)];
    }

    /** One of the results of a loop; sometimes another is there for others to read. */
    private Node scan(Node x) {
        Shape shape = x.shape().without(0);
        Node outside = shaped(shape, x.dtype());
        int kind = random.nextInt(4);
        ScanOps.Outcome all = ScanOps.scan(List.of(shaped(shape, x.dtype()), shaped(shape, x.dtype())), List.of(x), -1,
            random.nextBoolean(), (carries, slices, number) -> {
                Node slice = kind == 1 ? Ops.max(slices.get(0), outside) : slices.get(0);
                Node sum = bounded(Ops.add(carries.get(0), slice));
                Node other = kind == 0 ? carries.get(1) : kind == 3 ? sum : Ops.max(carries.get(1), carries.get(0));
                Node counted = Ops.binary(BinaryOp.REMAINDER, Ops.cast(Ops.add(number, 1), x.dtype()), 4);
                return new ScanOps.Outcome(List.of(sum, other), List.of(Ops.neg(other), sum, counted, outside));
            });
        List<Node> results = new ArrayList<>(all.carries());
        results.addAll(all.outputs());
        if (random.nextBoolean()) {
            pool.add(results.get(random.nextInt(results.size())));
        }
        return results.get(random.nextInt(results.size()));
    }

    private static Node bounded(Node x) {
        return Ops.binary(BinaryOp.REMAINDER, x, 8);
    }

    /** Sums in another order may differ in the last bits; this keeps what they agree on. */
    private static Node quarters(Node x) {
        return Ops.mul(Ops.unary(UnaryOp.FLOOR, Ops.add(Ops.mul(x, 4), 0.123456789)), 0.25);
    }

    private Node reduce(Node x) {
        List<Integer> axes = new ArrayList<>();
        for (int axis = 0; axis < x.shape().rank(); axis++) {
            if (random.nextBoolean()) {
                axes.add(axis);
            }
        }
        ReduceOp op = one(ReduceOp.SUM, ReduceOp.SUM, ReduceOp.MAX, ReduceOp.MIN);
        if (!NodeByNode.mayReduce(x.shape(), axes, op)) {
            return null;
        }
        Node reduced = bounded(Ops.reduce(op, x, axes));
        long[] kept = x.shape().toArray();
        axes.forEach(axis -> kept[axis] = 1);
        return random.nextBoolean() ? reduced : Ops.broadcastTo(Ops.reshape(reduced, Shape.of(kept)), x.shape());
    }

    private Shape reshaped(Shape shape) {
        long elements = shape.elements();
        if (elements == 0) {
            return random.nextBoolean() ? Shape.of(0, 3) : Shape.of(2, 0);
        }
        List<Long> extents = new ArrayList<>();
        while (elements > 1 && extents.size() < 3) {
            long factor = one(2L, 3L, 4L, 6L, 1L);
            if (elements % factor == 0) {
                extents.add(factor);
                elements /= factor;
            } else if (random.nextInt(3) == 0) {
                break;
            }
        }
        extents.add(elements);
        Collections.shuffle(extents, random);
        return Shape.of(extents.stream().mapToLong(Long::longValue).toArray());
    }

    private int[] permutation(int rank) {
        List<Integer> axes = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            axes.add(i);
        }
        Collections.shuffle(axes, random);
        return axes.stream().mapToInt(Integer::intValue).toArray();
    }

    private Shape expanded(Shape shape) {
        long[] extents = shape.toArray();
        for (int i = 0; i < extents.length; i++) {
            extents[i] = extents[i] == 1 && random.nextBoolean() ? one(2L, 3L) : extents[i];
        }
        if (extents.length < 4 && random.nextBoolean()) {
            long[] longer = new long[extents.length + 1];
            longer[0] = one(2L, 3L);
            System.arraycopy(extents, 0, longer, 1, extents.length);
            extents = longer;
        }
        return Shape.of(extents);
    }

    private Node slice(Node x) {
        Shape shape = x.shape();
        List<Long> starts = new ArrayList<>();
        List<Long> steps = new ArrayList<>();
        long[] extents = new long[shape.rank()];
        for (int axis = 0; axis < extents.length; axis++) {
            long extent = shape.extent(axis);
            long step = one(1L, 1L, 2L, -1L);
            long count = extent == 0 ? 0 : 1 + random.nextInt((int) ((extent - 1) / Math.abs(step)) + 1);
            long span = (count - 1) * Math.abs(step);
            long low = count == 0 ? 0 : random.nextInt((int) (extent - span));
            starts.add(step > 0 ? low : low + span);
            steps.add(step);
            extents[axis] = count;
        }
        return Ops.slice(x, starts, steps, Shape.of(extents));
    }

    private Node windows(Node x) {
        int axis = random.nextInt(x.shape().rank());
        long size = 1 + random.nextInt((int) Math.max(1, Math.min(3, x.shape().extent(axis))));
        long span = size == 1 ? 1 : (x.shape().extent(axis) - 1) / (size - 1);
        return Ops.windows(x, axis, size, one(1L, 1L, 2L, 3L), span > 1 && random.nextBoolean() ? 2 : 1);
    }

    private Node pad(Node x) {
        int rank = x.shape().rank();
        long[] low = new long[rank];
        long[] interior = new long[rank];
        long[] extents = x.shape().toArray();
        for (int axis = 0; axis < rank; axis++) {
            low[axis] = random.nextInt(3);
            interior[axis] = random.nextInt(3) == 0 ? 1 : 0;
            long covered = extents[axis] == 0 ? 0 : (extents[axis] - 1) * (interior[axis] + 1) + 1;
            extents[axis] = low[axis] + covered + random.nextInt(3);
        }
        Node value = random.nextBoolean() ? Ops.zeroOf(x.dtype())
            : Ops.reshape(Ops.slice(leafOf(x.dtype()), 0, 0, 1), Shape.SCALAR);
        return Ops.pad(x, low, interior, Shape.of(extents), value);
    }

    private Node leafOf(DType dtype) {
        return pool.stream().filter(node -> leaves.containsKey(node) && node.dtype() == dtype
            && node.shape().equals(Shape.of(2))).findFirst()
            .orElseGet(() -> addLeaf(new TensorType(dtype, Shape.of(2))));
    }

    private Node concat(Node x, int axis) {
        List<Node> parts = new ArrayList<>(List.of(x));
        while (random.nextInt(3) > 0 && parts.size() < 4) {
            Shape other = x.shape().with(axis, 1 + random.nextInt(2));
            parts.add(random.nextBoolean() ? Ops.neg(x) : shaped(other, x.dtype()));
        }
        return Ops.concat(axis, parts);
    }

    private Node indexed(Node x) {
        int rank = x.shape().rank();
        if (rank == 0 || x.shape().isEmpty()) {
            return null;
        }
        int axis = random.nextInt(rank);
        Node raw = Ops.cast(shaped(x.shape().with(axis, 1 + random.nextInt(3)), DType.F64), DType.I32);
        long extent = x.shape().extent(axis);
        Node indices = Ops.abs(Ops.binary(BinaryOp.REMAINDER, raw, extent));
        Node starts = Ops.full(DType.I64, Shape.of(rank), 0);
        return switch (random.nextInt(4)) {
            case 0 -> IndexingOps.gather(x, axis, indices);
            case 1 -> bounded(IndexingOps.scatterAdd(x, axis, indices, shaped(indices.shape(), x.dtype())));
            case 2 -> IndexingOps.dynamicSlice(x, starts, x.shape().with(axis, 1));
            default -> IndexingOps.dynamicUpdateSlice(x, shaped(x.shape().with(axis, 1), x.dtype()), starts);
        };
    }

    /** Every leaf of the first four gets a new value, if there is one of its type, at times that of another leaf. */
    private void chooseStores() {
        for (int i = 0; i < 4; i++) {
            Node leaf = pool.get(i);
            List<Node> fitting = pool.stream().filter(node -> node.type().equals(leaf.type())).toList();
            Node value = fitting.get(random.nextInt(fitting.size()));
            if (value == leaf && random.nextBoolean()) {
                value = random.nextBoolean() ? Ops.add(leaf, 1) : Ops.add(shaped(leaf.shape(), leaf.dtype()), leaf);
            }
            if (random.nextInt(4) > 0) {
                stores.add(new Program.Store(leaf, value));
            }
        }
    }
}

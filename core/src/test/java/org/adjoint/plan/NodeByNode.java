package org.adjoint.plan;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.graph.DType;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/**
 * The truth that plans are tested against: every node computed by itself into memory of its own, by a plan of one step
 * written here, and movement by arithmetic on indices.
 */
final class NodeByNode {
    private final DeviceDriver driver;
    private final Map<Node, byte[]> values = new IdentityHashMap<>();

    NodeByNode(DeviceDriver driver, Map<Node, byte[]> leaves) {
        this.driver = driver;
        values.putAll(leaves);
    }

    /** The bytes of a node with one result. */
    byte[] value(Node node) {
        byte[] known = values.get(node);
        if (known == null) {
            known = compute(node);
            values.put(node, known);
        }
        return known;
    }

    private byte[] compute(Node node) {
        return switch (node.op()) {
            case Op.Leaf _ -> throw new IllegalArgumentException("a leaf without a value");
            case Op.Constant constant -> group(node, List.of(), 0, new long[] {constant.bits()},
                new Instruction.Scalar(0, node.dtype().computeType()));
            case Op.StopGradient _, Op.Barrier _ -> value(node.input(0));
            case Op.WithGradient _ -> value(node.input(0));
            case Op.Project project -> node.input(0).op() instanceof Op.WithGradient
                ? value(node.input(0).input(project.index())) : result(node.input(0), project.index());
            case Op.Scan _, Op.Fused _ -> result(node, 0);
            case Op.Unary op -> group(node, node.inputs(), 0, new long[0],
                new Instruction.Unary(op.function(), 0, node.dtype().computeType()));
            case Op.Binary op -> group(node, node.inputs(), 0, new long[0],
                new Instruction.Binary(op.function(), 0, 1, node.dtype().computeType()));
            case Op.Where _ -> group(node, node.inputs(), 0, new long[0],
                new Instruction.Where(0, 1, 2, node.dtype().computeType()));
            case Op.Cast op -> group(node, node.inputs(), 0, new long[0],
                new Instruction.Cast(0, op.target(), node.dtype().computeType()));
            case Op.Reduce op -> reduce(node, op);
            case Op.Reshape _ -> value(node.input(0));
            case Op.Permute op -> move(node, index -> {
                long[] source = new long[index.length];
                for (int i = 0; i < index.length; i++) {
                    source[op.axes().get(i)] = index[i];
                }
                return source;
            });
            case Op.Expand _ -> move(node, index -> {
                long[] source = index.clone();
                for (int i = 0; i < index.length; i++) {
                    source[i] = node.input(0).shape().extent(i) == 1 ? 0 : index[i];
                }
                return source;
            });
            case Op.Slice op -> move(node, index -> {
                long[] source = new long[index.length];
                for (int i = 0; i < index.length; i++) {
                    source[i] = op.starts().get(i) + index[i] * op.steps().get(i);
                }
                return source;
            });
            case Op.Windows op -> move(node, index -> {
                long[] source = Arrays.copyOf(index, index.length - 1);
                source[op.axis()] = index[op.axis()] * op.step() + index[index.length - 1] * op.dilation();
                return source;
            });
            case Op.Iota _, Op.RandomBits _, Op.ArgReduce _, Op.ArgSort _, Op.Pad _, Op.Concat _, Op.MatMul _,
                Op.Gather _, Op.Scatter _, Op.ScatterAdd _, Op.DynamicSlice _, Op.DynamicUpdateSlice _ -> kernel(node);
        };
    }

    private byte[] result(Node node, int index) {
        return node.op() instanceof Op.Scan scan ? scan(node, scan, index) : fused(node, index);
    }

    /** Iteration by iteration. */
    private byte[] scan(Node node, Op.Scan scan, int index) {
        List<Node> leaves = scan.body().leaves();
        List<Node> results = scan.body().results();
        List<byte[]> carries = new ArrayList<>();
        for (int i = 0; i < scan.carries(); i++) {
            carries.add(value(node.input(i)));
        }
        byte[] stack = new byte[(int) node.types().get(index).bytes()];
        for (int iteration = 0; iteration < scan.length(); iteration++) {
            int slice = (int) (scan.reverse() ? scan.length() - 1 - iteration : iteration);
            Map<Node, byte[]> bound = new IdentityHashMap<>();
            for (int i = 0; i < leaves.size(); i++) {
                int bytes = (int) leaves.get(i).type().bytes();
                byte[] whole = i < scan.carries() ? carries.get(i) : value(node.input(i));
                boolean sliced = i >= scan.carries() && i < scan.carries() + scan.slices();
                int start = sliced ? slice * bytes : 0;
                bound.put(leaves.get(i), Arrays.copyOfRange(whole, start, start + bytes));
            }
            NodeByNode inner = new NodeByNode(driver, bound);
            for (int i = 0; i < scan.carries(); i++) {
                carries.set(i, inner.value(results.get(i)));
            }
            if (index >= scan.carries()) {
                byte[] made = inner.value(results.get(index));
                System.arraycopy(made, 0, stack, slice * made.length, made.length);
            }
        }
        return index < scan.carries() ? carries.get(index) : stack;
    }

    private byte[] fused(Node node, int index) {
        Node[] results = ((Op.Fused) node.op()).decompose(node.inputs());
        return value(results[index]);
    }

    private interface Source {
        long[] of(long[] index);
    }

    private byte[] move(Node node, Source source) {
        byte[] input = value(node.input(0));
        Shape from = node.input(0).shape();
        int size = node.dtype().bytes();
        byte[] result = new byte[(int) node.type().bytes()];
        long[] index = new long[node.shape().rank()];
        for (int i = 0; i < node.shape().elements(); i++) {
            long rest = i;
            for (int axis = index.length - 1; axis >= 0; axis--) {
                index[axis] = rest % node.shape().extent(axis);
                rest /= node.shape().extent(axis);
            }
            long[] at = source.of(index);
            long position = 0;
            for (int axis = 0; axis < at.length; axis++) {
                position = position * from.extent(axis) + at[axis];
            }
            System.arraycopy(input, (int) position * size, result, i * size, size);
        }
        return result;
    }

    /** One instruction over operands in row-major order. */
    private byte[] group(Node node, List<Node> inputs, int reduced, long[] scalars, Instruction instruction) {
        Shape domain = Shape.of(Math.max(0, node.shape().elements()));
        List<DType> types = inputs.stream().map(Node::dtype).toList();
        List<Instruction> body = new ArrayList<>();
        for (DType type : types) {
            body.add(new Instruction.Load(body.size(), type.computeType()));
        }
        body.add(instruction);
        Group group = new Group(types, scalars.length == 0 ? List.of() : List.of(node.dtype().computeType()), body,
            List.of(new Group.Result(body.size() - 1, node.dtype(), null)));
        List<View> views = new ArrayList<>();
        for (DType type : types) {
            views.add(View.contiguous(views.size(), type, domain));
        }
        View output = View.contiguous(inputs.size(), node.dtype(), domain);
        return run(new PlanStep.Elementwise(group, domain.toArray(), reduced, views, List.of(output),
            scalars.length == 0 ? new int[0] : new int[] {0}), inputs, node.type(), scalars);
    }

    private byte[] reduce(Node node, Op.Reduce op) {
        Node input = node.input(0);
        Shape shape = input.shape();
        if (op.axes().stream().allMatch(axis -> shape.extent(axis) == 1)) {
            // Where nothing is folded, -0 stays -0, though 0 + -0 is +0.
            return value(input);
        }
        List<Integer> order = new ArrayList<>();
        for (int axis = 0; axis < shape.rank(); axis++) {
            if (!op.axes().contains(axis)) {
                order.add(axis);
            }
        }
        order.addAll(op.axes());
        long[] extents = order.stream().mapToLong(shape::extent).toArray();
        long[] strides = order.stream().mapToLong(axis -> shape.contiguousStrides()[axis]).toArray();
        long[] outStrides = Arrays.copyOf(node.shape().contiguousStrides(), extents.length);
        Group group = new Group(List.of(input.dtype()), List.of(),
            List.of(new Instruction.Load(0, input.dtype().computeType())),
            List.of(new Group.Result(0, node.dtype(), op.function())));
        PlanStep step = new PlanStep.Elementwise(group, extents, op.axes().size(),
            List.of(new View(0, input.dtype(), Shape.of(extents), strides, 0)),
            List.of(new View(1, node.dtype(), Shape.of(extents), outStrides, 0)), new int[0]);
        return run(step, node.inputs(), node.type(), new long[0]);
    }

    private byte[] kernel(Node node) {
        List<View> views = new ArrayList<>();
        for (Node input : node.inputs()) {
            views.add(View.contiguous(views.size(), input.dtype(), input.shape()));
        }
        View output = View.contiguous(views.size(), node.dtype(), node.shape());
        return run(new PlanStep.Kernel(node.op(), views, List.of(output)), node.inputs(), node.type(), new long[0]);
    }

    private byte[] run(PlanStep step, List<Node> inputs, TensorType type, long[] scalars) {
        List<Slot> slots = new ArrayList<>();
        List<byte[]> memories = new ArrayList<>();
        for (Node input : inputs) {
            memories.add(value(input));
        }
        memories.add(new byte[(int) type.bytes()]);
        for (byte[] memory : memories) {
            slots.add(new Slot(Slot.Kind.EXTERNAL, slots.size(), memory.length));
        }
        Plan plan = new Plan(slots, List.of(step), slots.size(), scalars.length, 0, List.of(""));
        execute(driver, plan, memories, scalars);
        return memories.getLast();
    }

    /** Runs a plan over copies of {@code memories}, which hold what it left in them afterwards. */
    static void execute(DeviceDriver driver, Plan plan, List<byte[]> memories, long[] scalars) {
        Buffer[] buffers = new Buffer[memories.size()];
        for (int i = 0; i < buffers.length; i++) {
            buffers[i] = driver.allocate(memories.get(i).length);
            driver.write(MemorySegment.ofArray(memories.get(i)), buffers[i]);
        }
        try (var executable = driver.compile(plan)) {
            executable.run(buffers, scalars);
            for (int i = 0; i < buffers.length; i++) {
                driver.read(buffers[i], MemorySegment.ofArray(memories.get(i)));
            }
        } finally {
            Arrays.stream(buffers).forEach(Buffer::close);
        }
    }

    /** The identity of a reduction over nothing can only be a sum. */
    static boolean mayReduce(Shape shape, List<Integer> axes, ReduceOp op) {
        return op == ReduceOp.SUM || axes.stream().noneMatch(axis -> shape.extent(axis) == 0);
    }
}

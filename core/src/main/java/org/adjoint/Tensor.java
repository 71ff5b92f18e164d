package org.adjoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.adjoint.autodiff.Autodiff;
import org.adjoint.graph.AxisOps;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.LinearAlgebraOps;
import org.adjoint.graph.MovementOps;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.adjoint.graph.UnaryOp;

/**
 * A handle on a node of the graph: a multi-dimensional array that is computed when somebody looks at it.
 *
 * <p>Operations broadcast as NumPy does and promote dtypes as JAX does; a Java number takes the tensor's dtype. They
 * throw {@link IllegalArgumentException} for operands that do not fit, at once, though nothing is computed yet. Axes
 * may count from the end: -1 is the last.
 *
 * <p>Reading a value computes what is asked for and remembers it; of what lies before it only values that were
 * {@linkplain #realize realized} are remembered. A tensor belongs to the {@link Scope} it was made in. Tensors of a
 * traced function ({@link Step}) live until the function returns.
 *
 * <p>The operations stand, by subject, in the interfaces that this class alone implements.
 */
public final class Tensor implements Differentiable, AutoCloseable, ElementwiseMethods, ActivationMethods,
    ReductionMethods, MovementMethods, IndexingMethods, LinearAlgebraMethods, NeuralMethods, NormalizationMethods,
    ConvolutionMethods, LossMethods, ValueMethods {
    /** Longer chains of unread operations are computed on the way. */
    private static final int LONGEST_CHAIN = 1_000;

    private final Device device;
    private final Node node;
    private final Trace trace;
    private final Scope scope;
    private volatile boolean closed;

    Tensor(Device device, Node node, Trace trace) {
        this(device, node, trace, device.currentScope());
    }

    Tensor(Device device, Node node, Trace trace, Scope scope) {
        this.device = device;
        this.node = node;
        this.trace = trace;
        this.scope = scope;
        if (trace == null) {
            Uses.of(node).addHandle(this);
            if (node.depth() > LONGEST_CHAIN && !Mapping.isActive()) {
                realize();
                History.trim(node);
            }
        }
    }

    public Device device() {
        return device;
    }

    public Shape shape() {
        return node.shape();
    }

    public DType dtype() {
        return node.dtype();
    }

    public TensorType type() {
        return node.type();
    }

    @Override
    public Tensor tensor() {
        return this;
    }

    boolean isClosed() {
        return closed || scope.isClosed();
    }

    Scope scope() {
        return scope;
    }

    /** This tensor's node for an operation that is recorded now. */
    Node operand(String op) {
        requireOpen(op);
        if (trace == null) {
            Uses.of(node).setRead();
        }
        Trace current = Trace.current();
        if (current == trace) {
            return node;
        }
        if (trace != null && current != null && current.isInside(trace)) {
            return node;
        }
        if (trace != null) {
            throw new IllegalStateException(op + (trace.isBody()
                ? ": a tensor of the body of a scan is used outside of it: return it as an output or as a carry"
                : ": a tensor of a traced function is used outside of that function: return it from the function, or "
                    + "assign it to a variable"));
        }
        device.requireSame(op, current.device());
        if (Trace.compiled() == null) {
            current.use(node);
        } else {
            // A tensor from outside is a constant of the traced function.
            realize();
        }
        return node;
    }

    void requireOpen(String op) {
        if (isClosed()) {
            throw new IllegalStateException(op + ": the tensor " + node.type()
                + " is closed, or the scope it belongs to is");
        }
    }

    void requireEager(String method) {
        if (trace != null || Trace.current() != null) {
            Trace within = trace != null ? trace : Trace.current();
            throw new IllegalStateException(method + (within.isBody() ? ": the body of a scan" : ": a traced function")
                + " has no values yet, it runs once to record what "
                + "is to be computed. Choose between tensors with where(); read values in what "
                + (within.isBody() ? "the scan returns" : "Step.run returns, or use eager code"));
        }
    }

    Tensor result(String op, Node result, Tensor... operands) {
        Trace current = Trace.current();
        for (Tensor operand : operands) {
            device.requireSame(op, operand.device);
            if (current == null && operand.node != result) {
                Uses.of(operand.node).addReader(result);
            }
        }
        if (current == null && node != result) {
            Uses.of(node).addReader(result);
        }
        return new Tensor(device, result, current);
    }

    /** A handle on what was computed from {@code inputs}, for use outside of what was traced in between. */
    static Tensor of(Device device, Node result, Iterable<Node> inputs) {
        Trace current = Trace.current();
        for (Node input : inputs) {
            if (current == null && input != result) {
                Uses.of(input).addReader(result);
            }
        }
        return new Tensor(device, result, current);
    }

    Tensor map(String op, UnaryOperator<Node> function) {
        Node operand = operand(op);
        return result(op, Words.of(op, () -> function.apply(operand)));
    }

    Tensor zip(String op, Tensor other, BinaryOperator<Node> function) {
        Node a = operand(op);
        Node b = given(op, other).operand(op);
        return result(op, Words.of(op, () -> function.apply(a, b)), other);
    }

    private static Tensor given(String op, Tensor operand) {
        return Objects.requireNonNull(operand, () -> op + ": a tensor is null");
    }

    /** The one result of an operation on this tensor and others. */
    Tensor combine(String op, Function<List<Node>, Node> function, Tensor... others) {
        for (Tensor other : others) {
            given(op, other);
        }
        return apply(op, function, others);
    }

    /** The one result of an operation on this tensor and others, which may be null. */
    Tensor apply(String op, Function<List<Node>, Node> function, Tensor... others) {
        List<Node> operands = new ArrayList<>();
        operands.add(operand(op));
        for (Tensor other : others) {
            operands.add(other == null ? null : other.operand(op));
        }
        return result(op, Words.of(op, () -> function.apply(operands)),
            Arrays.stream(others).filter(Objects::nonNull).toArray(Tensor[]::new));
    }

    Tensor unary(UnaryOp op) {
        return map(op.text(), x -> Ops.unary(op, x));
    }

    Tensor binary(BinaryOp op, Tensor other) {
        return zip(op.text(), other, (a, b) -> Ops.binary(op, a, b));
    }

    Tensor binary(BinaryOp op, double other) {
        return map(op.text(), a -> Ops.binary(op, a, other));
    }

    /** A copy on another device, without history; this tensor if it is there. */
    public Tensor to(Device target) {
        if (target == device) {
            return this;
        }
        requireOpen("to");
        requireEager("to");
        try (Arena arena = Arena.ofConfined()) {
            return target.tensor(dtype(), shape(), read(arena));
        }
    }

    /** Tensors one after the other along an axis; their other extents are equal. */
    public static Tensor concat(int axis, List<Tensor> tensors) {
        return joined("concat", tensors, nodes -> Ops.concat(axis, nodes));
    }

    private static Tensor joined(String op, List<Tensor> tensors, Function<List<Node>, Node> function) {
        if (tensors.isEmpty()) {
            throw new IllegalArgumentException(op + ": there is no tensor to join");
        }
        List<Node> nodes = tensors.stream().map(tensor -> given(op, tensor).operand(op)).toList();
        return tensors.getFirst().result(op, Words.of(op, () -> function.apply(nodes)), tensors.toArray(Tensor[]::new));
    }

    /**
     * A sum of products in the Einstein summation convention, in the notation of NumPy and PyTorch: {@code
     * "bij,bjk->bik"} is a batched matrix product. A letter names an axis; what the result does not name is summed; a
     * letter twice in one operand takes its diagonal; {@code ...} stands for axes that broadcast; without {@code ->}
     * the result has the ellipsis, then the letters that occur once, in the order of the alphabet. Several operands are
     * multiplied in pairs, in an order that keeps what lies between small.
     */
    public static Tensor einsum(String equation, Tensor... operands) {
        if (operands.length == 0) {
            throw new IllegalArgumentException("einsum \"" + equation + "\": there is no operand");
        }
        List<Node> nodes = Arrays.stream(operands).map(operand -> given("einsum", operand).operand("einsum")).toList();
        return operands[0].result("einsum", Words.of("einsum", () -> LinearAlgebraOps.einsum(equation, nodes)),
            operands);
    }

    public static Tensor stack(List<Tensor> tensors) {
        return stack(0, tensors);
    }

    /** Tensors of one shape along a new axis of the result. */
    public static Tensor stack(int axis, List<Tensor> tensors) {
        return joined("stack", tensors, nodes -> MovementOps.stack(axis, nodes));
    }

    /** See {@link AxisOps#meshgrid}. */
    public static List<Tensor> meshgrid(List<Tensor> vectors) {
        List<Node> nodes = vectors.stream().map(vector -> given("meshgrid", vector).operand("meshgrid")).toList();
        List<Node> grids = Words.of("meshgrid", () -> AxisOps.meshgrid(nodes));
        return IntStream.range(0, grids.size())
            .mapToObj(i -> vectors.get(i).result("meshgrid", grids.get(i))).toList();
    }

    /** What an operation that draws random numbers makes of this. */
    Node drawn(String op, UnaryOperator<Node> drawing) {
        Node drawn = drawing.apply(operand(op));
        if (trace == null && Trace.current() == null && drawn != node) {
            Uses.of(node).addReader(drawn);
        }
        return drawn;
    }

    // Gradients

    /**
     * Gradients of this scalar, as tensors that can be differentiated again. Where it does not depend on a source the
     * gradient is zero.
     *
     * @throws IllegalArgumentException if this is no floating scalar
     * @throws IllegalStateException if a variable was assigned after this was computed from it, or in a traced function
     *     was read outside of it
     */
    public List<Tensor> gradients(List<? extends Differentiable> sources) {
        return gradients("gradients", sources);
    }

    private List<Tensor> gradients(String op, List<? extends Differentiable> sources) {
        if (shape().rank() != 0 || !dtype().isFloating()) {
            throw new IllegalArgumentException(op + ": the loss must be a floating scalar but is " + type()
                + ": reduce it with sum() or mean(), or use pullback with a cotangent");
        }
        return pullback(op, Ops.constant(dtype(), 1.0), sources);
    }

    public List<Tensor> gradients(Differentiable... sources) {
        return gradients(List.of(sources));
    }

    public Tensor gradient(Differentiable source) {
        return gradients("gradient", List.of(source)).getFirst();
    }

    /**
     * Vector-Jacobian products: gradients of {@code (this * cotangent).sum()}; the cotangent has this tensor's type.
     */
    public List<Tensor> pullback(Tensor cotangent, List<? extends Differentiable> sources) {
        if (!cotangent.type().equals(type())) {
            throw new IllegalArgumentException("pullback: the cotangent must be " + type() + " but is "
                + cotangent.type());
        }
        return pullback("pullback", cotangent.operand("pullback"), sources);
    }

    private List<Tensor> pullback(String op, Node cotangent, List<? extends Differentiable> sources) {
        Node output = operand(op);
        List<Node> nodes = new ArrayList<>();
        for (Differentiable source : sources) {
            Tensor tensor = source.tensor();
            device.requireSame(op, tensor.device);
            if (!tensor.dtype().isFloating()) {
                throw new IllegalArgumentException(op + ": the source " + (source instanceof Variable variable
                    ? "'" + variable.name() + "', " : "") + tensor.type()
                    + ", is not floating: nothing has a derivative by it");
            }
            nodes.add(tensor.operand(op));
        }
        List<Node> found = Autodiff.pullback(List.of(output), List.of(cotangent), nodes);
        List<Tensor> gradients = new ArrayList<>();
        for (int i = 0; i < found.size(); i++) {
            Node gradient = found.get(i);
            if (gradient == null && sources.get(i) instanceof Variable variable) {
                requireNotReassigned(output, variable);
            }
            gradients.add(result("gradients", gradient == null ? Ops.zerosLike(nodes.get(i)) : gradient));
        }
        return gradients;
    }

    private static void requireNotReassigned(Node output, Variable variable) {
        if (Trace.compiled() != null && reaches(output, variable.eagerReads())) {
            throw new IllegalStateException("gradients: the loss depends on variable '" + variable.name()
                + "' only through a tensor from outside of the traced function, which is a constant in it: read the "
                + "variable inside, or say stopGradient()");
        }
        if (reaches(output, variable.olderReads())) {
            throw new IllegalStateException("gradients: variable '" + variable.name()
                + "' was assigned after the loss was computed from it: take the gradients first");
        }
    }

    private static boolean reaches(Node output, List<Node> reads) {
        Set<Node> sources = Collections.newSetFromMap(new IdentityHashMap<>());
        sources.addAll(reads);
        return !sources.isEmpty() && Autodiff.reaches(output, sources);
    }

    // Values

    /** Computes the value now, so that later operations start from it. */
    public Tensor realize() {
        requireOpen("realize");
        if (trace != null) {
            return this;
        }
        if (node.value() == null) {
            Words.of("realize", type()::bytes);
            device.realize(List.of(node), List.of(Uses.owner(node, scope)));
        }
        return this;
    }

    void read(String reader, MemorySegment target) {
        requireEager(reader);
        realize();
        Storage storage = (Storage) node.value();
        storage.buffer(reader);
        try {
            device.read(storage, target);
        } finally {
            // While the node lives, no run of a step overwrites the variable that it may be a read of.
            Reference.reachabilityFence(this);
        }
    }

    MemorySegment read(Arena arena) {
        realize();
        MemorySegment target = arena.allocate(Math.max(1, type().bytes()), 8).asSlice(0, type().bytes());
        read("read", target);
        return target;
    }

    /** Moves to another scope, unless this one lives longer; computed now. */
    Tensor moveTo(Scope target) {
        requireEager("keep");
        realize();
        if (scope.encloses(target)) {
            return this;
        }
        Storage storage = (Storage) node.value();
        storage.keepIn(target);
        closed = true;
        return new Tensor(device, node, null, target);
    }

    /**
     * Frees the value; tensors that were built on it and not computed yet are computed first. Idempotent. Gradients
     * that need the value are an error from here on.
     */
    @Override
    public void close() {
        if (isClosed() || trace != null) {
            return;
        }
        if (node.value() instanceof Storage storage && !storage.isFreed()) {
            List<Node> pending = Uses.of(node).pendingReaders().stream().filter(Mapping::hasValue).toList();
            if (!pending.isEmpty()) {
                device.realize(pending, pending.stream().map(reader -> Uses.owner(reader, scope)).toList());
            }
            closed = true;
            if (!Uses.isNamed(node)) {
                storage.freeUnlessHeld();
            }
        }
        closed = true;
    }

    /** Type and values, computed if need be; in a traced function, and of too many elements, the type alone. */
    @Override
    public String toString() {
        if (trace != null || Trace.current() != null || isClosed()) {
            return type().toString() + (isClosed() ? " (closed)" : "");
        }
        if (shape().elements() > Integer.MAX_VALUE - 8) {
            return type() + " (more elements than can be shown)";
        }
        return type() + " " + TensorText.format(shape(), dtype(), toDoubleArray());
    }
}

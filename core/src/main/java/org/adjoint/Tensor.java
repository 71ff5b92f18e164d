package org.adjoint;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.adjoint.autodiff.Autodiff;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Halves;
import org.adjoint.graph.NeuralOps;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.Ops;
import org.adjoint.graph.RandomOps;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.adjoint.graph.UnaryOp;

/**
 * A handle on a node of the graph: a multi-dimensional array that is computed when somebody looks at it.
 *
 * <p>Operations broadcast as NumPy does and promote dtypes as JAX does; a Java number takes the tensor's dtype. They
 * throw {@link IllegalArgumentException} for operands that do not fit, at once, though nothing is computed yet. Axes may
 * count from the end: -1 is the last.
 *
 * <p>Reading a value computes what is asked for and remembers it; of what lies before it only values that were
 * {@linkplain #realize realized} are remembered. A tensor belongs to the {@link Scope} it was made in. Tensors of a
 * traced function ({@link Step}) live until the function returns.
 */
public final class Tensor implements Differentiable, AutoCloseable {
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
            if (node.depth() > LONGEST_CHAIN) {
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
        Trace current = Trace.current();
        if (current == trace) {
            return node;
        }
        if (trace != null) {
            throw new IllegalStateException(op + ": a tensor of a traced function is used outside of that function: "
                + "return it from the function, or assign it to a variable");
        }
        // A tensor from outside is a constant of the traced function.
        device.requireSame(op, current.device());
        realize();
        return node;
    }

    private void requireOpen(String op) {
        if (isClosed()) {
            throw new IllegalStateException(op + ": the tensor " + node.type() + " is closed, or the scope it belongs to is");
        }
    }

    private void requireEager(String method) {
        if (trace != null || Trace.current() != null) {
            throw new IllegalStateException(method + ": a traced function has no values yet, it runs once to record what "
                + "is to be computed. Choose between tensors with where(); read values in what Step.run returns, or use "
                + "eager code");
        }
    }

    private Tensor result(String op, Node result, Tensor... operands) {
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

    private Tensor map(String op, UnaryOperator<Node> function) {
        return result(op, function.apply(operand(op)));
    }

    private Tensor zip(String op, Tensor other, BinaryOperator<Node> function) {
        return result(op, function.apply(operand(op), other.operand(op)), other);
    }

    private Tensor unary(UnaryOp op) {
        return map(op.text(), x -> Ops.unary(op, x));
    }

    private Tensor binary(BinaryOp op, Tensor other) {
        return zip(op.text(), other, (a, b) -> Ops.binary(op, a, b));
    }

    private Tensor binary(BinaryOp op, double other) {
        return map(op.text(), a -> Ops.binary(op, a, other));
    }

    // Arithmetic

    public Tensor add(Tensor other) {
        return binary(BinaryOp.ADD, other);
    }

    public Tensor add(double other) {
        return binary(BinaryOp.ADD, other);
    }

    public Tensor sub(Tensor other) {
        return binary(BinaryOp.SUB, other);
    }

    public Tensor sub(double other) {
        return binary(BinaryOp.SUB, other);
    }

    public Tensor mul(Tensor other) {
        return binary(BinaryOp.MUL, other);
    }

    public Tensor mul(double other) {
        return binary(BinaryOp.MUL, other);
    }

    /** True division: integers give {@code F32}. */
    public Tensor div(Tensor other) {
        return zip("div", other, Ops::div);
    }

    /** True division: integers give {@code F32}. */
    public Tensor div(double other) {
        return map("div", a -> Ops.div(a, other));
    }

    /** The remainder of division towards zero, with the sign of this tensor's element. */
    public Tensor remainder(Tensor other) {
        return binary(BinaryOp.REMAINDER, other);
    }

    public Tensor remainder(double other) {
        return binary(BinaryOp.REMAINDER, other);
    }

    public Tensor pow(Tensor exponent) {
        return binary(BinaryOp.POW, exponent);
    }

    public Tensor pow(double exponent) {
        return map("pow", x -> exponent == 2 && x.dtype().isFloating() ? Ops.mul(x, x)
            : Ops.binary(BinaryOp.POW, x, exponent));
    }

    /** The smaller one of each pair; NaN if either is. */
    public Tensor minimum(Tensor other) {
        return binary(BinaryOp.MIN, other);
    }

    public Tensor minimum(double other) {
        return binary(BinaryOp.MIN, other);
    }

    /** The larger one of each pair; NaN if either is. */
    public Tensor maximum(Tensor other) {
        return binary(BinaryOp.MAX, other);
    }

    public Tensor maximum(double other) {
        return binary(BinaryOp.MAX, other);
    }

    /** Elements limited to [low, high]. */
    public Tensor clamp(double low, double high) {
        return maximum(low).minimum(high);
    }

    public Tensor neg() {
        return unary(UnaryOp.NEG);
    }

    public Tensor abs() {
        return unary(UnaryOp.ABS);
    }

    public Tensor sign() {
        return unary(UnaryOp.SIGN);
    }

    public Tensor exp() {
        return unary(UnaryOp.EXP);
    }

    public Tensor expm1() {
        return unary(UnaryOp.EXPM1);
    }

    public Tensor log() {
        return unary(UnaryOp.LOG);
    }

    public Tensor log1p() {
        return unary(UnaryOp.LOG1P);
    }

    public Tensor sqrt() {
        return unary(UnaryOp.SQRT);
    }

    public Tensor rsqrt() {
        return map("rsqrt", x -> Ops.reciprocal(Ops.sqrt(x)));
    }

    public Tensor square() {
        return map("square", x -> Ops.mul(x, x));
    }

    public Tensor reciprocal() {
        return unary(UnaryOp.RECIPROCAL);
    }

    public Tensor sin() {
        return unary(UnaryOp.SIN);
    }

    public Tensor cos() {
        return unary(UnaryOp.COS);
    }

    public Tensor tanh() {
        return unary(UnaryOp.TANH);
    }

    public Tensor sigmoid() {
        return unary(UnaryOp.SIGMOID);
    }

    /** {@code max(x, 0)}, whose derivative at 0 is 0. */
    public Tensor relu() {
        return map("relu", NeuralOps::relu);
    }

    /** The exact GELU. */
    public Tensor gelu() {
        return map("gelu", NeuralOps::gelu);
    }

    /** GELU's tanh approximation. */
    public Tensor geluTanh() {
        return map("geluTanh", NeuralOps::geluTanh);
    }

    public Tensor erf() {
        return unary(UnaryOp.ERF);
    }

    public Tensor floor() {
        return unary(UnaryOp.FLOOR);
    }

    public Tensor ceil() {
        return unary(UnaryOp.CEIL);
    }

    /** To the nearest integer, ties to even. */
    public Tensor round() {
        return unary(UnaryOp.ROUND);
    }

    public Tensor trunc() {
        return unary(UnaryOp.TRUNC);
    }

    public Tensor isNan() {
        return unary(UnaryOp.IS_NAN);
    }

    // Comparison, logic, choice

    public Tensor equal(Tensor other) {
        return binary(BinaryOp.EQUAL, other);
    }

    public Tensor equal(double other) {
        return binary(BinaryOp.EQUAL, other);
    }

    public Tensor notEqual(Tensor other) {
        return binary(BinaryOp.NOT_EQUAL, other);
    }

    public Tensor notEqual(double other) {
        return binary(BinaryOp.NOT_EQUAL, other);
    }

    public Tensor lessThan(Tensor other) {
        return binary(BinaryOp.LESS_THAN, other);
    }

    public Tensor lessThan(double other) {
        return binary(BinaryOp.LESS_THAN, other);
    }

    public Tensor lessOrEqual(Tensor other) {
        return binary(BinaryOp.LESS_OR_EQUAL, other);
    }

    public Tensor lessOrEqual(double other) {
        return binary(BinaryOp.LESS_OR_EQUAL, other);
    }

    public Tensor greaterThan(Tensor other) {
        return binary(BinaryOp.GREATER_THAN, other);
    }

    public Tensor greaterThan(double other) {
        return binary(BinaryOp.GREATER_THAN, other);
    }

    public Tensor greaterOrEqual(Tensor other) {
        return binary(BinaryOp.GREATER_OR_EQUAL, other);
    }

    public Tensor greaterOrEqual(double other) {
        return binary(BinaryOp.GREATER_OR_EQUAL, other);
    }

    /** Logical for {@code BOOL}, bitwise for integers. */
    public Tensor and(Tensor other) {
        return binary(BinaryOp.AND, other);
    }

    /** Logical for {@code BOOL}, bitwise for integers. */
    public Tensor or(Tensor other) {
        return binary(BinaryOp.OR, other);
    }

    /** Logical for {@code BOOL}, bitwise for integers. */
    public Tensor xor(Tensor other) {
        return binary(BinaryOp.XOR, other);
    }

    /** Logical for {@code BOOL}, bitwise for integers. */
    public Tensor not() {
        return unary(UnaryOp.NOT);
    }

    public Tensor shiftLeft(Tensor count) {
        return binary(BinaryOp.SHIFT_LEFT, count);
    }

    public Tensor shiftRightLogical(Tensor count) {
        return binary(BinaryOp.SHIFT_RIGHT_LOGICAL, count);
    }

    /** Elements of {@code a} where this {@code BOOL} tensor is true, of {@code b} elsewhere. */
    public Tensor where(Tensor a, Tensor b) {
        return result("where", Ops.where(operand("where"), a.operand("where"), b.operand("where")), a, b);
    }

    /** Elements of this tensor, but {@code value} where {@code mask} is true. */
    public Tensor maskedFill(Tensor mask, double value) {
        return zip("maskedFill", mask, (x, m) -> Ops.where(m, Ops.scalar(x, value), x));
    }

    // Dtype and device

    public Tensor to(DType dtype) {
        return map("cast", x -> Ops.cast(x, dtype));
    }

    /** A copy on another device, without history; this tensor if it is there. */
    public Tensor to(Device target) {
        if (target == device) {
            return this;
        }
        requireEager("to");
        try (Arena arena = Arena.ofConfined()) {
            return target.tensor(dtype(), shape(), read(arena));
        }
    }

    /** The same values; gradients do not pass. */
    public Tensor stopGradient() {
        return map("stopGradient", Ops::stopGradient);
    }

    // Reductions; without axes, over all of them

    /** {@code BOOL} and {@code U8} are summed in {@code I64}. */
    public Tensor sum(int... axes) {
        return map("sum", x -> Ops.reduce(ReduceOp.SUM, countable(x), false, axes));
    }

    /** As {@link #sum}; the axes stay with extent 1. */
    public Tensor sumKeep(int... axes) {
        return map("sum", x -> Ops.reduce(ReduceOp.SUM, countable(x), true, axes));
    }

    private static Node countable(Node x) {
        return x.dtype() == DType.BOOL || x.dtype() == DType.U8 ? Ops.cast(x, DType.I64) : x;
    }

    public Tensor mean(int... axes) {
        return map("mean", x -> Ops.mean(x, false, axes));
    }

    public Tensor meanKeep(int... axes) {
        return map("mean", x -> Ops.mean(x, true, axes));
    }

    public Tensor max(int... axes) {
        return map("max", x -> Ops.reduce(ReduceOp.MAX, x, false, axes));
    }

    public Tensor maxKeep(int... axes) {
        return map("max", x -> Ops.reduce(ReduceOp.MAX, x, true, axes));
    }

    public Tensor min(int... axes) {
        return map("min", x -> Ops.reduce(ReduceOp.MIN, x, false, axes));
    }

    public Tensor minKeep(int... axes) {
        return map("min", x -> Ops.reduce(ReduceOp.MIN, x, true, axes));
    }

    /** Index of the first largest element along an axis, {@code I64}. */
    public Tensor argmax(int axis) {
        return map("argmax", x -> Ops.argReduce(true, x, axis));
    }

    /** Index of the first smallest element along an axis, {@code I64}. */
    public Tensor argmin(int axis) {
        return map("argmin", x -> Ops.argReduce(false, x, axis));
    }

    // Movement

    /** One extent may be -1: it is what is left. */
    public Tensor reshape(long... shape) {
        return map("reshape", x -> Ops.reshape(x, inferred(x.shape(), shape)));
    }

    private static Shape inferred(Shape source, long... shape) {
        long known = 1;
        int unknown = -1;
        for (int axis = 0; axis < shape.length; axis++) {
            if (shape[axis] != -1) {
                known *= shape[axis];
            } else if (unknown >= 0) {
                throw new IllegalArgumentException("reshape: " + Arrays.toString(shape) + " has more than one -1");
            } else {
                unknown = axis;
            }
        }
        if (unknown < 0) {
            return Shape.of(shape);
        }
        if (known == 0 || source.elements() % known != 0) {
            throw new IllegalArgumentException("reshape: " + source + " does not divide into " + Arrays.toString(shape));
        }
        long[] extents = shape.clone();
        extents[unknown] = source.elements() / known;
        return Shape.of(extents);
    }

    public Tensor permute(int... axes) {
        return map("permute", x -> Ops.permute(x, axes));
    }

    /** Swaps the last two axes. */
    public Tensor transpose() {
        return map("transpose", Ops::transpose);
    }

    public Tensor transpose(int axis1, int axis2) {
        return map("transpose", x -> Ops.transpose(x, axis1, axis2));
    }

    /** Broadcasts to a shape. */
    public Tensor expand(long... shape) {
        return map("expand", x -> Ops.broadcastTo(x, Shape.of(shape)));
    }

    /** Elements [start, end) of one axis. */
    public Tensor slice(int axis, long start, long end) {
        return map("slice", x -> Ops.slice(x, axis, start, end));
    }

    /** Every {@code step}-th element of [start, end) of one axis, for a positive step. */
    public Tensor slice(int axis, long start, long end, long step) {
        return map("slice", x -> {
            if (step < 1) {
                throw new IllegalArgumentException("slice: the step must be positive but is " + step + ": flip() reverses");
            }
            Node window = Ops.slice(x, axis, start, end);
            Shape shape = window.shape();
            int resolved = shape.axis("slice", axis);
            Long[] steps = new Long[shape.rank()];
            Arrays.fill(steps, 1L);
            steps[resolved] = step;
            long extent = (shape.extent(resolved) + step - 1) / step;
            return Ops.slice(window, Collections.nCopies(shape.rank(), 0L), List.of(steps), shape.with(resolved, extent));
        });
    }

    public Tensor flip(int... axes) {
        return map("flip", x -> Ops.flip(x, axes));
    }

    /** {@code low} elements of {@code value} in front of an axis and {@code high} behind it. */
    public Tensor pad(int axis, long low, long high, double value) {
        return map("pad", x -> {
            int resolved = x.shape().axis("pad", axis);
            long[] lows = new long[x.shape().rank()];
            lows[resolved] = low;
            Shape shape = x.shape().with(resolved, x.shape().extent(resolved) + low + high);
            return Ops.pad(x, lows, new long[lows.length], shape, Ops.constant(x.dtype(), value));
        });
    }

    public static Tensor concat(int axis, List<Tensor> tensors) {
        if (tensors.isEmpty()) {
            throw new IllegalArgumentException("concat: there is no tensor to join");
        }
        List<Node> nodes = tensors.stream().map(tensor -> tensor.operand("concat")).toList();
        return tensors.getFirst().result("concat", Ops.concat(axis, nodes), tensors.toArray(Tensor[]::new));
    }

    public static Tensor stack(List<Tensor> tensors) {
        return concat(0, tensors.stream().map(tensor -> tensor.unsqueeze(0)).toList());
    }

    /** Adds an axis of extent 1. */
    public Tensor unsqueeze(int axis) {
        return map("unsqueeze", x -> {
            int rank = x.shape().rank() + 1;
            int at = axis < 0 ? axis + rank : axis;
            if (at < 0 || at >= rank) {
                throw new IllegalArgumentException("unsqueeze: axis " + axis + " is out of range for " + x.shape());
            }
            long[] extents = new long[rank];
            for (int i = 0; i < rank; i++) {
                extents[i] = i == at ? 1 : x.shape().extent(i < at ? i : i - 1);
            }
            return Ops.reshape(x, Shape.of(extents));
        });
    }

    /** Drops an axis of extent 1. */
    public Tensor squeeze(int axis) {
        return map("squeeze", x -> {
            int resolved = x.shape().axis("squeeze", axis);
            if (x.shape().extent(resolved) != 1) {
                throw new IllegalArgumentException("squeeze: axis " + axis + " of " + x.shape() + " is not 1");
            }
            return Ops.reshape(x, x.shape().without(resolved));
        });
    }

    // Products and indexing

    /** Matrix product, batched over leading axes, which broadcast. */
    public Tensor matmul(Tensor other) {
        return zip("matmul", other, Ops::matmul);
    }

    /** {@code y[.., i, ..] = this[.., indices[.., i, ..], ..]} along an axis; see {@link Op.Gather}. */
    public Tensor gather(int axis, Tensor indices) {
        return zip("gather", indices, (x, i) -> Ops.gather(x, axis, i));
    }

    /** A copy with {@code updates} added at {@code indices} along an axis; see {@link Op.ScatterAdd}. */
    public Tensor scatterAdd(int axis, Tensor indices, Tensor updates) {
        return result("scatterAdd", Ops.scatterAdd(operand("scatterAdd"), axis, indices.operand("scatterAdd"),
            updates.operand("scatterAdd")), indices, updates);
    }

    /** Rows of this table at {@code indices}. */
    public Tensor embedding(Tensor indices) {
        return zip("embedding", indices, Ops::embedding);
    }

    /** A window that begins at {@code starts}, {@code i64(rank)}. */
    public Tensor dynamicSlice(Tensor starts, long... window) {
        return zip("dynamicSlice", starts, (x, s) -> Ops.dynamicSlice(x, s, Shape.of(window)));
    }

    /** This tensor with the window that begins at {@code starts}, {@code i64(rank)}, replaced. */
    public Tensor dynamicUpdateSlice(Tensor update, Tensor starts) {
        return result("dynamicUpdateSlice", Ops.dynamicUpdateSlice(operand("dynamicUpdateSlice"),
            update.operand("dynamicUpdateSlice"), starts.operand("dynamicUpdateSlice")), update, starts);
    }

    // Fused

    public Tensor softmax(int axis) {
        return map("softmax", x -> NeuralOps.softmax(x, axis));
    }

    public Tensor logSoftmax(int axis) {
        return map("logSoftmax", x -> NeuralOps.logSoftmax(x, axis));
    }

    /** The mean loss of logits {@code (..., classes)} for target classes {@code (...)}, a scalar. */
    public Tensor crossEntropy(Tensor targets) {
        return zip("crossEntropy", targets, (x, t) -> Ops.mean(NeuralOps.crossEntropy(x, t), false));
    }

    /** The mean squared difference, a scalar. */
    public Tensor mseLoss(Tensor target) {
        return zip("mseLoss", target, (x, t) -> Ops.mean(NeuralOps.squaredError(x, t), false));
    }

    /** The mean loss of logits for targets in [0, 1] of one shape, a scalar. */
    public Tensor binaryCrossEntropyWithLogits(Tensor targets) {
        return zip("binaryCrossEntropyWithLogits", targets,
            (x, t) -> Ops.mean(NeuralOps.binaryCrossEntropyWithLogits(x, t), false));
    }

    /** Normalizes along the last axis; gamma and beta are vectors of its extent. */
    public Tensor layerNorm(Tensor gamma, Tensor beta, double epsilon) {
        return result("layerNorm", NeuralOps.layerNorm(operand("layerNorm"), gamma.operand("layerNorm"),
            beta.operand("layerNorm"), epsilon), gamma, beta);
    }

    /** Divides by the root mean square along the last axis; gamma is a vector of its extent. */
    public Tensor rmsNorm(Tensor gamma, double epsilon) {
        return zip("rmsNorm", gamma, (x, g) -> NeuralOps.rmsNorm(x, g, epsilon));
    }

    /** {@link #dropout} by given random numbers. */
    Node dropped(double probability, Node state, long stream) {
        Node dropped = RandomOps.dropout(operand("dropout"), probability, state, stream);
        if (trace == null && Trace.current() == null && dropped != node) {
            Uses.of(node).addReader(dropped);
        }
        return dropped;
    }

    /** Zeroes elements with the given probability, scales the others by 1 / (1 - probability). */
    public Tensor dropout(double probability) {
        requireOpen("dropout");
        return device.random().dropout(this, probability);
    }

    /**
     * {@code softmax(q k^T / sqrt(d)) v} with this tensor as q {@code (batch..., t, d)}.
     *
     * @param k keys {@code (batch..., s, d)}
     * @param v values {@code (batch..., s, e)}
     * @param causal whether query i sees the keys 0 to i alone
     */
    public Tensor attention(Tensor k, Tensor v, boolean causal) {
        Node q = operand("attention");
        Node out = NeuralOps.attention(q, k.operand("attention"), v.operand("attention"), null, causal, defaultScale(q));
        return result("attention", out, k, v);
    }

    /** As {@link #attention(Tensor, Tensor, boolean)} with {@code bias}, which broadcasts, added to the scaled scores. */
    public Tensor attention(Tensor k, Tensor v, Tensor bias, boolean causal) {
        Node q = operand("attention");
        Node out = NeuralOps.attention(q, k.operand("attention"), v.operand("attention"), bias.operand("attention"), causal,
            defaultScale(q));
        return result("attention", out, k, v, bias);
    }

    /**
     * One step of AdamW for this parameter; see {@link FusedOp.AdamWUpdate}.
     *
     * @return the new parameter, first moment and second moment
     */
    public List<Tensor> adamWUpdate(FusedOp.AdamWUpdate settings, Tensor firstMoment, Tensor secondMoment,
        Tensor gradient, Tensor learningRate, Tensor correction1, Tensor correction2) {
        return adamWUpdate(settings, null, firstMoment, secondMoment, gradient, learningRate, correction1, correction2);
    }

    /**
     * As {@link #adamWUpdate(FusedOp.AdamWUpdate, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)} with a copy of this
     * parameter in the moments' dtype, which keeps what is rounded off.
     *
     * @return the new parameter, first moment, second moment and copy
     */
    public List<Tensor> adamWUpdate(FusedOp.AdamWUpdate settings, Tensor master, Tensor firstMoment,
        Tensor secondMoment, Tensor gradient, Tensor learningRate, Tensor correction1, Tensor correction2) {
        String op = settings.name();
        List<Tensor> others = new ArrayList<>(
            List.of(firstMoment, secondMoment, gradient, learningRate, correction1, correction2));
        if (master != null) {
            others.add(master);
        }
        Node update = NeuralOps.adamWUpdate(settings, operand(op), firstMoment.operand(op), secondMoment.operand(op),
            gradient.operand(op), learningRate.operand(op), correction1.operand(op), correction2.operand(op),
            master == null ? null : master.operand(op));
        return IntStream.range(0, master == null ? 3 : 4)
            .mapToObj(i -> result(op, update.output(i), others.toArray(Tensor[]::new))).toList();
    }

    private static double defaultScale(Node q) {
        return q.shape().rank() == 0 ? 1 : 1 / Math.sqrt(q.shape().extent(q.shape().rank() - 1));
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
        if (shape().rank() != 0 || !dtype().isFloating()) {
            throw new IllegalArgumentException("gradients: the loss must be a floating scalar but is " + type()
                + ": reduce it with sum() or mean(), or use pullback with a cotangent");
        }
        return pullback(Ops.constant(dtype(), 1.0), sources);
    }

    public List<Tensor> gradients(Differentiable... sources) {
        return gradients(List.of(sources));
    }

    public Tensor gradient(Differentiable source) {
        return gradients(List.of(source)).getFirst();
    }

    /** Vector-Jacobian products: gradients of {@code (this * cotangent).sum()}; the cotangent has this tensor's type. */
    public List<Tensor> pullback(Tensor cotangent, List<? extends Differentiable> sources) {
        if (!cotangent.type().equals(type())) {
            throw new IllegalArgumentException("pullback: the cotangent must be " + type() + " but is " + cotangent.type());
        }
        return pullback(cotangent.operand("pullback"), sources);
    }

    private List<Tensor> pullback(Node cotangent, List<? extends Differentiable> sources) {
        Node output = operand("gradients");
        List<Node> nodes = new ArrayList<>();
        for (Differentiable source : sources) {
            Tensor tensor = source.tensor();
            device.requireSame("gradients", tensor.device);
            if (!tensor.dtype().isFloating()) {
                throw new IllegalArgumentException("gradients: " + source + " is not floating");
            }
            nodes.add(tensor.operand("gradients"));
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
        if (Trace.current() != null && reaches(output, variable.eagerReads())) {
            throw new IllegalStateException("gradients: the loss depends on variable '" + variable.name() + "' only through "
                + "a tensor from outside of the traced function, which is a constant in it: read the variable inside, or "
                + "say stopGradient()");
        }
        if (reaches(output, variable.olderReads())) {
            throw new IllegalStateException("gradients: variable '" + variable.name() + "' was assigned after the loss was "
                + "computed from it: take the gradients first");
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
            device.realize(List.of(node), List.of(Uses.owner(node, scope)));
        }
        return this;
    }

    private Storage storage(String reader) {
        requireEager(reader);
        realize();
        Storage storage = (Storage) node.value();
        storage.buffer(reader);
        return storage;
    }

    private MemorySegment read(Arena arena) {
        Storage storage = storage("read");
        MemorySegment target = arena.allocate(Math.max(1, type().bytes()), 8).asSlice(0, type().bytes());
        device.read(storage, target);
        return target;
    }

    private int length(String method) {
        long elements = shape().elements();
        if (elements > Integer.MAX_VALUE - 8) {
            throw new IllegalStateException(method + ": " + shape() + " has more elements than a Java array can hold: "
                + "read slices of it");
        }
        return (int) elements;
    }

    /** All elements in row-major order, converted to float. */
    public float[] toFloatArray() {
        requireEager("toFloatArray");
        float[] result = new float[length("toFloatArray")];
        if (dtype() == DType.F32) {
            device.read(storage("toFloatArray"), MemorySegment.ofArray(result));
            return result;
        }
        double[] wide = toDoubleArray();
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) wide[i];
        }
        return result;
    }

    /** All elements in row-major order, converted to double; {@code I64} beyond 2^53 loses bits. */
    public double[] toDoubleArray() {
        requireEager("toDoubleArray");
        double[] result = new double[length("toDoubleArray")];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = read(arena);
            for (int i = 0; i < result.length; i++) {
                result[i] = switch (dtype()) {
                    case BOOL, U8 -> data.get(ValueLayout.JAVA_BYTE, i) & 0xff;
                    case I32 -> data.getAtIndex(ValueLayout.JAVA_INT, i);
                    case I64 -> data.getAtIndex(ValueLayout.JAVA_LONG, i);
                    case F16 -> Float.float16ToFloat(data.getAtIndex(ValueLayout.JAVA_SHORT, i));
                    case BF16 -> Halves.bf16ToFloat(data.getAtIndex(ValueLayout.JAVA_SHORT, i));
                    case F32 -> data.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                    case F64 -> data.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
                };
            }
        }
        return result;
    }

    /**
     * All elements in row-major order.
     *
     * @throws IllegalArgumentException if the tensor is floating: cast it first
     */
    public long[] toLongArray() {
        requireEager("toLongArray");
        if (dtype().isFloating()) {
            throw new IllegalArgumentException("toLongArray: " + type() + " is floating: cast it with to(DType.I64)");
        }
        long[] result = new long[length("toLongArray")];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = read(arena);
            for (int i = 0; i < result.length; i++) {
                result[i] = switch (dtype()) {
                    case BOOL, U8 -> data.get(ValueLayout.JAVA_BYTE, i) & 0xff;
                    case I32 -> data.getAtIndex(ValueLayout.JAVA_INT, i);
                    case I64 -> data.getAtIndex(ValueLayout.JAVA_LONG, i);
                    case F16, BF16, F32, F64 -> throw new AssertionError(dtype());
                };
            }
        }
        return result;
    }

    /** All elements, as in {@link #toLongArray}; those that do not fit an int are an error. */
    public int[] toIntArray() {
        long[] wide = toLongArray();
        int[] result = new int[wide.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = Math.toIntExact(wide[i]);
        }
        return result;
    }

    /**
     * Copies the elements, in their dtype, in row-major order and the host's byte order.
     *
     * @throws IllegalArgumentException if the segment is not exactly as long as the tensor
     */
    public void copyTo(MemorySegment target) {
        if (target.byteSize() != type().bytes()) {
            throw new IllegalArgumentException("copyTo: " + type() + " takes " + type().bytes() + " bytes, not "
                + target.byteSize());
        }
        device.read(storage("copyTo"), target);
    }

    /** The only element. */
    public double item() {
        requireEager("item");
        if (shape().elements() != 1) {
            throw new IllegalArgumentException("item: " + type() + " has " + shape().elements() + " elements, not one");
        }
        return toDoubleArray()[0];
    }

    /** Prints type and values. */
    public void print() {
        System.out.println(this);
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
            List<Node> pending = Uses.of(node).pendingReaders();
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

    /** Type and values, computed if need be; in a traced function the type alone. */
    @Override
    public String toString() {
        if (trace != null || Trace.current() != null || isClosed()) {
            return type().toString() + (isClosed() ? " (closed)" : "");
        }
        return type() + " " + TensorText.format(shape(), dtype(), toDoubleArray());
    }
}

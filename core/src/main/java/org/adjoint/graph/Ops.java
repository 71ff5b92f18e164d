package org.adjoint.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * The only place where a node is born, with {@link IndexingOps}; the classes for other subjects build on these. Each
 * method checks its arguments in the user's words, promotes dtypes, broadcasts shapes (both as nodes of their own, so
 * that their gradients need no other care) and infers the result.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class Ops {
    private Ops() { }

    static Node node(Op op, DType dtype, Shape shape, Node... inputs) {
        return new Node(op, List.of(new TensorType(dtype, shape)), List.of(inputs));
    }

    static IllegalArgumentException error(String format, Object... values) {
        return new IllegalArgumentException(String.format(format, values));
    }

    // Sources

    public static Node leaf(TensorType type) {
        return node(new Op.Leaf(), type.dtype(), type.shape());
    }

    /** A scalar; a floating value is rounded to {@code dtype}, an integer type takes whole numbers only. */
    public static Node constant(DType dtype, double value) {
        if (dtype.isFloating()) {
            return node(new Op.Constant(Double.doubleToRawLongBits(Halves.round(dtype, value))), dtype, Shape.SCALAR);
        }
        if (value != Math.rint(value) || value < -0x1p63 || value >= 0x1p63) {
            throw error("constant %s does not fit %s, which holds whole numbers of %d bits: use a floating dtype",
                value, dtype.text(), 8 * dtype.bytes());
        }
        return constant(dtype, (long) value);
    }

    /** A scalar of any dtype from an integer; a value outside an integer type's range is an error. */
    public static Node constant(DType dtype, long value) {
        if (dtype.isFloating()) {
            return constant(dtype, (double) value);
        }
        boolean fits = switch (dtype) {
            case BOOL -> value == 0 || value == 1;
            case U8 -> value >= 0 && value <= 255;
            case I32 -> value == (int) value;
            case I64 -> true;
            case F16, BF16, F32, F64 -> throw new AssertionError(dtype);
        };
        if (!fits) {
            throw error("constant %d is out of range for %s, which holds %s: use a wider dtype", value, dtype.text(),
                dtype.isBoolean() ? "0 and 1" : dtype == DType.U8 ? "0 to 255" : "numbers of 32 bits");
        }
        return node(new Op.Constant(value), dtype, Shape.SCALAR);
    }

    public static Node full(DType dtype, Shape shape, double value) {
        return broadcastTo(constant(dtype, value), shape);
    }

    public static Node fullLike(Node x, double value) {
        return full(x.dtype(), x.shape(), value);
    }

    public static Node zerosLike(Node x) {
        return fullLike(x, 0);
    }

    public static Node onesLike(Node x) {
        return fullLike(x, 1);
    }

    public static Node zeroOf(DType dtype) {
        return constant(dtype, 0L);
    }

    /** 0, 1, ..., count - 1. */
    public static Node iota(DType dtype, long count) {
        if (count < 0) {
            throw error("iota: the count must not be negative but is %d", count);
        }
        boolean isLong = count > Integer.MAX_VALUE;
        DType integer = dtype == DType.I64 || isLong && dtype.isFloating() ? DType.I64 : DType.I32;
        if (isLong && integer == DType.I32) {
            throw error("iota: %d elements need dtype i64", count);
        }
        return cast(node(new Op.Iota(), integer, Shape.of(count)), dtype);
    }

    /** {@code I32} random bits; see {@link Op.RandomBits}. */
    public static Node randomBits(Shape shape, Node state, long stream) {
        return randomBits(shape, state, constant(DType.I64, stream));
    }

    /** As {@link #randomBits(Shape, Node, long)} with a stream that is a node, {@code i64()}. */
    public static Node randomBits(Shape shape, Node state, Node stream) {
        if (!state.type().equals(new TensorType(DType.I64, Shape.of(2)))) {
            throw error("randomBits: the state must be i64(2) but is %s", state.type());
        }
        if (!stream.type().equals(new TensorType(DType.I64, Shape.SCALAR))) {
            throw error("randomBits: the stream must be an i64 scalar but is %s", stream.type());
        }
        return node(new Op.RandomBits(), DType.I32, shape, state, stream);
    }

    // Elementwise

    public static Node unary(UnaryOp op, Node x) {
        Node operand = op.isFloatingOnly() && !x.dtype().isFloating() ? cast(x, DType.F32) : x;
        if (!op.accepts(operand.dtype())) {
            throw error("%s: does not take %s: %s first", op.text(), x.type(), operand.dtype().isBoolean()
                ? "cast it to a number type" : "compare it with something, or cast it to bool or an integer type");
        }
        return node(new Op.Unary(op), op.resultType(operand.dtype()), operand.shape(), operand);
    }

    public static Node binary(BinaryOp op, Node a, Node b) {
        DType dtype = DType.promote(a.dtype(), b.dtype());
        if (op.isFloatingOnly() && !dtype.isFloating()) {
            dtype = DType.F32;
        }
        if (dtype.isBoolean() && !op.accepts(dtype)) {
            throw error("%s: does not take bool tensors: cast %s and %s to a number type first",
                op.text(), a.type(), b.type());
        }
        if (!op.accepts(dtype)) {
            throw error("%s: does not take %s and %s: cast them to %san integer type first", op.text(), a.type(),
                b.type(), op.accepts(DType.BOOL) ? "bool or " : "");
        }
        Shape shape = Shape.broadcast(op.text(), a.shape(), b.shape());
        return node(new Op.Binary(op), op.resultType(dtype), shape,
            broadcastTo(cast(a, dtype), shape), broadcastTo(cast(b, dtype), shape));
    }

    /** A Java scalar takes the tensor's dtype; a fraction turns an integer tensor into {@code F32}, as in JAX. */
    public static Node scalar(Node like, double value) {
        boolean whole = value == Math.rint(value) && !Double.isInfinite(value);
        DType dtype = like.dtype().isFloating() ? like.dtype()
            : !whole ? DType.F32 : like.dtype().isBoolean() ? DType.I32 : like.dtype();
        return constant(dtype, value);
    }

    public static Node binary(BinaryOp op, Node a, double b) {
        return binary(op, a, scalar(a, b));
    }

    public static Node binary(BinaryOp op, double a, Node b) {
        return binary(op, scalar(b, a), b);
    }

    public static Node add(Node a, Node b) {
        return binary(BinaryOp.ADD, a, b);
    }

    public static Node add(Node a, double b) {
        return binary(BinaryOp.ADD, a, b);
    }

    public static Node sub(Node a, Node b) {
        return binary(BinaryOp.SUB, a, b);
    }

    public static Node sub(Node a, double b) {
        return binary(BinaryOp.SUB, a, b);
    }

    public static Node sub(double a, Node b) {
        return binary(BinaryOp.SUB, a, b);
    }

    public static Node mul(Node a, Node b) {
        return binary(BinaryOp.MUL, a, b);
    }

    public static Node mul(Node a, double b) {
        return binary(BinaryOp.MUL, a, b);
    }

    /** True division: integers are cast to {@code F32}, as in PyTorch and JAX. */
    public static Node div(Node a, Node b) {
        if (!DType.promote(a.dtype(), b.dtype()).isFloating()) {
            return binary(BinaryOp.DIV, cast(a, DType.F32), cast(b, DType.F32));
        }
        return binary(BinaryOp.DIV, a, b);
    }

    public static Node div(Node a, double b) {
        Node x = a.dtype().isFloating() ? a : cast(a, DType.F32);
        return div(x, scalar(x, b));
    }

    public static Node div(double a, Node b) {
        Node x = b.dtype().isFloating() ? b : cast(b, DType.F32);
        return div(scalar(x, a), x);
    }

    public static Node pow(Node a, Node b) {
        return binary(BinaryOp.POW, a, b);
    }

    public static Node min(Node a, Node b) {
        return binary(BinaryOp.MIN, a, b);
    }

    public static Node max(Node a, Node b) {
        return binary(BinaryOp.MAX, a, b);
    }

    public static Node equal(Node a, Node b) {
        return binary(BinaryOp.EQUAL, a, b);
    }

    public static Node equal(Node a, double b) {
        return binary(BinaryOp.EQUAL, a, b);
    }

    public static Node lessThan(Node a, Node b) {
        return binary(BinaryOp.LESS_THAN, a, b);
    }

    public static Node greaterThan(Node a, Node b) {
        return binary(BinaryOp.GREATER_THAN, a, b);
    }

    public static Node neg(Node x) {
        return unary(UnaryOp.NEG, x);
    }

    public static Node sign(Node x) {
        return unary(UnaryOp.SIGN, x);
    }

    public static Node abs(Node x) {
        return unary(UnaryOp.ABS, x);
    }

    public static Node exp(Node x) {
        return unary(UnaryOp.EXP, x);
    }

    public static Node expm1(Node x) {
        return unary(UnaryOp.EXPM1, x);
    }

    public static Node log(Node x) {
        return unary(UnaryOp.LOG, x);
    }

    public static Node erf(Node x) {
        return unary(UnaryOp.ERF, x);
    }

    public static Node log1p(Node x) {
        return unary(UnaryOp.LOG1P, x);
    }

    public static Node sqrt(Node x) {
        return unary(UnaryOp.SQRT, x);
    }

    public static Node reciprocal(Node x) {
        return unary(UnaryOp.RECIPROCAL, x);
    }

    public static Node sin(Node x) {
        return unary(UnaryOp.SIN, x);
    }

    public static Node cos(Node x) {
        return unary(UnaryOp.COS, x);
    }

    public static Node atan(Node x) {
        return unary(UnaryOp.ATAN, x);
    }

    public static Node tanh(Node x) {
        return unary(UnaryOp.TANH, x);
    }

    public static Node trunc(Node x) {
        return unary(UnaryOp.TRUNC, x);
    }

    public static Node where(Node condition, Node a, Node b) {
        if (!condition.dtype().isBoolean()) {
            throw error("where: the condition must be bool but is %s: compare it with something", condition.type());
        }
        DType dtype = DType.promote(a.dtype(), b.dtype());
        Shape shape = Shape.broadcast("where", condition.shape(), Shape.broadcast("where", a.shape(), b.shape()));
        return node(new Op.Where(), dtype, shape, broadcastTo(condition, shape),
            broadcastTo(cast(a, dtype), shape), broadcastTo(cast(b, dtype), shape));
    }

    /** The tensor itself where it has that dtype. */
    public static Node cast(Node x, DType dtype) {
        return x.dtype() == Objects.requireNonNull(dtype, "dtype") ? x : node(new Op.Cast(dtype), dtype, x.shape(), x);
    }

    /** In the type kernels compute in: 16-bit tensors become {@code F32}. */
    public static Node widen(Node x) {
        return cast(x, x.dtype().computeType());
    }

    public static Node stopGradient(Node x) {
        return node(new Op.StopGradient(), x.dtype(), x.shape(), x);
    }

    /**
     * {@code values}, which were computed from {@code inputs}, with a derivative of their own; see
     * {@link Op.WithGradient}.
     */
    public static List<Node> withGradient(String label, List<Node> values, List<Node> inputs,
        Op.WithGradient.Rule rule) {
        List<Node> all = new ArrayList<>(values);
        all.addAll(inputs);
        List<TensorType> types = values.stream().map(Node::type).toList();
        Node node = new Node(new Op.WithGradient(label, values.size(), rule), types, all);
        return IntStream.range(0, values.size()).mapToObj(node::output).toList();
    }

    /** The same value and derivative as a node of its own, to differentiate for it and nothing else that reads x. */
    public static Node alias(Node x) {
        return withGradient("alias", List.of(x), List.of(x), (_, _, cotangents) -> cotangents).getFirst();
    }

    /** See {@link Op.Barrier}. */
    public static Node barrier(Node x, List<Node> dependencies) {
        List<Node> inputs = new ArrayList<>();
        inputs.add(x);
        inputs.addAll(dependencies);
        return node(new Op.Barrier(), x.dtype(), x.shape(), inputs.toArray(Node[]::new));
    }

    /** The operation of {@code node} on other inputs, of the same types; where it was recorded stays with it. */
    public static Node again(Node node, List<Node> inputs) {
        return Origin.like(node, () -> new Node(node.op(), node.types(), inputs));
    }

    /**
     * An extremum whose operands are compared with it, for a gradient. Of 16-bit operands it is found once more: a plan
     * that computes them again may round them elsewhere than the plan that the value came of, and none would be equal.
     * A plan that has both computes one.
     */
    static Node extremum(Node node) {
        return node.dtype().isHalf() ? again(node, node.inputs()) : node;
    }

    // Reductions

    /** Folds {@code axes} (in [0, rank), distinct) and drops them; the tensor itself where there are none. */
    public static Node reduce(ReduceOp op, Node x, List<Integer> axes) {
        if (axes.isEmpty()) {
            return x;
        }
        if (x.dtype().isBoolean()) {
            throw error("%s: does not take bool tensors: cast %s to a number type first", op.text(), x.type());
        }
        for (int axis : axes) {
            if (op.isChoice() && x.shape().extent(axis) == 0) {
                throw error("%s: axis %d of %s is empty, and nothing has no %s", op.text(), axis, x.shape(), op.text());
            }
        }
        List<Integer> ascending = axes.stream().sorted().toList();
        Shape shape = x.shape().without(ascending.stream().mapToInt(Integer::intValue).toArray());
        return node(new Op.Reduce(op, ascending), x.dtype(), shape, x);
    }

    /** As {@link #reduce(ReduceOp, Node, List)} with axes as the user wrote them; none means all of them. */
    public static Node reduce(ReduceOp op, Node x, boolean keepAxes, int... axes) {
        int[] resolved = axes.length == 0 ? allAxes(x) : resolveAxes(op.text(), x.shape(), axes);
        Node result = reduce(op, x, Op.ints(resolved));
        if (!keepAxes) {
            return result;
        }
        long[] extents = x.shape().toArray();
        for (int axis : resolved) {
            extents[axis] = 1;
        }
        return reshape(result, Shape.of(extents));
    }

    public static Node sum(Node x) {
        return reduce(ReduceOp.SUM, x, false);
    }

    /** Sum along the last axis, which stays with extent 1. */
    public static Node sumKeep(Node x) {
        return reduce(ReduceOp.SUM, x, true, -1);
    }

    /** Maximum along the last axis, which stays with extent 1. */
    public static Node maxKeep(Node x) {
        return reduce(ReduceOp.MAX, x, true, -1);
    }

    public static Node mean(Node x, boolean keepAxes, int... axes) {
        Node operand = x.dtype().isFloating() ? x : cast(x, DType.F32);
        int[] resolved = axes.length == 0 ? allAxes(x) : resolveAxes("mean", x.shape(), axes);
        long count = 1;
        for (int axis : resolved) {
            count *= x.shape().extent(axis);
        }
        if (count == 0) {
            throw error("mean: there is nothing to average in %s", x.shape());
        }
        Node sum = resolved.length == 0 ? widen(operand) : reduce(ReduceOp.SUM, widen(operand), keepAxes, resolved);
        return cast(div(sum, count), operand.dtype());
    }

    public static Node argReduce(boolean largest, Node x, int axis) {
        String name = largest ? "argmax" : "argmin";
        int resolved = x.shape().axis(name, axis);
        if (x.shape().extent(resolved) == 0) {
            throw error("%s: axis %d of %s is empty", name, axis, x.shape());
        }
        if (x.dtype().isBoolean()) {
            throw error("%s: does not take bool tensors: cast %s to a number type first", name, x.type());
        }
        return node(new Op.ArgReduce(largest, resolved), DType.I64, x.shape().without(resolved), x);
    }

    /** A reduced tensor stretched back over the axes it lost. */
    static Node expandReduced(Node reduced, Shape shape, List<Integer> axes) {
        long[] extents = shape.toArray();
        for (int axis : axes) {
            extents[axis] = 1;
        }
        return broadcastTo(reshape(reduced, Shape.of(extents)), shape);
    }

    static int[] allAxes(Node x) {
        int[] axes = new int[x.shape().rank()];
        Arrays.setAll(axes, i -> i);
        return axes;
    }

    static int[] resolveAxes(String op, Shape shape, int... axes) {
        int[] resolved = new int[axes.length];
        for (int i = 0; i < axes.length; i++) {
            resolved[i] = shape.axis(op, axes[i]);
            for (int j = 0; j < i; j++) {
                if (resolved[j] == resolved[i]) {
                    throw error("%s: axis %d is named twice", op, axes[i]);
                }
            }
        }
        return resolved;
    }

    // Movement

    /** The tensor itself where it has that shape. */
    public static Node reshape(Node x, Shape shape) {
        if (x.shape().equals(shape)) {
            return x;
        }
        if (x.shape().elements() != shape.elements()) {
            throw error("reshape: %s has %d elements, %s has %d", x.shape(), x.shape().elements(), shape,
                shape.elements());
        }
        return node(new Op.Reshape(shape), x.dtype(), shape, x);
    }

    /** Axis i of the result is axis {@code axes[i]} of x. */
    public static Node permute(Node x, int... axes) {
        int[] resolved = resolveAxes("permute", x.shape(), axes);
        if (resolved.length != x.shape().rank()) {
            throw error("permute: %s has %d axes but %d are named", x.shape(), x.shape().rank(), axes.length);
        }
        long[] extents = new long[resolved.length];
        boolean identity = true;
        for (int i = 0; i < resolved.length; i++) {
            extents[i] = x.shape().extent(resolved[i]);
            identity &= resolved[i] == i;
        }
        return identity ? x : node(new Op.Permute(Op.ints(resolved)), x.dtype(), Shape.of(extents), x);
    }

    /** Swaps two axes. */
    public static Node transpose(Node x, int axis1, int axis2) {
        int[] axes = allAxes(x);
        int first = x.shape().axis("transpose", axis1);
        int second = x.shape().axis("transpose", axis2);
        axes[first] = second;
        axes[second] = first;
        return permute(x, axes);
    }

    /** Swaps the last two axes. */
    public static Node transpose(Node x) {
        return transpose(x, -2, -1);
    }

    /** Repeats axes of extent 1, and adds axes in front. */
    public static Node broadcastTo(Node x, Shape shape) {
        if (x.shape().equals(shape)) {
            return x;
        }
        if (!x.shape().broadcastsTo(shape)) {
            throw error("expand: %s does not broadcast to %s", x.shape(), shape);
        }
        long[] extents = new long[shape.rank()];
        Arrays.fill(extents, 1);
        System.arraycopy(x.shape().toArray(), 0, extents, shape.rank() - x.shape().rank(), x.shape().rank());
        Node aligned = reshape(x, Shape.of(extents));
        return aligned.shape().equals(shape) ? aligned : node(new Op.Expand(shape), x.dtype(), shape, aligned);
    }

    /** Elements [start, end) of one axis; both may count from the end (-1 is the last). */
    public static Node slice(Node x, int axis, long start, long end) {
        int resolved = x.shape().axis("slice", axis);
        long extent = x.shape().extent(resolved);
        long first = start < 0 ? start + extent : start;
        long last = end < 0 ? end + extent : end;
        if (first < 0 || last > extent || first > last) {
            throw error("slice: [%d, %d) is no range of axis %d of %s", start, end, axis, x.shape());
        }
        long[] starts = new long[x.shape().rank()];
        long[] steps = new long[x.shape().rank()];
        Arrays.fill(steps, 1);
        starts[resolved] = first;
        return slice(x, Op.longs(starts), Op.longs(steps), x.shape().with(resolved, last - first));
    }

    /** Element i of an axis of the result is element {@code start + i * step} of x. */
    public static Node slice(Node x, List<Long> starts, List<Long> steps, Shape shape) {
        Shape source = x.shape();
        if (starts.size() != source.rank() || steps.size() != source.rank() || shape.rank() != source.rank()) {
            throw error("slice: %s needs a start, a step and an extent for each axis", source);
        }
        boolean identity = source.equals(shape);
        for (int axis = 0; axis < source.rank(); axis++) {
            long step = steps.get(axis);
            long last = starts.get(axis) + (shape.extent(axis) - 1) * step;
            if (step == 0) {
                throw error("slice: the step of axis %d is 0", axis);
            }
            if (shape.extent(axis) > 0 && (starts.get(axis) < 0 || starts.get(axis) >= source.extent(axis) || last < 0
                || last >= source.extent(axis))) {
                throw error("slice: elements %d to %d are not all in axis %d of %s", starts.get(axis), last, axis,
                    source);
            }
            identity &= starts.get(axis) == 0 && step == 1;
        }
        return identity ? x : node(new Op.Slice(List.copyOf(starts), List.copyOf(steps), shape), x.dtype(), shape, x);
    }

    /** See {@link Op.Windows}; {@code size}, {@code step} and {@code dilation} are positive. */
    public static Node windows(Node x, int axis, long size, long step, long dilation) {
        int resolved = x.shape().axis("windows", axis);
        if (size < 1 || step < 1 || dilation < 1) {
            throw error("windows: size %d, step %d and dilation %d must be positive", size, step, dilation);
        }
        Op.Windows op = new Op.Windows(resolved, size, step, dilation);
        Shape source = x.shape();
        long count = op.count(source.extent(resolved));
        long[] extents = Arrays.copyOf(source.toArray(), source.rank() + 1);
        extents[resolved] = count;
        extents[source.rank()] = size;
        Shape shape = Shape.of(extents);
        if (size == 1 && count > 0) {
            long[] steps = new long[source.rank()];
            Arrays.fill(steps, 1);
            steps[resolved] = step;
            return reshape(slice(x, Op.longs(new long[source.rank()]), Op.longs(steps), source.with(resolved, count)),
                shape);
        }
        if (dilation == 1 && step == size) {
            // Windows side by side are the axis in two: no sum is needed to come back.
            long[] split = new long[source.rank() + 1];
            int[] order = new int[source.rank() + 1];
            for (int i = 0; i < split.length; i++) {
                split[i] = i <= resolved ? extents[i] : i == resolved + 1 ? size : source.extent(i - 1);
                order[i] = i <= resolved ? i : i == source.rank() ? resolved + 1 : i + 1;
            }
            return permute(reshape(slice(x, resolved, 0, count * size), Shape.of(split)), order);
        }
        return node(op, x.dtype(), shape, x);
    }

    /** The adjoint of {@link #windows}: a tensor of {@code shape}, each element the sum of where windows hold it. */
    static Node addWindows(Node windows, Op.Windows op, Shape shape) {
        int last = shape.rank();
        long count = windows.shape().extent(op.axis());
        boolean byPlace = op.size() <= count;
        Node sum = null;
        // Place i of window w is element w * step + i * dilation: one term for each of what there is less of.
        for (long i = 0; i < Math.min(op.size(), count); i++) {
            Node part = byPlace ? slice(windows, last, i, i + 1)
                : transpose(slice(windows, op.axis(), i, i + 1), op.axis(), last);
            long[] low = new long[last];
            long[] interior = new long[last];
            low[op.axis()] = i * (byPlace ? op.dilation() : op.step());
            interior[op.axis()] = (byPlace ? op.step() : op.dilation()) - 1;
            Node placed = pad(reshape(part, part.shape().without(last)), low, interior, shape, zeroOf(windows.dtype()));
            sum = sum == null ? placed : add(sum, placed);
        }
        return sum == null ? full(windows.dtype(), shape, 0) : sum;
    }

    public static Node flip(Node x, int... axes) {
        if (axes.length == 0 || x.shape().isEmpty()) {
            return x;
        }
        long[] starts = new long[x.shape().rank()];
        long[] steps = new long[x.shape().rank()];
        Arrays.fill(steps, 1);
        for (int axis : resolveAxes("flip", x.shape(), axes)) {
            starts[axis] = x.shape().extent(axis) - 1;
            steps[axis] = -1;
        }
        return slice(x, Op.longs(starts), Op.longs(steps), x.shape());
    }

    /** Puts element i of an axis at {@code low + i * (interior + 1)} of a tensor of {@code shape} filled with value. */
    public static Node pad(Node x, long[] low, long[] interior, Shape shape, Node value) {
        if (low.length != x.shape().rank() || interior.length != low.length || shape.rank() != low.length) {
            throw error("pad: %s needs a low and an interior padding for each axis", x.shape());
        }
        if (!value.type().equals(new TensorType(x.dtype(), Shape.SCALAR))) {
            throw error("pad: the value must be a scalar of %s but is %s", x.dtype().text(), value.type());
        }
        boolean identity = x.shape().equals(shape);
        for (int axis = 0; axis < low.length; axis++) {
            if (!fits(x.shape().extent(axis), low[axis], interior[axis], shape.extent(axis))) {
                throw error("pad: axis %d of %s does not fit %s at %d", axis, x.shape(), shape, low[axis]);
            }
            identity &= low[axis] == 0 && interior[axis] == 0;
        }
        return identity ? x : node(new Op.Pad(Op.longs(low), Op.longs(interior), shape), x.dtype(), shape, x, value);
    }

    /** Whether {@code extent} elements, {@code interior} places apart, lie in {@code room} from {@code low} on. */
    private static boolean fits(long extent, long low, long interior, long room) {
        if (low < 0 || interior < 0 || low > room || extent > room - low) {
            return false;
        }
        return extent < 2 || (room - low - extent) / (extent - 1) >= interior;
    }

    public static Node concat(int axis, List<Node> tensors) {
        if (tensors.isEmpty()) {
            throw error("concat: there is no tensor to join");
        }
        DType dtype = tensors.stream().map(Node::dtype).reduce(DType::promote).orElseThrow();
        Shape first = tensors.getFirst().shape();
        int resolved = first.axis("concat", axis);
        long total = 0;
        for (Node tensor : tensors) {
            if (tensor.shape().rank() != first.rank()
                || !tensor.shape().with(resolved, 0).equals(first.with(resolved, 0))) {
                throw error("concat: %s and %s differ outside axis %d", first, tensor.shape(), axis);
            }
            total = sum("concat", total, tensor.shape().extent(resolved));
        }
        Node[] inputs = tensors.stream().map(tensor -> cast(tensor, dtype)).toArray(Node[]::new);
        return inputs.length == 1 ? inputs[0]
            : node(new Op.Concat(resolved), dtype, first.with(resolved, total), inputs);
    }

    // Products

    /** Batched matrix product; a vector on either side is a matrix of one row or column, whose axis is dropped. */
    public static Node matmul(Node a, Node b) {
        if (a.shape().rank() == 0 || b.shape().rank() == 0) {
            throw error("matmul: a %s and b %s need at least one axis each: use mul for scalars", a.shape(), b.shape());
        }
        if (a.shape().rank() == 1) {
            Node row = matmul(reshape(a, Shape.of(1, a.shape().extent(0))), b);
            int axis = b.shape().rank() == 1 ? 0 : row.shape().rank() - 2;
            return reshape(row, row.shape().without(axis));
        }
        if (b.shape().rank() == 1) {
            Node column = matmul(a, reshape(b, b.shape().withTrailingOne()));
            return reshape(column, column.shape().without(column.shape().rank() - 1));
        }
        int rankA = a.shape().rank();
        int rankB = b.shape().rank();
        long m = a.shape().extent(rankA - 2);
        long k = a.shape().extent(rankA - 1);
        long n = b.shape().extent(rankB - 1);
        if (k != b.shape().extent(rankB - 2)) {
            throw error("matmul: the last dimension of a %s must equal the second-to-last of b %s", a.shape(),
                b.shape());
        }
        DType dtype = DType.promote(a.dtype(), b.dtype());
        if (dtype.isBoolean()) {
            throw error("matmul: does not take bool tensors: cast %s and %s to a number type first", a.type(),
                b.type());
        }
        if (rankB == 2 && rankA > 2) {
            // One product over all rows, so that the gradient of b is one product as well, not a sum over the batch.
            long rows = a.shape().without(rankA - 1).elements();
            Node flat = matmul(reshape(a, Shape.of(rows, k)), b);
            return reshape(flat, a.shape().with(rankA - 1, n));
        }
        Shape batch = Shape.broadcast("matmul", a.shape().without(rankA - 2, rankA - 1),
            b.shape().without(rankB - 2, rankB - 1));
        return node(new Op.MatMul(), dtype, matrix(batch, m, n), broadcastTo(cast(a, dtype), matrix(batch, m, k)),
            broadcastTo(cast(b, dtype), matrix(batch, k, n)));
    }

    static Shape matrix(Shape batch, long rows, long columns) {
        long[] extents = Arrays.copyOf(batch.toArray(), batch.rank() + 2);
        extents[batch.rank()] = rows;
        extents[batch.rank() + 1] = columns;
        return Shape.of(extents);
    }

    // Shared by the other families

    static Node fused(Op.Fused op, Node... inputs) {
        List<TensorType> types = Arrays.stream(inputs).map(Node::type).toList();
        return new Node(op, op.infer(types), List.of(inputs));
    }

    /** {@link Op.Fused#batched} for operations that take any leading axes: inputs that lack the mapped one get it. */
    static List<Node> alongLeadingAxes(Op.Fused op, List<Node> inputs, boolean[] mapped, long extent) {
        Node[] all = new Node[mapped.length];
        for (int i = 0; i < all.length; i++) {
            Node input = inputs.get(i);
            all[i] = mapped[i] ? input : broadcastTo(input, input.shape().withLeading(extent));
        }
        return results(fused(op, all));
    }

    static List<Node> results(Node node) {
        return IntStream.range(0, node.types().size()).mapToObj(node::output).toList();
    }

    /** @throws IllegalArgumentException beyond 2^63 - 1 elements */
    static long sum(String op, long a, long b) {
        if (a > Long.MAX_VALUE - b) {
            throw error("%s: %d and %d elements are more than 2^63", op, a, b);
        }
        return a + b;
    }

    /** @throws IllegalArgumentException beyond 2^63 - 1 elements */
    static long product(String op, long a, long b) {
        if (b != 0 && a > Long.MAX_VALUE / b) {
            throw error("%s: %d times %d elements are more than 2^63", op, a, b);
        }
        return a * b;
    }

    static void requireFloating(String op, DType dtype) {
        if (!dtype.isFloating()) {
            throw error("%s: needs a floating dtype but got %s: cast it first", op, dtype.text());
        }
    }

    static Node floating(Node x) {
        return x.dtype().isFloating() ? x : cast(x, DType.F32);
    }
}

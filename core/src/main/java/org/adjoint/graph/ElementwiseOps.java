package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.Arrays;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;

/**
 * Elementwise functions made of {@link UnaryOp}s and {@link BinaryOp}s. Where PyTorch has a function of that name,
 * results and derivatives are its, at kinks as well.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class ElementwiseOps {
    /** Klambauer et al., "Self-normalizing neural networks", 2017. */
    private static final double SELU_ALPHA = 1.6732632423543772;
    private static final double SELU_SCALE = 1.0507009873554805;

    private ElementwiseOps() { }

    /** Promotes and broadcasts; integers and truth values are cast to {@code F32}. */
    public static Node composed(ComposedOp op, Node... operands) {
        DType promoted = Arrays.stream(operands).map(Node::dtype).reduce(DType::promote).orElseThrow();
        DType dtype = promoted.isFloating() ? promoted : DType.F32;
        Shape shape = Arrays.stream(operands).map(Node::shape)
            .reduce((a, b) -> Shape.broadcast(op.text(), a, b)).orElseThrow();
        return ComposedOp.apply(op, Arrays.stream(operands).map(x -> broadcastTo(cast(x, dtype), shape))
            .toArray(Node[]::new));
    }

    /** In the dtype of the result, computed in {@link DType#computeType}. */
    private static Node wide(Node x, UnaryOperator<Node> function) {
        Node operand = floating(x);
        return cast(function.apply(widen(operand)), operand.dtype());
    }

    /** {@code 2^x}. */
    public static Node exp2(Node x) {
        Node operand = floating(x);
        return pow(constant(operand.dtype(), 2.0), operand);
    }

    public static Node log2(Node x) {
        return wide(x, a -> div(log(a), Math.log(2)));
    }

    public static Node log10(Node x) {
        return wide(x, a -> div(log(a), Math.log(10)));
    }

    private static void requireFinite(String what, double value) {
        if (!Double.isFinite(value)) {
            throw error("%s must be finite but is %s", what, value);
        }
    }

    private static Node positive(Node x) {
        return greaterThan(x, zeroOf(x.dtype()));
    }

    /** x or, where it is not negative, 0: what an exponential can take whose value is not used there. */
    private static Node negativePart(Node x) {
        return where(positive(x), zeroOf(x.dtype()), x);
    }

    /** x for positive x, {@code slope x} elsewhere. */
    public static Node leakyRelu(Node x, double slope) {
        requireFinite("leakyRelu: the slope", slope);
        return wide(x, a -> where(positive(a), a, mul(a, slope)));
    }

    /** x for positive x, {@code slope x} elsewhere, for a slope that broadcasts with x. */
    public static Node prelu(Node x, Node slope) {
        Node a = floating(x);
        Shape.broadcast("prelu", x.shape(), slope.shape());
        return where(positive(a), a, mul(a, slope));
    }

    /** x for positive x, {@code alpha (e^x - 1)} elsewhere (Clevert et al., 2015). */
    public static Node elu(Node x, double alpha) {
        requireFinite("elu: alpha", alpha);
        return wide(x, a -> where(positive(a), a, mul(expm1(negativePart(a)), alpha)));
    }

    /** x for positive x, {@code alpha (e^(x / alpha) - 1)} elsewhere (Barron, 2017). */
    public static Node celu(Node x, double alpha) {
        if (!(alpha > 0)) {
            throw error("celu: alpha must be positive but is %s", alpha);
        }
        return wide(x, a -> where(positive(a), a, mul(expm1(div(negativePart(a), alpha)), alpha)));
    }

    public static Node selu(Node x) {
        return wide(x, a -> mul(elu(a, SELU_ALPHA), SELU_SCALE));
    }

    /** {@code x sigmoid(x)}, also known as swish. */
    public static Node silu(Node x) {
        return wide(x, a -> mul(a, unary(UnaryOp.SIGMOID, a)));
    }

    /** {@code log(1 + e^(beta x)) / beta}, without the threshold that PyTorch needs. */
    public static Node softplus(Node x, double beta) {
        if (!(beta > 0)) {
            throw error("softplus: beta must be positive but is %s", beta);
        }
        if (beta == 1) {
            return composed(ComposedOp.SOFTPLUS, x);
        }
        return wide(x, a -> {
            Node scaled = mul(a, beta);
            // Beyond 40 the result is x in F64 as well, and the product may overflow.
            return where(greaterThan(scaled, constant(a.dtype(), 40.0)), a,
                div(composed(ComposedOp.SOFTPLUS, scaled), beta));
        });
    }

    /** {@code log(sigmoid(x))}. */
    public static Node logSigmoid(Node x) {
        return neg(composed(ComposedOp.SOFTPLUS, neg(floating(x))));
    }

    /** {@code x / (1 + |x|)}. */
    public static Node softsign(Node x) {
        return wide(x, a -> div(a, add(abs(a), 1)));
    }

    /** x limited to [low, high]; the derivative is 0 at the limits too. */
    public static Node hardTanh(Node x, double low, double high) {
        if (!(low < high)) {
            throw error("hardTanh: low must be less than high but they are %s and %s", low, high);
        }
        Node a = floating(x);
        Node below = binary(BinaryOp.LESS_OR_EQUAL, a, low);
        Node above = binary(BinaryOp.GREATER_OR_EQUAL, a, high);
        return where(below, fullLike(a, low), where(above, fullLike(a, high), a));
    }

    /** {@code clamp(x + 3, 0, 6) / 6}. */
    public static Node hardSigmoid(Node x) {
        return wide(x, a -> div(hardTanh(add(a, 3), 0, 6), 6));
    }

    // Rounding and remainders

    /** {@code x - trunc(x)}. */
    public static Node frac(Node x) {
        Node a = floating(x);
        return sub(a, trunc(a));
    }

    /**
     * The remainder of division rounded down, with the divisor's sign: PyTorch's {@code remainder}, Python's {@code %}.
     * What {@link BinaryOp#REMAINDER} gives is PyTorch's {@code fmod}. 0 for an integer divisor of 0.
     */
    public static Node mod(Node a, Node b) {
        return dividing("mod", a, b, (dividend, divisor) -> {
            Node remainder = binary(BinaryOp.REMAINDER, dividend, divisor);
            return where(roundedUp(remainder, divisor), add(remainder, divisor), remainder);
        });
    }

    /**
     * The quotient rounded down, in the operands' dtype; gradients do not pass. 0 for an integer divisor of 0. As
     * PyTorch's {@code floor_divide}, {@code a = b floorDivide(a, b) + mod(a, b)} but for rounding.
     */
    public static Node floorDivide(Node a, Node b) {
        return dividing("floorDivide", a, b, (dividend, divisor) -> {
            Node remainder = binary(BinaryOp.REMAINDER, dividend, divisor);
            Node one = constant(divisor.dtype(), 1L);
            boolean whole = !divisor.dtype().isFloating();
            // a - remainder is a multiple of b but for rounding; integers divide towards zero anyway.
            Node quotient = binary(BinaryOp.DIV, whole ? dividend : sub(dividend, remainder), divisor);
            Node floor = where(roundedUp(remainder, divisor), sub(quotient, one), quotient);
            return whole ? floor : stopGradient(signedFloor(unary(UnaryOp.ROUND, floor), dividend, divisor));
        });
    }

    /** Zeros with the ratio's sign, and the ratio itself where the divisor is 0. */
    private static Node signedFloor(Node floor, Node dividend, Node divisor) {
        Node ratio = div(dividend, divisor);
        return where(equal(divisor, 0), ratio, where(equal(floor, 0), mul(floor, sign(ratio)), floor));
    }

    /** A function of two numbers of one shape and compute type, in their dtype. */
    private static Node dividing(String op, Node a, Node b, BinaryOperator<Node> function) {
        DType dtype = DType.promote(a.dtype(), b.dtype());
        if (dtype.isBoolean()) {
            throw error("%s: does not take bool tensors: cast %s and %s to a number type first", op, a.type(),
                b.type());
        }
        Shape shape = Shape.broadcast(op, a.shape(), b.shape());
        Node left = widen(broadcastTo(cast(a, dtype), shape));
        Node right = widen(broadcastTo(cast(b, dtype), shape));
        return cast(function.apply(left, right), dtype);
    }

    /** Whether a remainder that is not 0 and the divisor differ in sign. */
    private static Node roundedUp(Node remainder, Node divisor) {
        Node differ = binary(BinaryOp.NOT_EQUAL, lessThan(remainder, zeroOf(remainder.dtype())),
            lessThan(divisor, zeroOf(divisor.dtype())));
        return binary(BinaryOp.AND, differ, binary(BinaryOp.NOT_EQUAL, remainder, 0));
    }

    // Limits

    /** x, where a limit is beyond it that one; a limit may be null. NaN where one is; x passes gradients at a limit. */
    public static Node clamp(Node x, Node low, Node high) {
        if (low == null && high == null) {
            throw error("clamp: needs a lower or an upper limit, or both");
        }
        Node raised = low == null ? x : where(binary(BinaryOp.GREATER_OR_EQUAL, x, low), x, max(x, low));
        return high == null ? raised
            : where(binary(BinaryOp.LESS_OR_EQUAL, raised, high), raised, min(raised, high));
    }

    /** As {@link #clamp(Node, Node, Node)}; a limit that is infinite is none. */
    public static Node clamp(Node x, double low, double high) {
        if (Double.isNaN(low) || Double.isNaN(high)) {
            throw error("clamp: the limits must be numbers but are %s and %s", low, high);
        }
        Node raised = low == Double.NEGATIVE_INFINITY ? x : clamp(x, scalar(x, low), null);
        return high == Double.POSITIVE_INFINITY ? raised : clamp(raised, null, scalar(raised, high));
    }

    /** {@code a + weight (b - a)}, computed from the nearer end, so that weight 1 gives b. */
    public static Node lerp(Node a, Node b, Node weight) {
        DType dtype = DType.promote(DType.promote(a.dtype(), b.dtype()), weight.dtype());
        DType result = dtype.isFloating() ? dtype : DType.F32;
        Shape.broadcast("lerp", Shape.broadcast("lerp", a.shape(), b.shape()), weight.shape());
        Node start = widen(cast(a, result));
        Node end = widen(cast(b, result));
        Node w = widen(cast(weight, result));
        Node difference = sub(end, start);
        Node fromStart = add(start, mul(w, difference));
        Node fromEnd = sub(end, mul(difference, sub(1, w)));
        return cast(where(lessThan(abs(w), constant(w.dtype(), 0.5)), fromStart, fromEnd), result);
    }

    /** {@link #lerp(Node, Node, Node)} with a weight in the dtype of the others. */
    public static Node lerp(Node a, Node b, double weight) {
        DType dtype = DType.promote(a.dtype(), b.dtype());
        return lerp(a, b, constant(dtype.isFloating() ? dtype : DType.F32, weight));
    }

    // Tests and logic

    public static Node isInf(Node x) {
        Node a = floating(x);
        return equal(abs(a), Double.POSITIVE_INFINITY);
    }

    public static Node isFinite(Node x) {
        Node a = floating(x);
        return binary(BinaryOp.LESS_THAN, abs(a), Double.POSITIVE_INFINITY);
    }

    /** NaN and infinities replaced, as by PyTorch's {@code nan_to_num}. */
    public static Node nanToNum(Node x, double nan, double positive, double negative) {
        if (!x.dtype().isFloating()) {
            return x;
        }
        Node finite = where(unary(UnaryOp.IS_NAN, x), constant(x.dtype(), nan), x);
        Node bounded = where(equal(x, Double.POSITIVE_INFINITY), constant(x.dtype(), positive), finite);
        return where(equal(x, Double.NEGATIVE_INFINITY), constant(x.dtype(), negative), bounded);
    }

    /** AND, OR or XOR of whether elements are other than 0. */
    public static Node logical(BinaryOp op, Node a, Node b) {
        return binary(op, cast(a, DType.BOOL), cast(b, DType.BOOL));
    }

    public static Node logicalNot(Node x) {
        return unary(UnaryOp.NOT, cast(x, DType.BOOL));
    }
}

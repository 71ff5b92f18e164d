package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.List;

/**
 * Elementwise functions made of others, that a plan and an error message know by one name and whose derivative is not
 * what the composition's would be: because that is NaN or infinite where the function is smooth, or takes more work.
 *
 * <p>Operands have one shape and one floating dtype; they are computed in {@link DType#computeType}.
 */
public enum ComposedOp {
    TAN("tan", x -> div(sin(x), cos(x)), (x, y, dy) -> mul(dy, add(mul(y, y), 1))),
    ASIN("asin", x -> atan(div(x, sqrt(oneMinusSquare(x)))), (x, y, dy) -> div(dy, sqrt(oneMinusSquare(x)))),
    ACOS("acos", x -> mul(atan(sqrt(div(sub(1, x), add(x, 1)))), 2),
        (x, y, dy) -> neg(div(dy, sqrt(oneMinusSquare(x))))),
    SINH("sinh", Hyperbolic::sinh, (x, y, dy) -> mul(dy, cosh(x))),
    COSH("cosh", Hyperbolic::cosh, (x, y, dy) -> mul(dy, sinh(x))),
    ASINH("asinh", Hyperbolic::asinh, (x, y, dy) -> div(dy, length(x, onesLike(x)))),
    ACOSH("acosh", Hyperbolic::acosh, (x, y, dy) -> div(div(dy, sqrt(sub(x, 1))), sqrt(add(x, 1)))),
    ATANH("atanh", Hyperbolic::atanh, (x, y, dy) -> div(dy, oneMinusSquare(x))),
    /** {@code log(1 + e^x)}, as {@code max(x, 0) + log(1 + e^-|x|)}. */
    SOFTPLUS("softplus", x -> add(max(x, zerosLike(x)), log1p(exp(neg(abs(x))))), (x, y, dy) -> mul(dy, sigmoid(x))),
    /** {@code x tanh(softplus(x)) = x n / (n + 2)} with {@code n = e (e + 2)}, {@code e = e^x}: from 20 on it is x. */
    MISH("mish", x -> mul(x, mishRatio(x)),
        (x, y, dy) -> mul(dy, add(mishRatio(x), mul(mishOperand(x), mishSlope(x))))),
    /** {@code x clamp(x + 3, 0, 6) / 6}; the slopes at -3 and 3 are those outside, as in PyTorch. */
    HARD_SWISH("hardSwish",
        x -> where(atMost(x, -3), zerosLike(x), where(lessThan(x, 3), div(mul(x, add(x, 3)), 6), x)),
        (x, y, dy) -> where(atMost(x, -3), zerosLike(x), where(lessThan(x, 3), mul(dy, add(div(x, 3), 0.5)), dy))),
    /** The distance of (a, b) from the origin, where its derivative is given as 0. */
    HYPOT("hypot", Plane::length,
        (a, b, y, dy) -> mul(dy, Plane.perLength(a, y)), (a, b, y, dy) -> mul(dy, Plane.perLength(b, y))),
    /** The angle of (b, a), a up and b to the right, in [-pi, pi]; at the origin its derivative is given as 0. */
    ATAN2("atan2", Plane::angle,
        (a, b, y, dy) -> mul(dy, Plane.perLength(Plane.perLength(b, length(a, b)), length(a, b))),
        (a, b, y, dy) -> neg(mul(dy, Plane.perLength(Plane.perLength(a, length(a, b)), length(a, b))))),
    /** {@code log(e^a + e^b)}. */
    LOG_ADD_EXP("logAddExp",
        (a, b) -> add(max(a, b), log1p(exp(neg(abs(difference(a, b)))))),
        (a, b, y, dy) -> mul(dy, sigmoid(difference(a, b))), (a, b, y, dy) -> mul(dy, sigmoid(difference(b, a))));

    private final String text;
    private final Meaning meaning;
    private final List<Rule> rules;

    /** The result, of the operands. */
    @FunctionalInterface
    private interface Meaning {
        Node of(List<Node> operands);
    }

    /** The cotangent of an operand, of the operands, the result and its cotangent. */
    @FunctionalInterface
    private interface Rule {
        Node of(List<Node> operands, Node y, Node dy);
    }

    @FunctionalInterface
    private interface UnaryMeaning {
        Node of(Node x);
    }

    @FunctionalInterface
    private interface BinaryMeaning {
        Node of(Node a, Node b);
    }

    ComposedOp(String text, UnaryMeaning meaning, UnaryOp.Rule rule) {
        this.text = text;
        this.meaning = x -> meaning.of(x.getFirst());
        this.rules = List.of((x, y, dy) -> rule.apply(x.getFirst(), y, dy));
    }

    ComposedOp(String text, BinaryMeaning meaning, BinaryOp.Rule ruleA, BinaryOp.Rule ruleB) {
        this.text = text;
        this.meaning = x -> meaning.of(x.get(0), x.get(1));
        this.rules = List.of((x, y, dy) -> ruleA.apply(x.get(0), x.get(1), y, dy),
            (x, y, dy) -> ruleB.apply(x.get(0), x.get(1), y, dy));
    }

    /** The field's name. */
    public String text() {
        return text;
    }

    /** Its application to operands of one shape and floating dtype. */
    static Node apply(ComposedOp op, Node... operands) {
        return fused(new Composed(op), operands);
    }

    /** The application of a function, as an operation. */
    public record Composed(ComposedOp function) implements Op.Composition {
        @Override
        public String name() {
            return function.text;
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return List.of(inputs.getFirst());
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return alongLeadingAxes(this, inputs, mapped, extent);
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            return new Node[] {cast(function.meaning.of(wide(inputs)), inputs.getFirst().dtype())};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            List<Node> operands = wide(node.inputs());
            return function.rules.stream()
                .map(rule -> cast(rule.of(operands, widen(node), widen(cotangents[0])), node.dtype()))
                .toArray(Node[]::new);
        }

        private static List<Node> wide(List<Node> inputs) {
            return inputs.stream().map(Ops::widen).toList();
        }
    }

    /** {@code (1 - x) (1 + x)}, precise near 1 and -1. */
    private static Node oneMinusSquare(Node x) {
        return mul(sub(1, x), add(x, 1));
    }

    private static Node sigmoid(Node x) {
        return unary(UnaryOp.SIGMOID, x);
    }

    private static Node atMost(Node x, double limit) {
        return binary(BinaryOp.LESS_OR_EQUAL, x, limit);
    }

    private static Node lessThan(Node x, double limit) {
        return binary(BinaryOp.LESS_THAN, x, limit);
    }

    /** x up to 20, from where on the ratio is 1 and its slope next to nothing, but not times any x. */
    private static Node mishOperand(Node x) {
        return where(binary(BinaryOp.GREATER_OR_EQUAL, x, 20), fullLike(x, 20), x);
    }

    private static Node mishExponential(Node x) {
        return exp(mishOperand(x));
    }

    private static Node mishRatio(Node x) {
        Node e = mishExponential(x);
        Node n = mul(e, add(e, 2));
        return div(n, add(n, 2));
    }

    /** {@code 4 e (e + 1) / (n + 2)^2}, the derivative of the ratio. */
    private static Node mishSlope(Node x) {
        Node e = mishExponential(x);
        Node denominator = add(mul(e, add(e, 2)), 2);
        return div(mul(div(e, denominator), mul(add(e, 1), 4)), denominator);
    }

    /** 0 for infinities of one sign. Not for all that are equal: the derivative of their difference counts. */
    private static Node difference(Node a, Node b) {
        Node same = binary(BinaryOp.AND, equal(a, b), equal(abs(a), Double.POSITIVE_INFINITY));
        return where(same, zerosLike(a), sub(a, b));
    }

    private static Node sinh(Node x) {
        return apply(SINH, x);
    }

    private static Node cosh(Node x) {
        return apply(COSH, x);
    }

    private static Node length(Node a, Node b) {
        return apply(HYPOT, a, b);
    }

    /** A number for {@code F32}, and one for {@code F64}. */
    private static double number(Node x, double single, double wide) {
        return x.dtype() == DType.F32 ? single : wide;
    }

    private static final class Hyperbolic {
        /**
         * With {@code t = e^(|x|/2) - 1}, p = 1 + t: {@code (t + t/p) (p + 1/p) / 2}, which overflows no earlier than
         * sinh.
         */
        static Node sinh(Node x) {
            Node size = abs(x);
            double limit = number(x, 100, 1000);
            Node t = unary(UnaryOp.EXPM1, mul(where(lessThan(size, limit), size, fullLike(x, limit)), 0.5));
            Node p = add(t, 1);
            Node y = mul(mul(add(t, div(t, p)), 0.5), add(p, reciprocal(p)));
            // Half of the least subnormal would be 0. NaN comes from the sign.
            return where(lessThan(size, number(x, 0x1p-13, 0x1p-27)), x, mul(y, sign(x)));
        }

        /** With {@code e = e^(|x|/2)}: {@code e^2/2 + 1/(2 e^2)}. */
        static Node cosh(Node x) {
            Node e = exp(mul(abs(x), 0.5));
            return add(mul(mul(e, 0.5), e), div(0.5, mul(e, e)));
        }

        /**
         * {@code log(1 + (a + a^2 / (1 + sqrt(1 + a^2))))}, a = |x|; {@code log(a) + log(2)} where the square is all.
         */
        static Node asinh(Node x) {
            Node size = abs(x);
            double limit = number(x, 0x1p13, 0x1p28);
            Node a = where(lessThan(size, limit), size, fullLike(x, limit));
            Node square = mul(a, a);
            Node near = log1p(add(a, div(square, add(sqrt(add(square, 1)), 1))));
            Node far = add(log(size), Math.log(2));
            Node y = where(lessThan(size, limit), near, far);
            return where(lessThan(size, number(x, 0x1p-13, 0x1p-27)), x, mul(y, sign(x)));
        }

        /**
         * {@code log(1 + (t + sqrt(t) sqrt(t + 2)))}, t = x - 1, NaN for negative t; {@code log(x) + log(2)} where the
         * square is all.
         */
        static Node acosh(Node x) {
            double limit = number(x, 0x1p13, 0x1p28);
            Node t = sub(where(lessThan(x, limit), x, fullLike(x, limit)), 1);
            Node near = log1p(add(t, mul(sqrt(t), sqrt(add(t, 2)))));
            return where(lessThan(x, limit), near, add(log(x), Math.log(2)));
        }

        /** {@code log(1 + 2 a / (1 - a)) / 2}, a = |x|. */
        static Node atanh(Node x) {
            Node size = abs(x);
            Node y = mul(log1p(div(add(size, size), sub(1, size))), 0.5);
            return where(lessThan(size, number(x, 0x1p-13, 0x1p-27)), x, mul(y, sign(x)));
        }

        private Hyperbolic() { }
    }

    private static final class Plane {
        /** {@code m sqrt(1 + (n/m)^2)}, m the larger magnitude; infinite if one is, whatever the other. */
        static Node length(Node a, Node b) {
            Node m = max(abs(a), abs(b));
            Node n = min(abs(a), abs(b));
            Node r = where(equal(m, n), onesLike(m), div(n, m));
            Node y = mul(m, sqrt(add(mul(r, r), 1)));
            Node infinite = fullLike(m, Double.POSITIVE_INFINITY);
            Node far = binary(BinaryOp.OR, equal(abs(a), infinite), equal(abs(b), infinite));
            return where(far, infinite, y);
        }

        /** As IEEE 754 and Java have it, zeros and infinities included: the arctangent of |a|/|b|, reflected. */
        static Node angle(Node a, Node b) {
            Node up = abs(a);
            Node right = abs(b);
            Node corner = where(equal(a, 0), zerosLike(a), onesLike(a));
            Node t = atan(where(equal(up, right), corner, div(up, right)));
            // pi and what its rounding leaves
            double pi = number(a, 0x1.921fb6p1, 0x1.921fb54442d18p1);
            double rest = number(a, -0x1.777a5cp-24, 0x1.1a62633145c07p-53);
            Node y = where(isNegative(b), sub(pi, sub(t, rest)), t);
            return where(isNegative(a), neg(y), y);
        }

        /** Also -0. */
        private static Node isNegative(Node x) {
            return lessThan(where(equal(x, 0), reciprocal(x), x), 0);
        }

        /** x over a length; x where that is 0. */
        static Node perLength(Node x, Node length) {
            return div(x, where(equal(length, 0), onesLike(length), length));
        }

        private Plane() { }
    }
}

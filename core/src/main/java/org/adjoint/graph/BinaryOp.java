package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

/** Elementwise functions of two tensors of one shape and dtype: name, the dtypes they take, their derivatives. */
public enum BinaryOp {
    ADD("add", Takes.NUMBERS, (a, b, y, dy) -> dy, (a, b, y, dy) -> dy),
    SUB("sub", Takes.NUMBERS, (a, b, y, dy) -> dy, (a, b, y, dy) -> neg(dy)),
    MUL("mul", Takes.NUMBERS, (a, b, y, dy) -> mul(dy, b), (a, b, y, dy) -> mul(dy, a)),
    /** Integers divide towards zero; a zero divisor gives 0, a wrapping quotient wraps. */
    DIV("div", Takes.NUMBERS, (a, b, y, dy) -> div(dy, b), (a, b, y, dy) -> neg(div(mul(dy, y), b))),
    /** The remainder with the sign of the dividend, as Java's {@code %}; 0 for an integer divisor of 0. */
    REMAINDER("remainder", Takes.NUMBERS,
        (a, b, y, dy) -> dy, (a, b, y, dy) -> neg(mul(dy, trunc(div(a, b))))),
    POW("pow", Takes.FLOATS,
        (a, b, y, dy) -> mul(dy, powerSlope(a, b)),
        // Of a = 0 the logarithm of 1, for y is what matters there, and nothing infinite in its own derivative; unless
        // y is infinite itself.
        (a, b, y, dy) -> mul(dy, mul(y, log(where(isZeroBelowFinitePower(a, b), onesLike(a), a))))),
    /** NaN if either is; -0 is less than +0. A tie gives half the cotangent to each, as in JAX. */
    MIN("min", Takes.NUMBERS,
        (a, b, y, dy) -> mul(dy, selected(a, b, lessThan(a, b))),
        (a, b, y, dy) -> mul(dy, selected(a, b, lessThan(b, a)))),
    MAX("max", Takes.NUMBERS,
        (a, b, y, dy) -> mul(dy, selected(a, b, lessThan(b, a))),
        (a, b, y, dy) -> mul(dy, selected(a, b, lessThan(a, b)))),
    AND("and", Takes.BITS, null, null),
    OR("or", Takes.BITS, null, null),
    XOR("xor", Takes.BITS, null, null),
    /** Counts are taken modulo the width, as in Java. */
    SHIFT_LEFT("shiftLeft", Takes.INTEGERS, null, null),
    /** Zeros come in from the left. */
    SHIFT_RIGHT_LOGICAL("shiftRightLogical", Takes.INTEGERS, null, null),
    EQUAL("equal", Takes.ANY, null, null),
    NOT_EQUAL("notEqual", Takes.ANY, null, null),
    LESS_THAN("lessThan", Takes.NUMBERS, null, null),
    LESS_OR_EQUAL("lessOrEqual", Takes.NUMBERS, null, null),
    GREATER_THAN("greaterThan", Takes.NUMBERS, null, null),
    GREATER_OR_EQUAL("greaterOrEqual", Takes.NUMBERS, null, null);

    /** The cotangent of one operand, given both, y = f(a, b) and the cotangent of y. */
    @FunctionalInterface
    interface Rule {
        Node apply(Node a, Node b, Node y, Node dy);
    }

    enum Takes { NUMBERS, FLOATS, BITS, INTEGERS, ANY }

    private final String text;
    private final Takes takes;
    private final Rule ruleA;
    private final Rule ruleB;

    BinaryOp(String text, Takes takes, Rule ruleA, Rule ruleB) {
        this.text = text;
        this.takes = takes;
        this.ruleA = ruleA;
        this.ruleB = ruleB;
    }

    public String text() {
        return text;
    }

    public boolean isFloatingOnly() {
        return takes == Takes.FLOATS;
    }

    public boolean isComparison() {
        return switch (this) {
            case EQUAL, NOT_EQUAL, LESS_THAN, LESS_OR_EQUAL, GREATER_THAN, GREATER_OR_EQUAL -> true;
            case ADD, SUB, MUL, DIV, REMAINDER, POW, MIN, MAX, AND, OR, XOR, SHIFT_LEFT, SHIFT_RIGHT_LOGICAL -> false;
        };
    }

    public boolean accepts(DType dtype) {
        return switch (takes) {
            case NUMBERS -> !dtype.isBoolean();
            case FLOATS -> dtype.isFloating();
            case BITS -> !dtype.isFloating();
            case INTEGERS -> dtype.isInteger();
            case ANY -> true;
        };
    }

    public DType resultType(DType operand) {
        return isComparison() ? DType.BOOL : operand;
    }

    public boolean isDifferentiable() {
        return ruleA != null;
    }

    Node gradientA(Node a, Node b, Node y, Node dy) {
        return ruleA == null ? null : ruleA.apply(a, b, y, dy);
    }

    Node gradientB(Node a, Node b, Node y, Node dy) {
        return ruleB == null ? null : ruleB.apply(a, b, y, dy);
    }

    /** {@code b a^(b - 1)}, and 0 for {@code b = 0}, even at a = 0; no branch is infinite there, for derivatives. */
    private static Node powerSlope(Node a, Node b) {
        Node constant = equal(b, 0);
        Node power = pow(a, where(constant, onesLike(b), sub(b, 1)));
        return where(constant, zerosLike(b), mul(b, power));
    }

    /** Whether {@code a^b} is finite though a is 0. */
    private static Node isZeroBelowFinitePower(Node a, Node b) {
        return binary(AND, equal(a, 0), binary(GREATER_OR_EQUAL, b, 0));
    }

    /** 1 where {@code wins}, 1/2 where a and b are equal, else 0, in a's dtype. */
    private static Node selected(Node a, Node b, Node wins) {
        return where(wins, onesLike(a), where(equal(a, b), fullLike(a, 0.5), zerosLike(a)));
    }
}

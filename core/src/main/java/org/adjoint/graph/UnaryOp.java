package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

/** Elementwise functions of one tensor: name, the dtypes they take, and their derivative. */
public enum UnaryOp {
    NEG("neg", Takes.NUMBERS, (x, y, dy) -> neg(dy)),
    ABS("abs", Takes.NUMBERS, (x, y, dy) -> mul(dy, sign(x))),
    /** -1, 0 or 1; NaN stays NaN and a zero keeps its sign. */
    SIGN("sign", Takes.NUMBERS, (x, y, dy) -> null),
    EXP("exp", Takes.FLOATS, (x, y, dy) -> mul(dy, y)),
    EXPM1("expm1", Takes.FLOATS, (x, y, dy) -> mul(dy, add(y, 1))),
    LOG("log", Takes.FLOATS, (x, y, dy) -> div(dy, x)),
    LOG1P("log1p", Takes.FLOATS, (x, y, dy) -> div(dy, add(x, 1))),
    SQRT("sqrt", Takes.FLOATS, (x, y, dy) -> div(mul(dy, 0.5), y)),
    RECIPROCAL("reciprocal", Takes.FLOATS, (x, y, dy) -> neg(mul(dy, mul(y, y)))),
    SIN("sin", Takes.FLOATS, (x, y, dy) -> mul(dy, cos(x))),
    COS("cos", Takes.FLOATS, (x, y, dy) -> neg(mul(dy, sin(x)))),
    ATAN("atan", Takes.FLOATS, (x, y, dy) -> div(dy, add(mul(x, x), 1))),
    TANH("tanh", Takes.FLOATS, (x, y, dy) -> mul(dy, mul(sub(1, y), add(y, 1)))),
    SIGMOID("sigmoid", Takes.FLOATS, (x, y, dy) -> mul(dy, mul(y, sub(1, y)))),
    /** Abramowitz and Stegun 7.1.1; its derivative is 2/sqrt(pi) exp(-x^2). */
    ERF("erf", Takes.FLOATS, (x, y, dy) -> mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))),
    FLOOR("floor", Takes.FLOATS, (x, y, dy) -> null),
    CEIL("ceil", Takes.FLOATS, (x, y, dy) -> null),
    /** To the nearest integer, ties to even. */
    ROUND("round", Takes.FLOATS, (x, y, dy) -> null),
    TRUNC("trunc", Takes.FLOATS, (x, y, dy) -> null),
    /** Logical not of {@code BOOL}, bitwise not of integers. */
    NOT("not", Takes.BITS, (x, y, dy) -> null),
    IS_NAN("isNan", Takes.FLOATS, (x, y, dy) -> null);

    /** The cotangent of x, given x, y = f(x) and the cotangent of y; null where the derivative is zero everywhere. */
    @FunctionalInterface
    interface Rule {
        Node apply(Node x, Node y, Node dy);
    }

    enum Takes { NUMBERS, FLOATS, BITS }

    private final String text;
    private final Takes takes;
    private final Rule rule;

    UnaryOp(String text, Takes takes, Rule rule) {
        this.text = text;
        this.takes = takes;
        this.rule = rule;
    }

    public String text() {
        return text;
    }

    /** Whether integers are cast to {@code F32} first, as JAX does. */
    public boolean isFloatingOnly() {
        return takes == Takes.FLOATS;
    }

    public boolean accepts(DType dtype) {
        return switch (takes) {
            case NUMBERS -> !dtype.isBoolean();
            case FLOATS -> dtype.isFloating();
            case BITS -> !dtype.isFloating();
        };
    }

    public DType resultType(DType operand) {
        return this == IS_NAN ? DType.BOOL : operand;
    }

    /** Whether the derivative is not zero everywhere. */
    public boolean isDifferentiable() {
        return switch (this) {
            case SIGN, FLOOR, CEIL, ROUND, TRUNC, NOT, IS_NAN -> false;
            case NEG, ABS, EXP, EXPM1, LOG, LOG1P, SQRT, RECIPROCAL, SIN, COS, ATAN, TANH, SIGMOID, ERF ->
                true;
        };
    }

    /** Whether the smallest change of its operand may change the result by 1. */
    public boolean jumps() {
        return switch (this) {
            case FLOOR, CEIL, ROUND, TRUNC -> true;
            case NEG, ABS, SIGN, EXP, EXPM1, LOG, LOG1P, SQRT, RECIPROCAL, SIN, COS, ATAN, TANH, SIGMOID, ERF, NOT,
                IS_NAN -> false;
        };
    }

    Node gradient(Node x, Node y, Node dy) {
        return rule.apply(x, y, dy);
    }
}

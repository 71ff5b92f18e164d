package org.adjoint.reference;

import static org.adjoint.reference.Cells.cell;
import static org.adjoint.reference.Cells.real;
import static org.adjoint.reference.Cells.wrap;

import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;

/** The elementwise functions, on cells. */
final class Scalars {
    private Scalars() { }

    /** {@code op(x)} for an operand of {@code dtype}. */
    static long unary(UnaryOp op, DType dtype, long x) {
        if (op == UnaryOp.IS_NAN) {
            return truth(Double.isNaN(real(x)));
        }
        return dtype.isFloating() ? cell(floating(op, real(x))) : wrap(dtype, integer(op, x));
    }

    private static double floating(UnaryOp op, double x) {
        return switch (op) {
            case NEG -> -x;
            case ABS -> Math.abs(x);
            case SIGN -> Math.signum(x);
            case EXP -> StrictMath.exp(x);
            case EXPM1 -> StrictMath.expm1(x);
            case LOG -> StrictMath.log(x);
            case LOG1P -> StrictMath.log1p(x);
            case SQRT -> Math.sqrt(x);
            case RECIPROCAL -> 1 / x;
            case SIN -> StrictMath.sin(x);
            case COS -> StrictMath.cos(x);
            case ATAN -> StrictMath.atan(x);
            case TANH -> StrictMath.tanh(x);
            case SIGMOID -> sigmoid(x);
            case ERF -> ErrorFunction.erf(x);
            case FLOOR -> Math.floor(x);
            case CEIL -> Math.ceil(x);
            case ROUND -> Math.rint(x);
            case TRUNC -> x < 0 ? Math.ceil(x) : Math.floor(x);
            case NOT, IS_NAN -> throw new AssertionError(op + " of a floating value gives none");
        };
    }

    /** {@code 1 / (1 + exp(-x))}; the exponential of a negative number can't overflow. */
    private static double sigmoid(double x) {
        double e = StrictMath.exp(-Math.abs(x));
        return x < 0 ? e / (1 + e) : 1 / (1 + e);
    }

    private static long integer(UnaryOp op, long x) {
        return switch (op) {
            case NEG -> -x;
            case ABS -> Math.abs(x);
            case SIGN -> Long.signum(x);
            case NOT -> ~x;
            case EXP, EXPM1, LOG, LOG1P, SQRT, RECIPROCAL, SIN, COS, ATAN, TANH, SIGMOID, ERF, FLOOR, CEIL, ROUND,
                TRUNC, IS_NAN -> throw new AssertionError(op + " takes floating values alone");
        };
    }

    /** {@code op(a, b)} for operands of {@code dtype}. */
    static long binary(BinaryOp op, DType dtype, long a, long b) {
        if (op.isComparison()) {
            return truth(dtype.isFloating() ? compare(op, real(a), real(b)) : compare(op, a, b));
        }
        return dtype.isFloating() ? cell(floating(op, real(a), real(b))) : wrap(dtype, integer(op, dtype, a, b));
    }

    private static double floating(BinaryOp op, double a, double b) {
        return switch (op) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case DIV -> a / b;
            case REMAINDER -> a % b;
            case POW -> power(a, b);
            case MIN -> Math.min(a, b);
            case MAX -> Math.max(a, b);
            case AND, OR, XOR, SHIFT_LEFT, SHIFT_RIGHT_LOGICAL, EQUAL, NOT_EQUAL, LESS_THAN, LESS_OR_EQUAL,
                GREATER_THAN, GREATER_OR_EQUAL -> throw new AssertionError(op + " gives no floating value");
        };
    }

    /** As C and IEEE 754 have it: 1 to any power and -1 to an infinite one are 1, which are NaN in Java. */
    private static double power(double a, double b) {
        return a == 1 || a == -1 && Double.isInfinite(b) ? 1 : StrictMath.pow(a, b);
    }

    private static long integer(BinaryOp op, DType dtype, long a, long b) {
        int width = dtype.bytes() * Byte.SIZE;
        return switch (op) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case DIV -> b == 0 ? 0 : a / b;
            case REMAINDER -> b == 0 ? 0 : a % b;
            case MIN -> Math.min(a, b);
            case MAX -> Math.max(a, b);
            case AND -> a & b;
            case OR -> a | b;
            case XOR -> a ^ b;
            case SHIFT_LEFT -> a << (b & width - 1);
            case SHIFT_RIGHT_LOGICAL -> (a & -1L >>> Long.SIZE - width) >>> (b & width - 1);
            case POW, EQUAL, NOT_EQUAL, LESS_THAN, LESS_OR_EQUAL, GREATER_THAN, GREATER_OR_EQUAL ->
                throw new AssertionError(op + " of integers gives none");
        };
    }

    private static boolean compare(BinaryOp op, double a, double b) {
        return switch (op) {
            case EQUAL -> a == b;
            case NOT_EQUAL -> a != b;
            case LESS_THAN -> a < b;
            case LESS_OR_EQUAL -> a <= b;
            case GREATER_THAN -> a > b;
            case GREATER_OR_EQUAL -> a >= b;
            case ADD, SUB, MUL, DIV, REMAINDER, POW, MIN, MAX, AND, OR, XOR, SHIFT_LEFT, SHIFT_RIGHT_LOGICAL ->
                throw new AssertionError(op + " is no comparison");
        };
    }

    private static boolean compare(BinaryOp op, long a, long b) {
        return switch (op) {
            case EQUAL -> a == b;
            case NOT_EQUAL -> a != b;
            case LESS_THAN -> a < b;
            case LESS_OR_EQUAL -> a <= b;
            case GREATER_THAN -> a > b;
            case GREATER_OR_EQUAL -> a >= b;
            case ADD, SUB, MUL, DIV, REMAINDER, POW, MIN, MAX, AND, OR, XOR, SHIFT_LEFT, SHIFT_RIGHT_LOGICAL ->
                throw new AssertionError(op + " is no comparison");
        };
    }

    private static long truth(boolean value) {
        return value ? 1 : 0;
    }
}

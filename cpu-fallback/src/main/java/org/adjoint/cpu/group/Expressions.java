package org.adjoint.cpu.group;

import org.adjoint.cpu.group.Machine.Value;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;

/** What each elementwise op computes, once for all kernels. {@code dtype} is the compute type of the operands. */
final class Expressions {
    private Expressions() { }

    static Value unary(Machine m, UnaryOp op, DType dtype, Value x) {
        return switch (op) {
            case NEG -> wrap(m, dtype, m.neg(x));
            case ABS -> dtype == DType.U8 ? x : x.kind().isFloating() ? m.abs(x)
                : m.select(m.less(x, m.integer(x.kind(), 0)), m.neg(x), x);
            case SIGN -> sign(m, x);
            case EXP -> Exponentials.exp(m, x);
            case EXPM1 -> Exponentials.expm1(m, x);
            case LOG -> Logarithms.log(m, x);
            case LOG1P -> Logarithms.log1p(m, x);
            case SQRT -> m.sqrt(x);
            case RECIPROCAL -> m.div(m.number(x.kind(), 1), x);
            case SIN -> Trigonometry.sin(m, x);
            case COS -> Trigonometry.cos(m, x);
            case ATAN -> Arctangent.atan(m, x);
            case TANH -> Exponentials.tanh(m, x);
            case SIGMOID -> Exponentials.sigmoid(m, x);
            case ERF -> ErrorFunction.erf(m, x);
            case FLOOR -> Rounding.floor(m, x);
            case CEIL -> Rounding.ceil(m, x);
            case ROUND -> Rounding.round(m, x);
            case TRUNC -> Rounding.trunc(m, x);
            case NOT -> wrap(m, dtype, m.not(x));
            case IS_NAN -> m.isNaN(x);
        };
    }

    private static Value sign(Machine m, Value x) {
        Value zero = m.number(x.kind(), 0);
        Value negative = m.select(m.less(x, zero), m.number(x.kind(), -1), x);
        return m.select(m.less(zero, x), m.number(x.kind(), 1), negative);
    }

    static Value binary(Machine m, BinaryOp op, DType dtype, Value a, Value b) {
        return switch (op) {
            case ADD -> wrap(m, dtype, m.add(a, b));
            case SUB -> wrap(m, dtype, m.sub(a, b));
            case MUL -> wrap(m, dtype, m.mul(a, b));
            case DIV -> a.kind().isFloating() ? m.div(a, b) : orZero(m, b, m.div(a, orOne(m, b)));
            case REMAINDER -> a.kind().isFloating() ? m.remainder(a, b) : orZero(m, b, m.remainder(a, orOne(m, b)));
            case POW -> Logarithms.pow(m, a, b);
            case MIN -> m.min(a, b);
            case MAX -> m.max(a, b);
            case AND -> m.and(a, b);
            case OR -> m.or(a, b);
            case XOR -> m.xor(a, b);
            case SHIFT_LEFT -> wrap(m, dtype, m.shiftLeft(a, count(m, dtype, b)));
            case SHIFT_RIGHT_LOGICAL -> m.shiftRightLogical(a, count(m, dtype, b));
            case EQUAL -> m.equal(a, b);
            case NOT_EQUAL -> m.notEqual(a, b);
            case LESS_THAN -> m.less(a, b);
            case LESS_OR_EQUAL -> m.lessOrEqual(a, b);
            case GREATER_THAN -> m.less(b, a);
            case GREATER_OR_EQUAL -> m.lessOrEqual(b, a);
        };
    }

    private static Value orOne(Machine m, Value divisor) {
        Value zero = m.integer(divisor.kind(), 0);
        return m.select(m.equal(divisor, zero), m.integer(divisor.kind(), 1), divisor);
    }

    private static Value orZero(Machine m, Value divisor, Value quotient) {
        Value zero = m.integer(divisor.kind(), 0);
        return m.select(m.equal(divisor, zero), zero, quotient);
    }

    private static Value count(Machine m, DType dtype, Value count) {
        return dtype == DType.U8 ? m.and(count, m.integer(Kind.I32, 7)) : count;
    }

    /** {@code a} as a number in {@code target}'s range, as {@link org.adjoint.plan.Instruction.Cast} says. */
    static Value cast(Machine m, DType target, DType source, Value a) {
        return switch (target) {
            case BOOL -> m.convert(a, Kind.MASK);
            case U8 -> toU8(m, a);
            case I32, I64, F32, F64 -> m.convert(a, Kind.of(target));
            case F16 -> Rounding.fromF16(m, Rounding.toF16(m, toRoundableF32(m, source, a)));
            case BF16 -> Rounding.fromBf16(m, Rounding.toBf16(m, toRoundableF32(m, source, a)));
        };
    }

    private static Value toU8(Machine m, Value a) {
        if (!a.kind().isFloating()) {
            return m.and(m.convert(a, Kind.I32), m.integer(Kind.I32, 255));
        }
        Value whole = m.convert(a, Kind.I32);
        return m.max(m.min(whole, m.integer(Kind.I32, 255)), m.integer(Kind.I32, 0));
    }

    /** An {@code F32} that rounds to a 16-bit type as {@code a} would. */
    private static Value toRoundableF32(Machine m, DType source, Value a) {
        return switch (source) {
            case F32, F16, BF16, U8, BOOL -> m.convert(a, Kind.F32);
            case F64, I32, I64 -> Rounding.toOddF32(m, m.convert(a, Kind.F64));
        };
    }

    /** 8-bit arithmetic in 32 bits. */
    private static Value wrap(Machine m, DType dtype, Value a) {
        return dtype == DType.U8 ? m.and(a, m.integer(Kind.I32, 255)) : a;
    }
}

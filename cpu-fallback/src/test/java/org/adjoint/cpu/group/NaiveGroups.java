package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Computes a group point by point in plain Java; ops whose results are exact or correctly rounded only. */
final class NaiveGroups {
    private NaiveGroups() { }

    static boolean isExact(UnaryOp op) {
        return switch (op) {
            case NEG, ABS, SIGN, SQRT, RECIPROCAL, FLOOR, CEIL, ROUND, TRUNC, NOT, IS_NAN -> true;
            case EXP, EXPM1, LOG, LOG1P, SIN, COS, ATAN, TANH, SIGMOID, ERF -> false;
        };
    }

    /** The value of each line at point {@code index}: a Float, Double, Integer (U8, I32), Long or Boolean. */
    static Object[] point(PlanStep.Elementwise step, MemorySegment[] slots, long[] scalars, long[] index) {
        Object[] values = new Object[step.group().body().size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (step.group().body().get(i)) {
                case Instruction.Load load -> load(step.inputs().get(load.input()), slots, index);
                case Instruction.Scalar scalar -> scalar(scalar.dtype(), scalars[step.scalars()[scalar.index()]]);
                case Instruction.Unary unary -> unary(unary.op(), type(step, unary.a()), values[unary.a()]);
                case Instruction.Binary binary ->
                    binary(binary.op(), type(step, binary.a()), values[binary.a()], values[binary.b()]);
                case Instruction.Where where -> (boolean) values[where.condition()] ? values[where.a()]
                    : values[where.b()];
                case Instruction.Cast cast -> cast(cast.target(), values[cast.a()]);
            };
        }
        return values;
    }

    private static DType type(PlanStep.Elementwise step, int line) {
        return step.group().body().get(line).dtype();
    }

    static long at(View view, long[] index) {
        long at = view.offset();
        for (int axis = 0; axis < index.length; axis++) {
            at += index[axis] * view.strides()[axis];
        }
        return at;
    }

    static Object load(View view, MemorySegment[] slots, long[] index) {
        MemorySegment memory = slots[view.slot()];
        long at = at(view, index) * view.dtype().bytes();
        return switch (view.dtype()) {
            case F32 -> memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
            case F64 -> memory.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at);
            case F16 -> Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
            case BF16 -> Halves.bf16ToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
            case I32 -> memory.get(ValueLayout.JAVA_INT_UNALIGNED, at);
            case I64 -> memory.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            case U8 -> memory.get(ValueLayout.JAVA_BYTE, at) & 255;
            case BOOL -> memory.get(ValueLayout.JAVA_BYTE, at) != 0;
        };
    }

    private static Object scalar(DType dtype, long bits) {
        return switch (dtype) {
            case F32, F16, BF16 -> (Object) (float) Double.longBitsToDouble(bits);
            case F64 -> Double.longBitsToDouble(bits);
            case I32, U8 -> (int) bits;
            case I64 -> bits;
            case BOOL -> bits != 0;
        };
    }

    private static Object unary(UnaryOp op, DType dtype, Object x) {
        if (op == UnaryOp.IS_NAN) {
            return Double.isNaN(((Number) x).doubleValue());
        }
        return switch (x) {
            case Float value -> (float) floating(op, value);
            case Double value -> floating(op, value);
            case Integer value -> {
                int result = switch (op) {
                    case NEG -> -value;
                    case ABS -> Math.abs(value);
                    case SIGN -> Integer.signum(value);
                    case NOT -> ~value;
                    default -> throw new IllegalArgumentException(op.text());
                };
                yield dtype == DType.U8 ? result & 255 : result;
            }
            case Long value -> switch (op) {
                case NEG -> -value;
                case ABS -> Math.abs(value);
                case SIGN -> (long) Long.signum(value);
                case NOT -> ~value;
                default -> throw new IllegalArgumentException(op.text());
            };
            case Boolean value -> !value;
            default -> throw new IllegalArgumentException(op.text());
        };
    }

    /** Exact in double for floats too: a float's root or quotient rounded to double, then float, is the float's own. */
    private static double floating(UnaryOp op, double x) {
        return switch (op) {
            case NEG -> -x;
            case ABS -> Math.abs(x);
            case SIGN -> Math.signum(x);
            case SQRT -> Math.sqrt(x);
            case RECIPROCAL -> 1 / x;
            case FLOOR -> Math.floor(x);
            case CEIL -> Math.ceil(x);
            case ROUND -> Math.rint(x);
            case TRUNC -> x < 0 ? Math.ceil(x) : Math.floor(x);
            default -> throw new IllegalArgumentException(op.text());
        };
    }

    private static Object binary(BinaryOp op, DType dtype, Object a, Object b) {
        return switch (a) {
            case Boolean x -> {
                boolean y = (boolean) b;
                yield switch (op) {
                    case AND -> x & y;
                    case OR -> x | y;
                    case XOR, NOT_EQUAL -> x ^ y;
                    case EQUAL -> x == y;
                    default -> throw new IllegalArgumentException(op.text());
                };
            }
            case Float x -> floating(op, x, (float) b, true);
            case Double x -> floating(op, x, (double) b, false);
            case Integer x -> {
                Object result = integer(op, x, (int) b, dtype == DType.U8 ? 7 : 31, x & 0xffffffffL);
                yield result instanceof Long value ? dtype == DType.U8 ? (int) (value & 255) : (int) (long) value
                    : result;
            }
            case Long x -> integer(op, x, (long) b, 63, x);
            default -> throw new IllegalArgumentException(op.text());
        };
    }

    private static Object integer(BinaryOp op, long x, long y, int countMask, long unsigned) {
        return switch (op) {
            case ADD -> x + y;
            case SUB -> x - y;
            case MUL -> x * y;
            case DIV -> y == 0 ? 0L : x / y;
            case REMAINDER -> y == 0 ? 0L : x % y;
            case MIN -> Math.min(x, y);
            case MAX -> Math.max(x, y);
            case AND -> x & y;
            case OR -> x | y;
            case XOR -> x ^ y;
            case SHIFT_LEFT -> x << (y & countMask);
            case SHIFT_RIGHT_LOGICAL -> unsigned >>> (y & countMask);
            case EQUAL -> x == y;
            case NOT_EQUAL -> x != y;
            case LESS_THAN -> x < y;
            case LESS_OR_EQUAL -> x <= y;
            case GREATER_THAN -> x > y;
            case GREATER_OR_EQUAL -> x >= y;
            case POW -> throw new IllegalArgumentException(op.text());
        };
    }

    private static Object floating(BinaryOp op, double x, double y, boolean single) {
        Object result = switch (op) {
            case ADD -> x + y;
            case SUB -> x - y;
            case MUL -> x * y;
            case DIV -> x / y;
            case REMAINDER -> x % y;
            case MIN -> Math.min(x, y);
            case MAX -> Math.max(x, y);
            case EQUAL -> x == y;
            case NOT_EQUAL -> x != y;
            case LESS_THAN -> x < y;
            case LESS_OR_EQUAL -> x <= y;
            case GREATER_THAN -> x > y;
            case GREATER_OR_EQUAL -> x >= y;
            case POW, AND, OR, XOR, SHIFT_LEFT, SHIFT_RIGHT_LOGICAL -> throw new IllegalArgumentException(op.text());
        };
        return single && result instanceof Double value ? (Object) (float) (double) value : result;
    }

    private static Object cast(DType target, Object a) {
        double real = a instanceof Boolean flag ? flag ? 1 : 0 : ((Number) a).doubleValue();
        boolean floating = a instanceof Float || a instanceof Double;
        long whole = a instanceof Boolean flag ? flag ? 1 : 0 : floating ? (long) real : ((Number) a).longValue();
        return switch (target) {
            case BOOL -> floating ? real != 0 : whole != 0;
            case U8 -> floating ? Math.clamp(whole, 0, 255) : (int) (whole & 255);
            case I32 -> floating ? (int) real : (int) whole;
            case I64 -> whole;
            case F32 -> floating ? (float) real : (float) whole;
            case F64 -> real;
            case F16, BF16 -> (float) Halves.round(target, real);
        };
    }
}

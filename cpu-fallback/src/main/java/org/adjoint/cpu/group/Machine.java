package org.adjoint.cpu.group;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A straight-line program of operations that have one result under IEEE 754 or integer arithmetic, so that it computes
 * the same bits whatever executes it: scalars or vectors of any width, the interpreter or a compiler. Equal operations
 * are one value. Programs are written by calling the methods in order; {@link Emitter}s turn them into bytecode.
 */
final class Machine {
    /** An operation. Comparisons with NaN are false, but for {@code NE}. */
    enum Code {
        INPUT, SCALAR, CONSTANT,
        ADD, SUB, MUL, DIV, REMAINDER, MIN, MAX, FMA, SQRT, NEG, ABS,
        AND, OR, XOR, NOT, SHIFT_LEFT, SHIFT_RIGHT, SHIFT_RIGHT_LOGICAL,
        EQ, NE, LT, LE, SELECT,
        /** Bits of a floating value as an integer, and back. */
        TO_BITS, FROM_BITS,
        /** As Java casts: rounds to nearest even; floating to integer saturates. */
        CONVERT,
        /** Second operand, replaced where the first is too large for the reduction of arguments. */
        LARGE_SIN, LARGE_COS;

        /** Whether no vector instruction does this: integer division, and remainders. */
        boolean isScalarOnly(Kind kind) {
            return this == REMAINDER || this == DIV && !kind.isFloating();
        }
    }

    /**
     * A value.
     *
     * @param constant bits of a constant; index of an input or scalar
     */
    record Value(Code code, Kind kind, List<Value> operands, long constant, int index) {
        Value a() {
            return operands.get(0);
        }

        Value b() {
            return operands.get(1);
        }

        Value c() {
            return operands.get(2);
        }

        /** Whether it is the same at every point. */
        boolean isUniform() {
            return code == Code.SCALAR || code == Code.CONSTANT;
        }

        @Override
        public boolean equals(Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return index;
        }
    }

    private record Key(Code code, Kind kind, List<Value> operands, long constant) { }

    private final Map<Key, Value> known = new HashMap<>();
    private final List<Value> values = new ArrayList<>();

    private Value value(Code code, Kind kind, long constant, Value... operands) {
        return known.computeIfAbsent(new Key(code, kind, List.of(operands), constant), key -> {
            Value value = new Value(code, kind, key.operands, constant, values.size());
            values.add(value);
            return value;
        });
    }

    /** Element of operand {@code index}, as it lies in memory (16-bit and 8-bit ones as unsigned {@code I32}). */
    Value input(int index, Kind kind) {
        return value(Code.INPUT, kind, index);
    }

    /** Argument {@code index}, the same at every point. Masks come as {@code I32}. */
    Value scalar(int index, Kind kind) {
        return value(Code.SCALAR, kind, index);
    }

    Value f32(float constant) {
        return value(Code.CONSTANT, Kind.F32, Float.floatToRawIntBits(constant));
    }

    Value f64(double constant) {
        return value(Code.CONSTANT, Kind.F64, Double.doubleToRawLongBits(constant));
    }

    Value integer(Kind kind, long constant) {
        return value(Code.CONSTANT, kind, kind == Kind.I32 ? (int) constant : constant);
    }

    /** {@code number} as a constant of any kind but a mask. */
    Value number(Kind kind, double number) {
        return switch (kind) {
            case F32 -> f32((float) number);
            case F64 -> f64(number);
            case I32, I64 -> integer(kind, (long) number);
            case MASK -> throw new IllegalArgumentException("a mask is no number");
        };
    }

    Value add(Value a, Value b) {
        return binary(Code.ADD, a, b);
    }

    Value sub(Value a, Value b) {
        return binary(Code.SUB, a, b);
    }

    Value mul(Value a, Value b) {
        return binary(Code.MUL, a, b);
    }

    Value div(Value a, Value b) {
        return binary(Code.DIV, a, b);
    }

    Value remainder(Value a, Value b) {
        return binary(Code.REMAINDER, a, b);
    }

    /** NaN if either is; -0 is less than +0. */
    Value min(Value a, Value b) {
        if (a.kind.isFloating() && a.isUniform() != b.isUniform()) {
            Value bound = a.isUniform() ? a : b;
            Value x = a.isUniform() ? b : a;
            return select(or(less(threshold(bound, -0.0), x), isNaN(bound)), bound, x);
        }
        return binary(Code.MIN, a, b);
    }

    /** NaN if either is; -0 is less than +0. */
    Value max(Value a, Value b) {
        if (a.kind.isFloating() && a.isUniform() != b.isUniform()) {
            Value bound = a.isUniform() ? a : b;
            Value x = a.isUniform() ? b : a;
            return select(or(less(x, threshold(bound, 0.0)), isNaN(bound)), bound, x);
        }
        return binary(Code.MAX, a, b);
    }

    /**
     * What x is compared with to see whether {@code bound} takes its place: the bound, but where it is {@code zero} the
     * number next to it, so that it takes the place of the other zero too. Comparing with something made before the
     * loop costs half of what the general operation does.
     */
    private Value threshold(Value bound, double zero) {
        boolean single = bound.kind == Kind.F32;
        Value bits = integer(bound.kind.bits(), single ? Float.floatToRawIntBits((float) zero)
            : Double.doubleToRawLongBits(zero));
        Value next = number(bound.kind, Math.copySign(single ? Float.MIN_VALUE : Double.MIN_VALUE, zero));
        return select(equal(toBits(bound), bits), next, bound);
    }

    /** {@code a * b + c}, rounded once. */
    Value fma(Value a, Value b, Value c) {
        return value(Code.FMA, a.kind, 0, a, b, c);
    }

    Value sqrt(Value a) {
        return value(Code.SQRT, a.kind, 0, a);
    }

    /** Of a floating value: flips its sign. */
    Value neg(Value a) {
        return a.kind.isFloating() ? value(Code.NEG, a.kind, 0, a) : sub(integer(a.kind, 0), a);
    }

    Value abs(Value a) {
        return value(Code.ABS, a.kind, 0, a);
    }

    Value and(Value a, Value b) {
        return binary(Code.AND, a, b);
    }

    Value or(Value a, Value b) {
        return binary(Code.OR, a, b);
    }

    Value xor(Value a, Value b) {
        return binary(Code.XOR, a, b);
    }

    /** Of a mask. */
    Value not(Value a) {
        return value(Code.NOT, a.kind, 0, a);
    }

    Value shiftLeft(Value a, int count) {
        return shiftLeft(a, integer(a.kind, count));
    }

    Value shiftRight(Value a, int count) {
        return binary(Code.SHIFT_RIGHT, a, integer(a.kind, count));
    }

    Value shiftRightLogical(Value a, int count) {
        return shiftRightLogical(a, integer(a.kind, count));
    }

    /** By a count of a's kind, taken modulo its width. */
    Value shiftLeft(Value a, Value count) {
        return binary(Code.SHIFT_LEFT, a, count);
    }

    Value shiftRightLogical(Value a, Value count) {
        return binary(Code.SHIFT_RIGHT_LOGICAL, a, count);
    }

    Value equal(Value a, Value b) {
        return a.kind == Kind.MASK ? not(xor(a, b)) : value(Code.EQ, Kind.MASK, 0, a, b);
    }

    Value notEqual(Value a, Value b) {
        return a.kind == Kind.MASK ? xor(a, b) : value(Code.NE, Kind.MASK, 0, a, b);
    }

    Value less(Value a, Value b) {
        return value(Code.LT, Kind.MASK, 0, a, b);
    }

    Value lessOrEqual(Value a, Value b) {
        return value(Code.LE, Kind.MASK, 0, a, b);
    }

    Value isNaN(Value a) {
        return notEqual(a, a);
    }

    /** {@code mask ? a : b}. */
    Value select(Value mask, Value a, Value b) {
        if (a.kind == Kind.MASK) {
            return or(and(mask, a), and(not(mask), b));
        }
        return value(Code.SELECT, a.kind, 0, mask, a, b);
    }

    Value toBits(Value a) {
        return value(Code.TO_BITS, a.kind.bits(), 0, a);
    }

    Value fromBits(Value a) {
        return value(Code.FROM_BITS, a.kind == Kind.I64 ? Kind.F64 : Kind.F32, 0, a);
    }

    Value convert(Value a, Kind kind) {
        if (a.kind == kind) {
            return a;
        }
        if (a.kind == Kind.MASK) {
            return select(a, number(kind, 1), number(kind, 0));
        }
        if (kind == Kind.MASK) {
            return notEqual(a, number(a.kind, 0));
        }
        return value(Code.CONVERT, kind, 0, a);
    }

    /** {@code result}, but the sine of {@code x} where x is beyond {@link LargeAngles}' limit. */
    Value largeSin(Value x, Value result) {
        return value(Code.LARGE_SIN, x.kind, 0, x, result);
    }

    Value largeCos(Value x, Value result) {
        return value(Code.LARGE_COS, x.kind, 0, x, result);
    }

    /** {@code |magnitude|} with the sign of {@code sign}. */
    Value copySign(Value magnitude, Value sign) {
        Value signBit = integer(sign.kind.bits(), sign.kind == Kind.F64 ? Long.MIN_VALUE : Integer.MIN_VALUE);
        return fromBits(or(toBits(abs(magnitude)), and(toBits(sign), signBit)));
    }

    /** {@code c[0] + x (c[1] + x (c[2] + ...))}, each step fused. */
    Value polynomial(Value x, double... coefficients) {
        Value sum = number(x.kind, coefficients[coefficients.length - 1]);
        for (int i = coefficients.length - 2; i >= 0; i--) {
            sum = fma(sum, x, number(x.kind, coefficients[i]));
        }
        return sum;
    }

    private Value binary(Code code, Value a, Value b) {
        if (a.kind != b.kind) {
            throw new IllegalArgumentException(code + " of " + a.kind + " and " + b.kind);
        }
        return value(code, a.kind, 0, a, b);
    }
}

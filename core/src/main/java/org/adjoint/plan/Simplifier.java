package org.adjoint.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.adjoint.graph.UnaryOp;

/**
 * Replaces operations by simpler ones that give the same value for every operand: NaN, infinities and the sign of
 * zero included. So {@code x * 1} is x but {@code x * 0} stays, {@code x - 0} is x but {@code x + 0} stays (-0 + 0 is
 * +0).
 */
final class Simplifier {
    private final Terms terms;

    Simplifier(Terms terms) {
        this.terms = terms;
    }

    /** A term of the same value, or null if there is none simpler. */
    Term simplify(Op op, TensorType type, List<Term> inputs) {
        return switch (op) {
            case Op.Unary unary -> unary(unary.function(), type, inputs.getFirst());
            case Op.Binary binary -> binary(binary.function(), type, inputs.get(0), inputs.get(1));
            case Op.Where _ -> where(inputs.get(0), inputs.get(1), inputs.get(2));
            case Op.Cast cast -> cast(cast.target(), type, inputs.getFirst());
            case Op.Reduce reduce -> reduce(reduce, type, inputs.getFirst());
            case Op.Reshape _ -> reshape(type, inputs.getFirst());
            case Op.Permute permute -> permute(permute.axes(), type, inputs.getFirst());
            case Op.Expand _ -> expand(type, inputs.getFirst());
            case Op.Slice slice -> slice(slice, type, inputs.getFirst());
            case Op.Concat concat -> concat(concat.axis(), type, inputs);
            case Op.Leaf _, Op.Constant _, Op.Iota _, Op.RandomBits _, Op.ArgReduce _, Op.ArgSort _, Op.Windows _,
                Op.Pad _, Op.MatMul _, Op.Gather _, Op.Scatter _, Op.ScatterAdd _, Op.DynamicSlice _,
                Op.DynamicUpdateSlice _, Op.StopGradient _, Op.WithGradient _, Op.Barrier _,
                Op.Project _, Op.Scan _, Op.Fused _ -> null;
        };
    }

    private Term unary(UnaryOp op, TensorType type, Term x) {
        boolean undoes = (op == UnaryOp.NEG || op == UnaryOp.NOT) && isUnary(x, op);
        if (undoes) {
            return x.input(0);
        }
        // The negative of an unsigned number is another one.
        if (op == UnaryOp.ABS && isUnary(x, UnaryOp.NEG) && type.dtype() != DType.U8) {
            return terms.of(new Op.Unary(op), type, x.input(0));
        }
        boolean repeats = isUnary(x, op) && switch (op) {
            case ABS, SIGN, FLOOR, CEIL, ROUND, TRUNC -> true;
            case NEG, EXP, EXPM1, LOG, LOG1P, SQRT, RECIPROCAL, SIN, COS, ATAN, TANH, SIGMOID, ERF, NOT, IS_NAN ->
                false;
        };
        return repeats ? x : null;
    }

    private static boolean isUnary(Term term, UnaryOp op) {
        return term.op instanceof Op.Unary unary && unary.function() == op;
    }

    private Term binary(BinaryOp op, TensorType type, Term a, Term b) {
        OptionalDouble known = known(op, type.dtype(), a, b);
        if (known.isPresent()) {
            Term scalar = terms.extraConstant(type.dtype(), Double.doubleToRawLongBits(known.getAsDouble()));
            return type.shape().rank() == 0 ? scalar : terms.of(new Op.Expand(type.shape()), type, scalar);
        }
        return switch (op) {
            case MUL -> is(b, 1) ? a : is(a, 1) ? b : null;
            case DIV -> is(b, 1) ? a : null;
            case SUB -> is(b, 0.0) ? a : null;
            case ADD -> isZeroToAdd(b) ? a : isZeroToAdd(a) ? b : joinedPads(a, b);
            case MIN, MAX, AND, OR -> a == b ? a : null;
            case REMAINDER, POW, XOR, SHIFT_LEFT, SHIFT_RIGHT_LOGICAL, EQUAL, NOT_EQUAL, LESS_THAN, LESS_OR_EQUAL,
                GREATER_THAN, GREATER_OR_EQUAL -> null;
        };
    }

    /** What arithmetic with constants gives, where that is one number on every device; NaN has several forms. */
    private OptionalDouble known(BinaryOp op, DType dtype, Term a, Term b) {
        OptionalLong left = terms.bits(a);
        OptionalLong right = terms.bits(b);
        if (left.isEmpty() || right.isEmpty() || dtype != DType.F32 && dtype != DType.F64) {
            return OptionalDouble.empty();
        }
        double x = Double.longBitsToDouble(left.getAsLong());
        double y = Double.longBitsToDouble(right.getAsLong());
        double exact = switch (op) {
            case ADD -> x + y;
            case SUB -> x - y;
            case MUL -> x * y;
            case DIV -> x / y;
            case REMAINDER, POW, MIN, MAX, AND, OR, XOR, SHIFT_LEFT, SHIFT_RIGHT_LOGICAL, EQUAL, NOT_EQUAL, LESS_THAN,
                LESS_OR_EQUAL, GREATER_THAN, GREATER_OR_EQUAL -> Double.NaN;
        };
        // Of two floats, a double has more than twice the digits: rounding it is rounding the float's own operation.
        double result = dtype == DType.F32 ? (float) exact : exact;
        return Double.isNaN(result) ? OptionalDouble.empty() : OptionalDouble.of(result);
    }

    /** Whether all elements are this number, with this sign of zero. */
    private boolean is(Term term, double value) {
        OptionalLong bits = terms.bits(term);
        if (bits.isEmpty()) {
            return false;
        }
        return term.dtype().isFloating() ? bits.getAsLong() == Double.doubleToRawLongBits(value)
            : bits.getAsLong() == (long) value;
    }

    private boolean isZeroToAdd(Term term) {
        return is(term, term.dtype().isFloating() ? -0.0 : 0.0);
    }

    /**
     * The sum of two tensors that were padded with zeros to neighboring windows, as the gradient of a tensor that was
     * sliced apart is: one concatenation. Each part still gets its zero added, which makes a -0 a +0.
     */
    private Term joinedPads(Term a, Term b) {
        if (!(a.op instanceof Op.Pad padA) || !(b.op instanceof Op.Pad padB) || !is(a.input(1), 0.0)
            || !is(b.input(1), 0.0)) {
            return null;
        }
        int axis = neighborAxis(a.input(0).shape(), padA, b.input(0).shape(), padB);
        if (axis < 0) {
            return null;
        }
        boolean inOrder = padA.low().get(axis) < padB.low().get(axis);
        Term first = plusZero((inOrder ? a : b).input(0), a.input(1));
        Term second = plusZero((inOrder ? b : a).input(0), a.input(1));
        long extent = first.shape().extent(axis) + second.shape().extent(axis);
        Shape joined = first.shape().with(axis, extent);
        Term whole = terms.of(new Op.Concat(axis), new TensorType(a.dtype(), joined), first, second);
        if (joined.equals(a.shape())) {
            return whole;
        }
        Op.Pad pad = new Op.Pad((inOrder ? padA : padB).low(), padA.interior(), a.shape());
        return terms.of(pad, a.type(), whole, a.input(1));
    }

    /** The axis along which one window begins where the other ends, if they agree along all others; else -1. */
    private static int neighborAxis(Shape a, Op.Pad padA, Shape b, Op.Pad padB) {
        int found = -1;
        for (int axis = 0; axis < a.rank(); axis++) {
            long lowA = padA.low().get(axis);
            long lowB = padB.low().get(axis);
            if (padA.interior().get(axis) != 0 || padB.interior().get(axis) != 0) {
                return -1;
            }
            if (lowA == lowB && a.extent(axis) == b.extent(axis)) {
                continue;
            }
            if (found >= 0 || lowA + a.extent(axis) != lowB && lowB + b.extent(axis) != lowA) {
                return -1;
            }
            found = axis;
        }
        return found;
    }

    /** x + 0, once. */
    private Term plusZero(Term x, Term zero) {
        if (x.op instanceof Op.Binary binary && binary.function() == BinaryOp.ADD && is(x.input(1), 0.0)) {
            return x;
        }
        if (x.op instanceof Op.Concat concat) {
            List<Term> parts = x.inputs.stream().map(part -> plusZero(part, zero)).toList();
            return terms.of(concat, x.type(), parts);
        }
        Term zeros = terms.of(new Op.Expand(x.shape()), x.type(), zero);
        return terms.of(new Op.Binary(BinaryOp.ADD), x.type(), x, zeros);
    }

    private Term where(Term condition, Term a, Term b) {
        OptionalLong known = terms.bits(condition);
        if (known.isPresent()) {
            return known.getAsLong() != 0 ? a : b;
        }
        if (a == b) {
            return a;
        }
        return isUnary(condition, UnaryOp.NOT) ? terms.of(new Op.Where(), a.type(), condition.input(0), b, a) : null;
    }

    private Term cast(DType target, TensorType type, Term x) {
        if (x.dtype() == target) {
            return x;
        }
        if (!(x.op instanceof Op.Cast)) {
            return null;
        }
        DType source = x.input(0).dtype();
        DType between = x.dtype();
        // A float converts to integers by saturation, an integer by wrapping: going through one shows where it does.
        boolean sameRoute = source.isFloating() || !between.isFloating() || target.isFloating() || target.isBoolean()
            || source == target || holds(target, source);
        if (!holds(between, source) || !sameRoute) {
            return null;
        }
        return source == target ? x.input(0) : terms.of(new Op.Cast(target), type, x.input(0));
    }

    /** Whether every value of {@code narrow} is one of {@code wide}. */
    private static boolean holds(DType wide, DType narrow) {
        return switch (narrow) {
            case BOOL -> true;
            case U8 -> wide != DType.BOOL;
            case I32 -> wide == DType.I32 || wide == DType.I64 || wide == DType.F64;
            case I64 -> wide == DType.I64;
            case F16 -> wide == DType.F16 || wide == DType.F32 || wide == DType.F64;
            case BF16 -> wide == DType.BF16 || wide == DType.F32 || wide == DType.F64;
            case F32 -> wide == DType.F32 || wide == DType.F64;
            case F64 -> wide == DType.F64;
        };
    }

    private Term reduce(Op.Reduce reduce, TensorType type, Term x) {
        List<Integer> folding = reduce.axes().stream().filter(axis -> x.shape().extent(axis) != 1
            && !(reduce.function().isChoice() && isRepeated(x, axis))).toList();
        if (folding.size() == reduce.axes().size()) {
            return null;
        }
        Term source = x;
        if (reduce.axes().stream().anyMatch(axis -> x.shape().extent(axis) != 1 && !folding.contains(axis))) {
            // The largest of equal elements is any of them.
            Shape once = x.shape();
            for (int axis : reduce.axes()) {
                once = folding.contains(axis) ? once : once.with(axis, 1);
            }
            source = terms.of(new Op.Expand(once), new TensorType(x.dtype(), once), x.input(0));
        }
        if (!folding.isEmpty()) {
            Shape folded = source.shape().without(folding.stream().mapToInt(Integer::intValue).toArray());
            source = terms.of(new Op.Reduce(reduce.function(), folding), new TensorType(x.dtype(), folded), source);
        }
        return terms.of(new Op.Reshape(type.shape()), type, source);
    }

    private static boolean isRepeated(Term x, int axis) {
        return x.op instanceof Op.Expand && x.input(0).shape().extent(axis) == 1 && x.shape().extent(axis) > 1;
    }

    private Term reshape(TensorType type, Term x) {
        if (x.shape().equals(type.shape())) {
            return x;
        }
        return x.op instanceof Op.Reshape ? terms.of(new Op.Reshape(type.shape()), type, x.input(0)) : null;
    }

    private Term permute(List<Integer> axes, TensorType type, Term x) {
        boolean identity = true;
        for (int i = 0; i < axes.size(); i++) {
            identity &= axes.get(i) == i;
        }
        if (identity) {
            return x;
        }
        if (!(x.op instanceof Op.Permute inner)) {
            return null;
        }
        List<Integer> composed = axes.stream().map(axis -> inner.axes().get(axis)).toList();
        return terms.of(new Op.Permute(composed), type, x.input(0));
    }

    private Term expand(TensorType type, Term x) {
        if (x.shape().equals(type.shape())) {
            return x;
        }
        return x.op instanceof Op.Expand ? terms.of(new Op.Expand(type.shape()), type, x.input(0)) : null;
    }

    private Term slice(Op.Slice slice, TensorType type, Term x) {
        if (type.shape().isEmpty()) {
            return null;
        }
        if (x.shape().equals(type.shape()) && slice.steps().stream().allMatch(step -> step == 1)) {
            return x;
        }
        if (x.op instanceof Op.Slice inner) {
            List<Long> starts = new ArrayList<>();
            List<Long> steps = new ArrayList<>();
            for (int axis = 0; axis < slice.steps().size(); axis++) {
                starts.add(inner.starts().get(axis) + slice.starts().get(axis) * inner.steps().get(axis));
                steps.add(inner.steps().get(axis) * slice.steps().get(axis));
            }
            return terms.of(new Op.Slice(starts, steps, type.shape()), type, x.input(0));
        }
        return x.op instanceof Op.Concat concat ? sliceOfConcat(slice, concat.axis(), type, x) : null;
    }

    /** A slice that takes elements of one part alone. */
    private Term sliceOfConcat(Op.Slice slice, int axis, TensorType type, Term x) {
        long step = slice.steps().get(axis);
        long first = slice.starts().get(axis);
        long last = first + (type.shape().extent(axis) - 1) * step;
        long start = 0;
        for (Term part : x.inputs) {
            long end = start + part.shape().extent(axis);
            if (Math.min(first, last) >= start && Math.max(first, last) < end) {
                List<Long> starts = new ArrayList<>(slice.starts());
                starts.set(axis, first - start);
                return terms.of(new Op.Slice(starts, slice.steps(), type.shape()), type, part);
            }
            start = end;
        }
        return null;
    }

    /** Without empty parts, and with the parts of parts in their place. */
    private Term concat(int axis, TensorType type, List<Term> inputs) {
        List<Term> parts = new ArrayList<>();
        for (Term input : inputs) {
            if (input.op instanceof Op.Concat inner && inner.axis() == axis) {
                parts.addAll(input.inputs);
            } else if (input.shape().extent(axis) > 0) {
                parts.add(input);
            }
        }
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        return parts.isEmpty() || parts.equals(inputs) ? null : terms.of(new Op.Concat(axis), type, parts);
    }
}

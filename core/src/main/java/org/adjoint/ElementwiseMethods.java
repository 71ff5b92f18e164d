package org.adjoint;

import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.ComposedOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.ElementwiseOps;
import org.adjoint.graph.Ops;
import org.adjoint.graph.UnaryOp;

/** What a {@link Tensor} computes element by element. */
public sealed interface ElementwiseMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    default Tensor add(Tensor other) {
        return self().binary(BinaryOp.ADD, other);
    }

    default Tensor add(double other) {
        return self().binary(BinaryOp.ADD, other);
    }

    default Tensor sub(Tensor other) {
        return self().binary(BinaryOp.SUB, other);
    }

    default Tensor sub(double other) {
        return self().binary(BinaryOp.SUB, other);
    }

    default Tensor mul(Tensor other) {
        return self().binary(BinaryOp.MUL, other);
    }

    default Tensor mul(double other) {
        return self().binary(BinaryOp.MUL, other);
    }

    /** True division: integers give {@code F32}. */
    default Tensor div(Tensor other) {
        return self().zip("div", other, Ops::div);
    }

    /** True division: integers give {@code F32}. */
    default Tensor div(double other) {
        return self().map("div", a -> Ops.div(a, other));
    }

    /**
     * The remainder of division towards zero, with the sign of this tensor's element: Java's {@code %} and C's
     * {@code fmod}, as PyTorch calls it too. PyTorch's own {@code remainder} is {@link #mod(Tensor)}.
     */
    default Tensor remainder(Tensor other) {
        return self().binary(BinaryOp.REMAINDER, other);
    }

    default Tensor remainder(double other) {
        return self().binary(BinaryOp.REMAINDER, other);
    }

    /** The remainder of division rounded down, with the sign of {@code other}'s element: Python's {@code %}. */
    default Tensor mod(Tensor other) {
        return self().zip("mod", other, ElementwiseOps::mod);
    }

    default Tensor mod(double other) {
        return self().map("mod", x -> ElementwiseOps.mod(x, Ops.scalar(x, other)));
    }

    /** The quotient rounded down, in the operands' dtype. Gradients do not pass; an integer divisor of 0 gives 0. */
    default Tensor floorDivide(Tensor other) {
        return self().zip("floorDivide", other, ElementwiseOps::floorDivide);
    }

    default Tensor floorDivide(double other) {
        return self().map("floorDivide", x -> ElementwiseOps.floorDivide(x, Ops.scalar(x, other)));
    }

    default Tensor pow(Tensor exponent) {
        return self().binary(BinaryOp.POW, exponent);
    }

    default Tensor pow(double exponent) {
        return self().map("pow", x -> exponent == 2 && x.dtype().isFloating() ? Ops.mul(x, x)
            : Ops.binary(BinaryOp.POW, x, exponent));
    }

    /** The smaller one of each pair; NaN if either is. */
    default Tensor minimum(Tensor other) {
        return self().zip("minimum", other, Ops::min);
    }

    default Tensor minimum(double other) {
        return self().map("minimum", x -> Ops.binary(BinaryOp.MIN, x, other));
    }

    /** The larger one of each pair; NaN if either is. */
    default Tensor maximum(Tensor other) {
        return self().zip("maximum", other, Ops::max);
    }

    default Tensor maximum(double other) {
        return self().map("maximum", x -> Ops.binary(BinaryOp.MAX, x, other));
    }

    /** Elements limited to [low, high]; an infinite limit is none. Elements at a limit pass their gradient. */
    default Tensor clamp(double low, double high) {
        return self().map("clamp", x -> ElementwiseOps.clamp(x, low, high));
    }

    /** As {@link #clamp(double, double)} with limits that broadcast with this tensor, of which one may be null. */
    default Tensor clamp(Tensor low, Tensor high) {
        return self().apply("clamp", x -> ElementwiseOps.clamp(x.get(0), x.get(1), x.get(2)), low, high);
    }

    /** {@code this + weight (end - this)}. */
    default Tensor lerp(Tensor end, Tensor weight) {
        return self().combine("lerp", x -> ElementwiseOps.lerp(x.get(0), x.get(1), x.get(2)), end, weight);
    }

    default Tensor lerp(Tensor end, double weight) {
        return self().zip("lerp", end, (a, b) -> ElementwiseOps.lerp(a, b, weight));
    }

    /** The angle of the point (other, this), in [-pi, pi], zeros and infinities as {@link Math#atan2}. */
    default Tensor atan2(Tensor other) {
        return self().zip("atan2", other, (a, b) -> ElementwiseOps.composed(ComposedOp.ATAN2, a, b));
    }

    /** {@code sqrt(this^2 + other^2)} without overflow on the way. Its gradient at the origin is 0. */
    default Tensor hypot(Tensor other) {
        return self().zip("hypot", other, (a, b) -> ElementwiseOps.composed(ComposedOp.HYPOT, a, b));
    }

    /** {@code log(e^this + e^other)}. */
    default Tensor logAddExp(Tensor other) {
        return self().zip("logAddExp", other, (a, b) -> ElementwiseOps.composed(ComposedOp.LOG_ADD_EXP, a, b));
    }

    default Tensor neg() {
        return self().unary(UnaryOp.NEG);
    }

    default Tensor abs() {
        return self().unary(UnaryOp.ABS);
    }

    default Tensor sign() {
        return self().unary(UnaryOp.SIGN);
    }

    default Tensor exp() {
        return self().unary(UnaryOp.EXP);
    }

    default Tensor expm1() {
        return self().unary(UnaryOp.EXPM1);
    }

    default Tensor log() {
        return self().unary(UnaryOp.LOG);
    }

    default Tensor log1p() {
        return self().unary(UnaryOp.LOG1P);
    }

    default Tensor exp2() {
        return self().map("exp2", ElementwiseOps::exp2);
    }

    default Tensor log2() {
        return self().map("log2", ElementwiseOps::log2);
    }

    default Tensor log10() {
        return self().map("log10", ElementwiseOps::log10);
    }

    default Tensor sqrt() {
        return self().unary(UnaryOp.SQRT);
    }

    default Tensor rsqrt() {
        return self().map("rsqrt", x -> Ops.reciprocal(Ops.sqrt(x)));
    }

    default Tensor square() {
        return self().map("square", x -> Ops.mul(x, x));
    }

    default Tensor reciprocal() {
        return self().unary(UnaryOp.RECIPROCAL);
    }

    default Tensor sin() {
        return self().unary(UnaryOp.SIN);
    }

    default Tensor cos() {
        return self().unary(UnaryOp.COS);
    }

    default Tensor tan() {
        return self().map("tan", x -> ElementwiseOps.composed(ComposedOp.TAN, x));
    }

    default Tensor asin() {
        return self().map("asin", x -> ElementwiseOps.composed(ComposedOp.ASIN, x));
    }

    default Tensor acos() {
        return self().map("acos", x -> ElementwiseOps.composed(ComposedOp.ACOS, x));
    }

    default Tensor atan() {
        return self().unary(UnaryOp.ATAN);
    }

    default Tensor sinh() {
        return self().map("sinh", x -> ElementwiseOps.composed(ComposedOp.SINH, x));
    }

    default Tensor cosh() {
        return self().map("cosh", x -> ElementwiseOps.composed(ComposedOp.COSH, x));
    }

    default Tensor tanh() {
        return self().unary(UnaryOp.TANH);
    }

    default Tensor asinh() {
        return self().map("asinh", x -> ElementwiseOps.composed(ComposedOp.ASINH, x));
    }

    default Tensor acosh() {
        return self().map("acosh", x -> ElementwiseOps.composed(ComposedOp.ACOSH, x));
    }

    default Tensor atanh() {
        return self().map("atanh", x -> ElementwiseOps.composed(ComposedOp.ATANH, x));
    }

    default Tensor erf() {
        return self().unary(UnaryOp.ERF);
    }

    default Tensor floor() {
        return self().unary(UnaryOp.FLOOR);
    }

    default Tensor ceil() {
        return self().unary(UnaryOp.CEIL);
    }

    /** To the nearest integer, ties to even. */
    default Tensor round() {
        return self().unary(UnaryOp.ROUND);
    }

    default Tensor trunc() {
        return self().unary(UnaryOp.TRUNC);
    }

    /** {@code x - trunc(x)}. */
    default Tensor frac() {
        return self().map("frac", ElementwiseOps::frac);
    }

    default Tensor isNan() {
        return self().unary(UnaryOp.IS_NAN);
    }

    default Tensor isInf() {
        return self().map("isInf", ElementwiseOps::isInf);
    }

    /** Neither NaN nor infinite. */
    default Tensor isFinite() {
        return self().map("isFinite", ElementwiseOps::isFinite);
    }

    /** NaN replaced by {@code nan}, the infinities by {@code positive} and {@code negative}. */
    default Tensor nanToNum(double nan, double positive, double negative) {
        return self().map("nanToNum", x -> ElementwiseOps.nanToNum(x, nan, positive, negative));
    }

    // Comparison, logic, choice

    default Tensor equal(Tensor other) {
        return self().binary(BinaryOp.EQUAL, other);
    }

    default Tensor equal(double other) {
        return self().binary(BinaryOp.EQUAL, other);
    }

    default Tensor notEqual(Tensor other) {
        return self().binary(BinaryOp.NOT_EQUAL, other);
    }

    default Tensor notEqual(double other) {
        return self().binary(BinaryOp.NOT_EQUAL, other);
    }

    default Tensor lessThan(Tensor other) {
        return self().binary(BinaryOp.LESS_THAN, other);
    }

    default Tensor lessThan(double other) {
        return self().binary(BinaryOp.LESS_THAN, other);
    }

    default Tensor lessOrEqual(Tensor other) {
        return self().binary(BinaryOp.LESS_OR_EQUAL, other);
    }

    default Tensor lessOrEqual(double other) {
        return self().binary(BinaryOp.LESS_OR_EQUAL, other);
    }

    default Tensor greaterThan(Tensor other) {
        return self().binary(BinaryOp.GREATER_THAN, other);
    }

    default Tensor greaterThan(double other) {
        return self().binary(BinaryOp.GREATER_THAN, other);
    }

    default Tensor greaterOrEqual(Tensor other) {
        return self().binary(BinaryOp.GREATER_OR_EQUAL, other);
    }

    default Tensor greaterOrEqual(double other) {
        return self().binary(BinaryOp.GREATER_OR_EQUAL, other);
    }

    /** Logical for {@code BOOL}, bitwise for integers. */
    default Tensor and(Tensor other) {
        return self().binary(BinaryOp.AND, other);
    }

    /** Logical for {@code BOOL}, bitwise for integers. */
    default Tensor or(Tensor other) {
        return self().binary(BinaryOp.OR, other);
    }

    /** Logical for {@code BOOL}, bitwise for integers. */
    default Tensor xor(Tensor other) {
        return self().binary(BinaryOp.XOR, other);
    }

    /** Logical for {@code BOOL}, bitwise for integers. */
    default Tensor not() {
        return self().unary(UnaryOp.NOT);
    }

    /** Whether both elements are other than 0. */
    default Tensor logicalAnd(Tensor other) {
        return self().zip("logicalAnd", other, (a, b) -> ElementwiseOps.logical(BinaryOp.AND, a, b));
    }

    /** Whether one of the elements is other than 0, or both. */
    default Tensor logicalOr(Tensor other) {
        return self().zip("logicalOr", other, (a, b) -> ElementwiseOps.logical(BinaryOp.OR, a, b));
    }

    /** Whether one of the elements is other than 0, but not both. */
    default Tensor logicalXor(Tensor other) {
        return self().zip("logicalXor", other, (a, b) -> ElementwiseOps.logical(BinaryOp.XOR, a, b));
    }

    /** Whether the element is 0. */
    default Tensor logicalNot() {
        return self().map("logicalNot", ElementwiseOps::logicalNot);
    }

    default Tensor shiftLeft(Tensor count) {
        return self().binary(BinaryOp.SHIFT_LEFT, count);
    }

    default Tensor shiftRightLogical(Tensor count) {
        return self().binary(BinaryOp.SHIFT_RIGHT_LOGICAL, count);
    }

    /** Elements of {@code a} where this {@code BOOL} tensor is true, of {@code b} elsewhere. */
    default Tensor where(Tensor a, Tensor b) {
        return self().combine("where", x -> Ops.where(x.get(0), x.get(1), x.get(2)), a, b);
    }

    default Tensor to(DType dtype) {
        return self().map("to", x -> Ops.cast(x, dtype));
    }

    /** The same values; gradients do not pass. */
    default Tensor stopGradient() {
        return self().map("stopGradient", Ops::stopGradient);
    }
}

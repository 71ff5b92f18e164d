package org.adjoint;

import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.NeuralOps;
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

    /** The remainder of division towards zero, with the sign of this tensor's element. */
    default Tensor remainder(Tensor other) {
        return self().binary(BinaryOp.REMAINDER, other);
    }

    default Tensor remainder(double other) {
        return self().binary(BinaryOp.REMAINDER, other);
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
        return self().binary(BinaryOp.MIN, other);
    }

    default Tensor minimum(double other) {
        return self().binary(BinaryOp.MIN, other);
    }

    /** The larger one of each pair; NaN if either is. */
    default Tensor maximum(Tensor other) {
        return self().binary(BinaryOp.MAX, other);
    }

    default Tensor maximum(double other) {
        return self().binary(BinaryOp.MAX, other);
    }

    /** Elements limited to [low, high]. */
    default Tensor clamp(double low, double high) {
        return maximum(low).minimum(high);
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

    default Tensor tanh() {
        return self().unary(UnaryOp.TANH);
    }

    default Tensor sigmoid() {
        return self().unary(UnaryOp.SIGMOID);
    }

    /** {@code max(x, 0)}, whose derivative at 0 is 0. */
    default Tensor relu() {
        return self().map("relu", NeuralOps::relu);
    }

    /** The exact GELU. */
    default Tensor gelu() {
        return self().map("gelu", NeuralOps::gelu);
    }

    /** GELU's tanh approximation. */
    default Tensor geluTanh() {
        return self().map("geluTanh", NeuralOps::geluTanh);
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

    default Tensor isNan() {
        return self().unary(UnaryOp.IS_NAN);
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

    default Tensor shiftLeft(Tensor count) {
        return self().binary(BinaryOp.SHIFT_LEFT, count);
    }

    default Tensor shiftRightLogical(Tensor count) {
        return self().binary(BinaryOp.SHIFT_RIGHT_LOGICAL, count);
    }

    /** Elements of {@code a} where this {@code BOOL} tensor is true, of {@code b} elsewhere. */
    default Tensor where(Tensor a, Tensor b) {
        return self().result("where", Ops.where(self().operand("where"), a.operand("where"), b.operand("where")), a, b);
    }

    default Tensor to(DType dtype) {
        return self().map("cast", x -> Ops.cast(x, dtype));
    }

    /** The same values; gradients do not pass. */
    default Tensor stopGradient() {
        return self().map("stopGradient", Ops::stopGradient);
    }
}

package org.adjoint.parity;

import java.util.List;
import java.util.function.BiFunction;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/** What is computed element by element. */
final class ElementwiseRows {
    private ElementwiseRows() { }

    static List<Row> rows() {
        return List.of(
            unary("neg", "torch.neg(x0)", -3, 3, Tensor::neg),
            apart("abs", "torch.abs(x0)", Tensor::abs),
            apart("sign", "torch.sign(x0)", Tensor::sign),
            unary("exp", "torch.exp(x0)", -4, 4, Tensor::exp),
            unary("expm1", "torch.expm1(x0)", -2, 2, Tensor::expm1),
            unary("log", "torch.log(x0)", 0.2, 5, Tensor::log),
            unary("log1p", "torch.log1p(x0)", -0.7, 3, Tensor::log1p),
            unary("sqrt", "torch.sqrt(x0)", 0.2, 5, Tensor::sqrt),
            unary("rsqrt", "torch.rsqrt(x0)", 0.2, 5, Tensor::rsqrt),
            unary("square", "torch.square(x0)", -3, 3, Tensor::square),
            apart("reciprocal", "torch.reciprocal(x0)", Tensor::reciprocal),
            unary("sin", "torch.sin(x0)", -6, 6, Tensor::sin),
            unary("cos", "torch.cos(x0)", -6, 6, Tensor::cos),
            // Of the gradients of tanh and sigmoid, made of y, the rounding of a y next to 1 is most.
            unary("tanh", "torch.tanh(x0)", -3, 3, Tensor::tanh).bound(2, 64),
            unary("sigmoid", "torch.sigmoid(x0)", -4, 4, Tensor::sigmoid).bound(2, 64),
            apart("relu", "torch.relu(x0)", Tensor::relu),
            unary("gelu", "torch.gelu(x0)", -3, 3, Tensor::gelu).cancelling(),
            unary("geluTanh", "torch.gelu(x0, approximate='tanh')", -3, 3, Tensor::geluTanh).cancelling(),
            unary("erf", "torch.erf(x0)", -2.5, 2.5, Tensor::erf),
            apart("floor", "torch.floor(x0)", Tensor::floor),
            apart("ceil", "torch.ceil(x0)", Tensor::ceil),
            Row.of("round", draw -> Case.of(x -> x[0].round(), "torch.round(x0)",
                draw.grid(draw.shape(0, 4), -4, 4, 0.5, 0))).forwardOnly(),
            apart("trunc", "torch.trunc(x0)", Tensor::trunc),
            apart("isNan", "torch.isnan(torch.log(x0))", x -> x.log().isNan()).forwardOnly(),
            unary("exp2", "torch.exp2(x0)", -4, 4, Tensor::exp2),
            unary("log2", "torch.log2(x0)", 0.2, 5, Tensor::log2),
            unary("log10", "torch.log10(x0)", 0.2, 5, Tensor::log10),
            unary("tan", "torch.tan(x0)", -1.4, 1.4, Tensor::tan),
            unary("asin", "torch.asin(x0)", -0.95, 0.95, Tensor::asin),
            unary("acos", "torch.acos(x0)", -0.95, 0.95, Tensor::acos),
            unary("atan", "torch.atan(x0)", -5, 5, Tensor::atan),
            unary("sinh", "torch.sinh(x0)", -3, 3, Tensor::sinh),
            unary("cosh", "torch.cosh(x0)", -3, 3, Tensor::cosh),
            unary("asinh", "torch.asinh(x0)", -5, 5, Tensor::asinh),
            unary("acosh", "torch.acosh(x0)", 1.1, 5, Tensor::acosh),
            unary("atanh", "torch.atanh(x0)", -0.9, 0.9, Tensor::atanh),
            apart("frac", "torch.frac(x0)", Tensor::frac),
            apart("leakyRelu", "torch.leaky_relu(x0, 0.2)", x -> x.leakyRelu(0.2)),
            apart("elu", "torch.elu(x0, 1.5)", x -> x.elu(1.5)),
            apart("celu", "torch.celu(x0, 1.5)", x -> x.celu(1.5)),
            apart("selu", "torch.selu(x0)", Tensor::selu),
            unary("silu", "torch.silu(x0)", -4, 4, Tensor::silu).cancelling(),
            unary("softplus", "torch.softplus(x0)", -6, 6, Tensor::softplus),
            unary("softplus with beta", "torch.softplus(x0, 2.5)", -3, 3, x -> x.softplus(2.5)).bound(4, 4),
            unary("mish", "torch.mish(x0)", -4, 4, Tensor::mish).cancelling(),
            unary("logSigmoid", "torch.log_sigmoid(x0)", -6, 6, Tensor::logSigmoid),
            unary("softsign", "x0 / (1 + torch.abs(x0))", -4, 4, Tensor::softsign).cancelling(),
            Row.of("relu6", draw -> Case.of(x -> x[0].relu6(), "torch.relu6(x0)",
                draw.grid(draw.shape(0, 4), -2, 8, 0.5, 0.2))),
            apart("hardTanh", "torch.hardtanh(x0, -1.0, 1.5)", x -> x.hardTanh(-1, 1.5)),
            // Not torch.hardsigmoid, whose derivative in f64 is the sixth rounded to f32.
            Row.of("hardSigmoid", draw -> Case.of(x -> x[0].hardSigmoid(), "torch.clamp(x0 / 6 + 0.5, 0, 1)",
                draw.grid(draw.shape(0, 4), -5, 5, 0.5, 0.2))),
            Row.of("hardSwish", draw -> Case.of(x -> x[0].hardSwish(), "torch.hardswish(x0)",
                draw.grid(draw.shape(0, 4), -5, 5, 0.5, 0.2))),
            Row.of("prelu", draw -> Case.of(x -> x[0].prelu(x[1]), "torch.prelu(x0, x1)",
                draw.notZero(draw.shape(2, 4)), draw.uniform(Shape.of(1), 0, 1))).cancelling(),
            apartPair("mod", "torch.remainder(x0, x1)", Tensor::mod).cancelling(),
            apartPair("floorDivide", "torch.floor_divide(x0, x1)", Tensor::floorDivide).forwardOnly(),
            apartPair("atan2", "torch.atan2(x0, x1)", Tensor::atan2).cancelling(),
            apartPair("hypot", "torch.hypot(x0, x1)", Tensor::hypot).cancelling(),
            binary("logAddExp", "torch.logaddexp(x0, x1)", Tensor::logAddExp).cancelling(),
            Row.of("lerp", draw -> {
                Shape shape = draw.shape(0, 4);
                return Case.of(x -> x[0].lerp(x[1], x[2]), "torch.lerp(x0, x1, x2)", draw.any(shape),
                    draw.any(shape), draw.uniform(shape, 0, 1));
            }).cancelling(),
            Row.of("clamp by tensors", draw -> {
                Shape shape = draw.shape(0, 4);
                return Case.of(x -> x[0].clamp(x[1], x[2]), "torch.clamp(x0, x1, x2)", draw.any(shape),
                    draw.uniform(shape, -1.5, -0.5), draw.uniform(shape, 0.5, 1.5));
            }),
            apart("isInf", "torch.isinf(1 / torch.floor(x0))", x -> x.floor().reciprocal().isInf()).forwardOnly(),
            apart("isFinite", "torch.isfinite(1 / torch.floor(x0))", x -> x.floor().reciprocal().isFinite())
                .forwardOnly(),
            apart("nanToNum", "torch.nan_to_num(torch.log(x0), 7.0, 8.0, 9.0)", x -> x.log().nanToNum(7, 8, 9)),
            logical("logicalAnd", "torch.logical_and(x0, x1)", Tensor::logicalAnd),
            logical("logicalOr", "torch.logical_or(x0, x1)", Tensor::logicalOr),
            logical("logicalXor", "torch.logical_xor(x0, x1)", Tensor::logicalXor),
            Row.of("logicalNot", draw -> Case.of(x -> x[0].logicalNot(), "torch.logical_not(x0)",
                draw.grid(draw.shape(0, 4), -2, 2, 1, 0))).forwardOnly(),
            binary("add", "x0 + x1", Tensor::add).cancelling(),
            binary("sub", "x0 - x1", Tensor::sub).cancelling(),
            binary("mul", "x0 * x1", Tensor::mul).cancelling(),
            apartPair("div", "x0 / x1", Tensor::div).cancelling(),
            Row.of("pow", draw -> {
                Shape shape = draw.shape(0, 4);
                return Case.of(x -> x[0].pow(x[1]), "torch.pow(x0, x1)", draw.uniform(shape, 0.3, 3),
                    draw.uniform(draw.broadcasting(shape), -2, 2));
            }).cancelling(),
            Row.of("pow of a number", draw -> {
                double exponent = draw.number(-3, 3);
                return Case.of(x -> x[0].pow(exponent), "torch.pow(x0, " + exponent + ")",
                    draw.uniform(draw.shape(0, 4), 0.3, 3));
            }),
            apartPair("remainder", "torch.fmod(x0, x1)", Tensor::remainder).cancelling(),
            binary("minimum", "torch.minimum(x0, x1)", Tensor::minimum).cancelling(),
            binary("maximum", "torch.maximum(x0, x1)", Tensor::maximum).cancelling(),
            Row.of("clamp", draw -> {
                double low = draw.number(-2, 0) + 0.01;
                double high = draw.number(0.25, 2) + 0.01;
                return Case.of(x -> x[0].clamp(low, high), "torch.clamp(x0, " + low + ", " + high + ")",
                    draw.notZero(draw.shape(0, 4)));
            }),
            comparison("equal", "x0 == x1", Tensor::equal),
            comparison("notEqual", "x0 != x1", Tensor::notEqual),
            comparison("lessThan", "x0 < x1", Tensor::lessThan),
            comparison("lessOrEqual", "x0 <= x1", Tensor::lessOrEqual),
            comparison("greaterThan", "x0 > x1", Tensor::greaterThan),
            comparison("greaterOrEqual", "x0 >= x1", Tensor::greaterOrEqual),
            integers("bitwise and", "torch.bitwise_and(x0, x1)", Tensor::and),
            integers("bitwise or", "torch.bitwise_or(x0, x1)", Tensor::or),
            integers("bitwise xor", "torch.bitwise_xor(x0, x1)", Tensor::xor),
            Row.of("not", draw -> Case.of(x -> x[0].not(), "torch.logical_not(x0)", draw.mask(draw.shape(0, 4))))
                .forwardOnly(),
            Row.of("where", draw -> {
                Shape shape = draw.shape(0, 4);
                return Case.of(x -> x[0].where(x[1], x[2]), "torch.where(x0, x1, x2)", draw.mask(shape),
                    draw.any(draw.broadcasting(shape)), draw.any(draw.broadcasting(shape)));
            }).cancelling(),
            Row.of("cast to i64", draw -> Case.of(x -> x[0].to(DType.I64), "x0.to(4)",
                draw.uniform(draw.shape(0, 4), -100, 100))).forwardOnly(),
            Row.of("cast of i64", draw -> Case.of(x -> x[0].to(DType.F64).mul(0.5), "x0.to(7) * 0.5",
                draw.indices(draw.shape(0, 4), 1_000))).forwardOnly());
    }

    static Row unary(String name, String torch, double low, double high, UnaryOperator<Tensor> ours) {
        return Row.of(name, draw -> Case.of(x -> ours.apply(x[0]), torch, draw.uniform(draw.shape(0, 4), low, high)));
    }

    /** Of values apart from 0 and from whole numbers. */
    static Row apart(String name, String torch, UnaryOperator<Tensor> ours) {
        return Row.of(name, draw -> Case.of(x -> ours.apply(x[0]), torch, draw.notZero(draw.shape(0, 4))));
    }

    /** Of two tensors that broadcast. */
    static Row binary(String name, String torch, BinaryOperator<Tensor> ours) {
        return Row.of(name, draw -> {
            Shape shape = draw.shape(0, 4);
            return Case.of(x -> ours.apply(x[0], x[1]), torch, draw.any(draw.broadcasting(shape)),
                draw.any(draw.broadcasting(shape)));
        });
    }

    /** Of a second tensor apart from 0. */
    static Row apartPair(String name, String torch, BinaryOperator<Tensor> ours) {
        return Row.of(name, draw -> {
            Shape shape = draw.shape(0, 4);
            return Case.of(x -> ours.apply(x[0], x[1]), torch, draw.any(draw.broadcasting(shape)),
                draw.notZero(draw.broadcasting(shape)));
        });
    }

    /** Of few values, so that some are equal. */
    private static Row comparison(String name, String torch, BinaryOperator<Tensor> ours) {
        return pair(name, torch, ours, (draw, shape) -> draw.grid(shape, -2, 2, 1, 0));
    }

    private static Row logical(String name, String torch, BinaryOperator<Tensor> ours) {
        return pair(name, torch, ours, (draw, shape) -> draw.grid(shape, -1, 1, 1, 0));
    }

    static Row integers(String name, String torch, BinaryOperator<Tensor> ours) {
        return pair(name, torch, ours, (draw, shape) -> draw.indices(shape, 1_000));
    }

    private static Row pair(String name, String torch, BinaryOperator<Tensor> ours,
        BiFunction<Draw, Shape, Argument> argument) {
        return Row.of(name, draw -> {
            Shape shape = draw.shape(0, 4);
            return Case.of(x -> ours.apply(x[0], x[1]), torch, argument.apply(draw, draw.broadcasting(shape)),
                argument.apply(draw, draw.broadcasting(shape)));
        }).forwardOnly();
    }
}

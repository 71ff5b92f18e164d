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
            unary("tanh", "torch.tanh(x0)", -3, 3, Tensor::tanh).cancelling(),
            unary("sigmoid", "torch.sigmoid(x0)", -4, 4, Tensor::sigmoid),
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

package org.adjoint.contract;

import static org.adjoint.contract.ProgramGenerator.call;
import static org.adjoint.contract.ProgramGenerator.method;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.adjoint.Tensor;
import org.adjoint.contract.RandomProgram.Call;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.DType;
import org.adjoint.graph.PadMode;
import org.adjoint.graph.Pooling;
import org.adjoint.graph.Reduction;
import org.adjoint.graph.Shape;

/** What random programs are made of: an operation is a line here. Groups are taken equally often. */
final class ProgramFamilies {
    /** An application of an operation to values that there are, or null where none fits. */
    @FunctionalInterface
    interface Family {
        Call next(ProgramGenerator g);
    }

    static final List<List<Family>> GROUPS = List.of(functions(), numbers(), pairs(), choices(), reductions(),
        movement(), arrangement(), indexing(), products(), rows(), dtypes());

    private ProgramFamilies() { }

    /** A function of floating tensors, as a method without arguments. */
    static Family function(String name, UnaryOperator<Tensor> apply) {
        return g -> method(name + "()", apply, g.floating(0));
    }

    /** Methods in a row, that keep what the last is given in its domain. */
    private static Family chain(String code, UnaryOperator<Tensor> apply) {
        return g -> method(code, apply, g.floating(0));
    }

    private static Family number(String name, UnaryOperator<Tensor> apply) {
        return g -> method(name + "()", apply, g.number());
    }

    private static Family pair(String name, BinaryOperator<Tensor> apply) {
        return g -> {
            int x = g.number();
            return call("$0." + name + "($1)", t -> apply.apply(t[0], t[1]), x, g.broadcasting(x));
        };
    }

    private static Family floatingPair(String name, BinaryOperator<Tensor> apply) {
        return g -> {
            int x = g.floating(0);
            return call("$0." + name + "($1)", t -> apply.apply(t[0], t[1]), x, g.broadcasting(x));
        };
    }

    @FunctionalInterface
    private interface AlongAxis {
        Tensor apply(Tensor x, int axis);
    }

    private static Family along(String name, AlongAxis apply) {
        return g -> {
            int x = g.floating(1);
            int axis = g.axis(x);
            return method(name + "(" + axis + ")", t -> apply.apply(t, axis), x);
        };
    }

    @FunctionalInterface
    private interface OverAxes {
        Tensor apply(Tensor x, int... axes);
    }

    private static Family over(String name, OverAxes apply) {
        return g -> {
            int x = g.floating(1);
            int[] axes = IntStream.range(0, g.rank(x)).filter(axis -> g.coin()).toArray();
            return method(name + "(" + join(axes) + ")", t -> apply.apply(t, axes), x);
        };
    }

    private static String join(int... numbers) {
        return Arrays.stream(numbers).mapToObj(Integer::toString).collect(Collectors.joining(", "));
    }

    private static String join(long... numbers) {
        return Arrays.stream(numbers).mapToObj(Long::toString).collect(Collectors.joining(", "));
    }

    private static List<Family> functions() {
        return List.of(function("exp", Tensor::exp), function("expm1", Tensor::expm1), function("sin", Tensor::sin),
            function("cos", Tensor::cos), function("atan", Tensor::atan), function("tanh", Tensor::tanh),
            function("sinh", Tensor::sinh), function("cosh", Tensor::cosh), function("asinh", Tensor::asinh),
            function("sigmoid", Tensor::sigmoid), function("erf", Tensor::erf), function("relu", Tensor::relu),
            function("gelu", Tensor::gelu), function("geluTanh", Tensor::geluTanh), function("silu", Tensor::silu),
            function("softplus", Tensor::softplus), function("mish", Tensor::mish), function("elu", Tensor::elu),
            function("selu", Tensor::selu), function("leakyRelu", Tensor::leakyRelu),
            function("logSigmoid", Tensor::logSigmoid), function("softsign", Tensor::softsign),
            function("hardSwish", Tensor::hardSwish), function("exp2", Tensor::exp2),
            chain("tanh().tan()", x -> x.tanh().tan()), chain("sin().mul(0.9).asin()", x -> x.sin().mul(0.9).asin()),
            chain("sin().mul(0.9).acos()", x -> x.sin().mul(0.9).acos()),
            chain("abs().add(0.5).log()", x -> x.abs().add(0.5).log()),
            chain("square().log1p()", x -> x.square().log1p()),
            chain("square().add(0.25).sqrt()", x -> x.square().add(0.25).sqrt()),
            chain("abs().add(0.5).rsqrt()", x -> x.abs().add(0.5).rsqrt()),
            chain("abs().add(1).reciprocal()", x -> x.abs().add(1).reciprocal()));
    }

    private static List<Family> numbers() {
        return List.of(number("neg", Tensor::neg), number("abs", Tensor::abs), number("sign", Tensor::sign),
            number("square", Tensor::square), function("floor", Tensor::floor), function("ceil", Tensor::ceil),
            function("round", Tensor::round), function("trunc", Tensor::trunc), function("frac", Tensor::frac),
            chain("mul(0.5)", x -> x.mul(0.5)), chain("add(1)", x -> x.add(1)), chain("div(3)", x -> x.div(3)),
            chain("pow(3)", x -> x.pow(3)), chain("clamp(-1, 1.5)", x -> x.clamp(-1, 1.5)),
            chain("mod(1.5)", x -> x.mod(1.5)), chain("stopGradient()", Tensor::stopGradient));
    }

    private static List<Family> pairs() {
        return List.of(pair("add", Tensor::add), pair("sub", Tensor::sub), pair("mul", Tensor::mul),
            pair("minimum", Tensor::minimum), pair("maximum", Tensor::maximum),
            floatingPair("atan2", Tensor::atan2), floatingPair("hypot", Tensor::hypot),
            floatingPair("logAddExp", Tensor::logAddExp),
            g -> {
                int x = g.floating(0);
                return call("$0.div($1.square().add(0.5))", t -> t[0].div(t[1].square().add(0.5)), x,
                    g.broadcasting(x));
            },
            g -> {
                int x = g.floating(0);
                return call("$0.abs().add(0.5).pow($1)", t -> t[0].abs().add(0.5).pow(t[1]), x, g.broadcasting(x));
            },
            g -> {
                int x = g.floating(0);
                return call("$0.lerp($1, 0.3)", t -> t[0].lerp(t[1], 0.3), x, g.broadcasting(x));
            });
    }

    private static List<Family> choices() {
        return List.of(pair("lessThan", Tensor::lessThan), pair("greaterOrEqual", Tensor::greaterOrEqual),
            // Of floating numbers rounding decides whether they are equal.
            g -> {
                int x = g.of(DType.I32, g.shape(g.any()).toArray());
                return call("$0.equal($1)", t -> t[0].equal(t[1]), x, g.broadcasting(x));
            },
            g -> {
                int x = g.floating(0);
                int y = g.broadcasting(x);
                return call("$0.lessThan($1).where($0, $1)", t -> t[0].lessThan(t[1]).where(t[0], t[1]), x, y);
            },
            g -> {
                int x = g.floating(0);
                long[] extents = g.shape(x).toArray();
                return call("$1.where($0, $0.mul(2))", t -> t[1].where(t[0], t[0].mul(2)), x,
                    g.of(DType.BOOL, extents));
            },
            g -> {
                int x = g.floating(0);
                return call("$0.maskedFill($1, 0.5)", t -> t[0].maskedFill(t[1], 0.5), x,
                    g.of(DType.BOOL, g.shape(x).toArray()));
            },
            g -> method("not()", Tensor::not, g.truth()),
            g -> method("logicalNot()", Tensor::logicalNot, g.number()));
    }

    private static List<Family> reductions() {
        return List.of(over("sum", Tensor::sum), over("mean", Tensor::mean), over("max", Tensor::max),
            over("min", Tensor::min), over("sumKeep", Tensor::sumKeep), over("meanKeep", Tensor::meanKeep),
            over("maxKeep", Tensor::maxKeep), over("logSumExp", Tensor::logSumExp), along("cumsum", Tensor::cumsum),
            along("argmax", Tensor::argmax), along("argmin", Tensor::argmin), along("prod", Tensor::prod),
            g -> {
                int x = g.floating(1);
                return method("variance(0, false)", t -> t.variance(0, false), x);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                return call("$0.sub($0.meanKeep(" + axis + "))", t -> t[0].sub(t[0].meanKeep(axis)), x);
            });
    }

    private static List<Family> movement() {
        return List.of(
            g -> {
                int x = g.any();
                List<Integer> order = IntStream.range(0, g.rank(x)).boxed().collect(Collectors.toList());
                Collections.rotate(order, g.integer(1 + g.rank(x)));
                int[] axes = order.stream().mapToInt(Integer::intValue).toArray();
                return method("permute(" + join(axes) + ")", t -> t.permute(axes), x);
            },
            g -> {
                int x = g.floating(2);
                return method("transpose()", Tensor::transpose, x);
            },
            g -> method("flatten()", Tensor::flatten, g.any()),
            g -> {
                int x = g.any();
                long[] extents = reshaped(g, g.shape(x));
                return method("reshape(" + join(extents) + ")", t -> t.reshape(extents), x);
            },
            g -> {
                int x = g.any();
                int axis = g.integer(g.rank(x) + 1);
                return method("unsqueeze(" + axis + ")", t -> t.unsqueeze(axis), x);
            },
            g -> {
                int x = g.any();
                long[] shape = g.shape(x).toArray();
                long[] extents = new long[shape.length + 1];
                System.arraycopy(shape, 0, extents, 1, shape.length);
                extents[0] = 2;
                return method("expand(" + join(extents) + ")", t -> t.expand(extents), x);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                long extent = g.shape(x).extent(axis);
                long start = g.integer((int) extent);
                long step = 1 + g.integer(2);
                return method("slice(" + axis + ", " + start + ", " + extent + ", " + step + ")",
                    t -> t.slice(axis, start, extent, step), x);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                return method("flip(" + axis + ")", t -> t.flip(axis), x);
            });
    }

    private static long[] reshaped(ProgramGenerator g, Shape shape) {
        long elements = shape.elements();
        long factor = g.one(List.of(1L, 2L, 3L, 4L, 6L));
        return elements % factor != 0 ? new long[] {elements} : g.coin() ? new long[] {factor, elements / factor}
            : new long[] {elements / factor, factor};
    }

    private static List<Family> arrangement() {
        return List.of(
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                int y = g.of(g.dtype(x), g.shape(x).toArray());
                return call("Tensor.concat(" + axis + ", List.of($0, $1))",
                    t -> Tensor.concat(axis, List.of(t[0], t[1])), x, y);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                long low = g.integer(3);
                long high = g.integer(3);
                return method("pad(" + axis + ", " + low + ", " + high + ", 0.5)", t -> t.pad(axis, low, high, 0.5), x);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                return method("pad(" + axis + ", 1, 1, PadMode.REPLICATE)",
                    t -> t.pad(axis, 1, 1, PadMode.REPLICATE), x);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                return method("roll(1, " + axis + ")", t -> t.roll(1, axis), x);
            },
            g -> method("tril()", Tensor::tril, g.floating(2)), g -> method("triu(1)", t -> t.triu(1), g.floating(2)),
            g -> method("diagonal()", Tensor::diagonal, g.floating(2)),
            g -> {
                int x = g.floating(1);
                long size = g.shape(x).extent(0);
                return size < 2 ? null : method("split(0, " + (size + 1) / 2 + ").get(1)",
                    t -> t.split(0, (size + 1) / 2).get(1), x);
            });
    }

    private static List<Family> indexing() {
        return List.of(
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                int indices = g.indices(g.shape(x).extent(axis), 1 + g.integer(4));
                return call("$0.indexSelect(" + axis + ", $1)", t -> t[0].indexSelect(axis, t[1]), x, indices);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                int indices = g.indices(g.shape(x).extent(axis), g.shape(x).with(axis, 1 + g.integer(3)).toArray());
                return call("$0.gather(" + axis + ", $1)", t -> t[0].gather(axis, t[1]), x, indices);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                long[] extents = g.shape(x).with(axis, 1 + g.integer(3)).toArray();
                int indices = g.indices(g.shape(x).extent(axis), extents);
                return call("$0.scatterAdd(" + axis + ", $1, $2)", t -> t[0].scatterAdd(axis, t[1], t[2]), x, indices,
                    g.of(g.dtype(x), extents));
            },
            g -> {
                int x = g.floating(2);
                return call("$0.embedding($1)", t -> t[0].embedding(t[1]), x,
                    g.indices(g.shape(x).extent(0), 1 + g.integer(4)));
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                return method("sort(" + axis + ")", t -> t.sort(axis), x);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                return method("argsort(" + axis + ")", t -> t.argsort(axis), x);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                return method("topK(1, " + axis + ").values()", t -> t.topK(1, axis).values(), x);
            },
            g -> {
                int x = g.floating(1);
                int axis = g.axis(x);
                return call("$0.gather(" + axis + ", $0.argsort(" + axis + ", true))",
                    t -> t[0].gather(axis, t[0].argsort(axis, true)), x);
            });
    }

    private static List<Family> products() {
        return List.of(
            g -> {
                int x = g.floating(2);
                long columns = 1 + g.integer(5);
                int y = g.of(g.dtype(x), g.shape(x).extent(g.rank(x) - 1), columns);
                return call("$0.matmul($1)", t -> t[0].matmul(t[1]), x, y);
            },
            g -> {
                int x = g.floating(2);
                return call("$0.matmul($0.transpose())", t -> t[0].matmul(t[0].transpose()), x);
            },
            g -> {
                int x = g.floating(2);
                return call("$0.matmul($1)", t -> t[0].matmul(t[1]), x,
                    g.of(g.dtype(x), g.shape(x).extent(g.rank(x) - 1)));
            },
            g -> {
                int x = g.floating(2);
                long[] shape = g.shape(x).toArray();
                int y = g.of(g.dtype(x), shape);
                return call("$0.attention($1, $1, false)", t -> t[0].attention(t[1], t[1], false), x, y);
            },
            g -> {
                int x = g.of(g.dtype(g.floating(0)), 1, 2, 4, 5);
                int kernel = g.of(g.dtype(x), 3, 2, 2, 3);
                return call("$0.conv2d($1, null, Convolution.DEFAULT)",
                    t -> t[0].conv2d(t[1], null, Convolution.DEFAULT), x, kernel);
            },
            g -> {
                int x = g.of(g.dtype(g.floating(0)), 1, 2, 4, 5);
                return method("maxPool2d(Pooling.of(2, 2))", t -> t.maxPool2d(Pooling.of(2, 2)), x);
            },
            g -> {
                int x = g.of(g.dtype(g.floating(0)), 1, 2, 4, 5);
                return method("avgPool2d(Pooling.of(2, 3))", t -> t.avgPool2d(Pooling.of(2, 3)), x);
            });
    }

    private static List<Family> rows() {
        return List.of(along("softmax", Tensor::softmax), along("logSoftmax", Tensor::logSoftmax),
            g -> {
                int x = g.floating(1);
                long width = g.shape(x).extent(g.rank(x) - 1);
                return width < 2 ? null : call("$0.layerNorm($1, $2, 0.1)", t -> t[0].layerNorm(t[1], t[2], 0.1), x,
                    g.of(g.dtype(x), width), g.of(g.dtype(x), width));
            },
            g -> {
                int x = g.floating(1);
                long width = g.shape(x).extent(g.rank(x) - 1);
                return call("$0.rmsNorm($1, 0.1)", t -> t[0].rmsNorm(t[1], 0.1), x, g.of(g.dtype(x), width));
            },
            g -> {
                int x = g.floating(2);
                long[] shape = g.shape(x).toArray();
                int targets = g.indices(shape[shape.length - 1], Arrays.copyOf(shape, shape.length - 1));
                return call("$0.crossEntropy($1)", t -> t[0].crossEntropy(t[1]), x, targets);
            },
            g -> {
                int x = g.floating(1);
                int y = g.of(g.dtype(x), g.shape(x).toArray());
                return call("$0.mseLoss($1)", t -> t[0].mseLoss(t[1]), x, y);
            },
            g -> {
                int x = g.floating(1);
                int y = g.of(g.dtype(x), g.shape(x).toArray());
                return call("$0.huberLoss($1, 0.7, Reduction.NONE)",
                    t -> t[0].huberLoss(t[1], 0.7, Reduction.NONE), x, y);
            });
    }

    private static List<Family> dtypes() {
        return List.of(
            g -> {
                int x = g.any();
                DType dtype = g.one(List.of(DType.F32, DType.F32, DType.F64, DType.BF16, DType.F16));
                // Floating numbers stay what they are where all are F64.
                return call("$0.to(DType." + dtype + ")", t -> t[0].to(dtype), t -> t[0].to(DType.F64), x);
            },
            g -> {
                int x = g.any();
                DType dtype = g.one(List.of(DType.I32, DType.I64, DType.BOOL));
                return method("to(DType." + dtype + ")", t -> t.to(dtype), x);
            },
            g -> {
                int x = g.floating(0);
                return call("$0.mul($1)", t -> t[0].mul(t[1]), x, g.of(DType.I32, g.shape(x).toArray()));
            });
    }
}

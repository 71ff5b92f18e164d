package org.adjoint.contract;

import static org.adjoint.contract.Domain.grid;
import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;
import static org.adjoint.contract.Domain.whole;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.ComposedOp;
import org.adjoint.graph.DType;

/**
 * Samples of elementwise functions that are made of others. They run in the kernels of those, whose samples try the
 * layouts; here there are few.
 */
final class FunctionSamples {
    private static final Tolerance IEEE = Tolerance.exact("IEEE 754 and Java's integers define every bit");
    private static final Tolerance CHOICE = Tolerance.exact("the result is one of few values, exactly representable");
    /** Apart by 1/8 from 0 and other multiples of 1/4. */
    private static final Domain NO_KINK = grid(-8, 8, 0.25, 0.125);
    /** Apart from multiples of a half. */
    private static final Domain BETWEEN_HALVES = grid(-4, 4, 0.5, 0.2);
    private static final Domain SPECIAL = values(0, -0.0, 1, -1, 0.5, -2.5, Double.NaN, Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY, 1e-40, -1e-40, 3e38, -3e38, 88.5, -80, 1e-8, 1e-4, 7.5, 65504, 1e6, -20);
    private static final int SPECIALS = 21;
    /** Why an elementwise function refuses no tensor of its own. */
    static final String EVERY_TENSOR = "takes every tensor: integers and truth values are cast to f32";

    private FunctionSamples() { }

    static List<OpRow> rows() {
        List<OpRow> rows = new ArrayList<>();
        functions(rows);
        activations(rows);
        pairs(rows);
        limits(rows);
        tests(rows);
        return rows;
    }

    private static OpRow row(String name, double units, Domain domain, UnaryOperator<Tensor> apply, Object... covers) {
        Tolerance tolerance = units == 0 ? IEEE : Tolerance.ulps(units, "measured over all floats, and rounded up");
        return OpRow.of(name, covers).tolerance(tolerance).cases(sizes(domain, apply))
            .cases(SampleCase.of(x -> apply.apply(x[0]), Operand.of(SPECIAL, SPECIALS)).forwardOnly());
    }

    /** Of a function without parameters. */
    private static OpRow plain(String name, double units, Domain domain, UnaryOperator<Tensor> apply,
        Object... covers) {
        return row(name, units, domain, apply, covers).takesAlmostAll(EVERY_TENSOR);
    }

    /** A parameter that is none. */
    private static Refusal parameter(String message, UnaryOperator<Tensor> apply) {
        return Refusal.of(message, x -> apply.apply(x[0]), Operand.of(NO_KINK, 2));
    }

    private static List<SampleCase> sizes(Domain domain, UnaryOperator<Tensor> apply) {
        TensorFunction function = x -> apply.apply(x[0]);
        return List.of(SampleCase.of(function, Operand.of(domain)), SampleCase.of(function, Operand.of(domain, 0, 3)),
            SampleCase.of(function, Operand.of(domain, 1)), SampleCase.of(function, Operand.of(domain, 13)),
            SampleCase.of(function, Operand.of(domain, 31)), SampleCase.of(function, Operand.of(domain, 3, 5)),
            SampleCase.of(function, Operand.of(domain, 207)), SampleCase.of(function, Operand.of(domain, 2, 3, 5)),
            SampleCase.of(function, Operand.of(domain, 3, 5).laid(Layout.PERMUTED)),
            SampleCase.of(function, Operand.of(domain, 702)).withoutDifferences());
    }

    private static List<SampleCase> pairSizes(Domain a, Domain b, BinaryOperator<Tensor> apply) {
        TensorFunction function = x -> apply.apply(x[0], x[1]);
        return List.of(SampleCase.of(function, Operand.of(a), Operand.of(b)),
            SampleCase.of(function, Operand.of(a, 0, 3), Operand.of(b, 3)),
            SampleCase.of(function, Operand.of(a, 1), Operand.of(b, 1)),
            SampleCase.of(function, Operand.of(a, 13), Operand.of(b, 13)),
            SampleCase.of(function, Operand.of(a, 31), Operand.of(b, 31)),
            SampleCase.of(function, Operand.of(a, 207), Operand.of(b, 207)),
            SampleCase.of(function, Operand.of(a, 3, 5), Operand.of(b, 3, 5)),
            SampleCase.of(function, Operand.of(a, 5), Operand.of(b, 3, 5)),
            SampleCase.of(function, Operand.of(a, 3, 1), Operand.of(b, 1, 5)),
            SampleCase.of(function, Operand.of(a, 3, 5).laid(Layout.PERMUTED), Operand.of(b, 3, 5)));
    }

    /** Every special value with every other. */
    private static SampleCase specialPairs(BinaryOperator<Tensor> apply) {
        return SampleCase.of(x -> apply.apply(x[0], x[1]), Operand.of(SPECIAL, SPECIALS, 1),
            Operand.of(SPECIAL, SPECIALS)).forwardOnly();
    }

    static Refusal[] mismatches(String op, BinaryOperator<Tensor> apply) {
        return mismatches(op, apply, null);
    }

    /** @param dtype of the operands, null for the one under test */
    static Refusal[] mismatches(String op, BinaryOperator<Tensor> apply, DType dtype) {
        return new Refusal[] {
            mismatch(op + ": shapes (2, 3) and (2, 4) do not broadcast: axis -1 has 3 and 4", apply, dtype,
                new long[] {2, 3}, 2, 4),
            mismatch(op + ": shapes (3, 1) and (2, 1) do not broadcast: axis -2 has 3 and 2", apply, dtype,
                new long[] {3, 1}, 2, 1),
            mismatch(op + ": shapes (5) and (2, 3) do not broadcast: axis -1 has 5 and 3", apply, dtype,
                new long[] {5}, 2, 3),
        };
    }

    private static Refusal mismatch(String message, BinaryOperator<Tensor> apply, DType dtype, long[] a, long... b) {
        return Refusal.of(message, x -> apply.apply(x[0], x[1]), Operand.of(dtype, whole(1, 3), a),
            Operand.of(dtype, whole(1, 3), b));
    }

    /** @param message what is said of two truth values */
    static Refusal noTruth(String message, BinaryOperator<Tensor> apply) {
        return Refusal.of(message, x -> apply.apply(x[0], x[1]), Operand.of(DType.BOOL, whole(0, 1), 2),
            Operand.of(DType.BOOL, whole(0, 1), 2));
    }

    private static void functions(List<OpRow> rows) {
        rows.addAll(List.of(
            plain("tan", 3, uniform(-1.2, 1.2), Tensor::tan, ComposedOp.TAN, ComposedOp.Composed.class),
            plain("asin", 2.5, uniform(-0.8, 0.8), Tensor::asin, ComposedOp.ASIN),
            plain("acos", 2, uniform(-0.8, 0.8), Tensor::acos, ComposedOp.ACOS),
            plain("sinh", 3.5, uniform(-3, 3), Tensor::sinh, ComposedOp.SINH),
            plain("cosh", 3, uniform(-3, 3), Tensor::cosh, ComposedOp.COSH),
            plain("asinh", 2.5, uniform(-3, 3), Tensor::asinh, ComposedOp.ASINH),
            plain("acosh", 2, uniform(1.4, 4), Tensor::acosh, ComposedOp.ACOSH),
            plain("atanh", 2, uniform(-0.7, 0.7), Tensor::atanh, ComposedOp.ATANH),
            plain("exp2", 2, uniform(-3, 3), Tensor::exp2),
            plain("log2", 2, uniform(0.3, 5), Tensor::log2),
            plain("log10", 2, uniform(0.3, 5), Tensor::log10),
            plain("frac", 0, BETWEEN_HALVES, Tensor::frac)));
    }

    private static void activations(List<OpRow> rows) {
        rows.addAll(List.of(
            row("leakyRelu", 1, NO_KINK, x -> x.leakyRelu(0.2)).refuses(
                parameter("leakyRelu: the slope must be finite but is NaN", x -> x.leakyRelu(Double.NaN)),
                parameter("leakyRelu: the slope must be finite but is Inf", x -> x.leakyRelu(Double.POSITIVE_INFINITY)),
                parameter("leakyRelu: the slope must be finite but is -I", x -> x.leakyRelu(Double.NEGATIVE_INFINITY))),
            row("elu", 2, NO_KINK, x -> x.elu(1.5)).refuses(
                parameter("elu: alpha must be finite but is NaN", x -> x.elu(Double.NaN)),
                parameter("elu: alpha must be finite but is Infinity", x -> x.elu(Double.POSITIVE_INFINITY)),
                parameter("elu: alpha must be finite but is -Infinity", x -> x.elu(Double.NEGATIVE_INFINITY))),
            row("celu", 3, NO_KINK, x -> x.celu(1.5)).refuses(
                parameter("celu: alpha must be positive but is 0.0", x -> x.celu(0)),
                parameter("celu: alpha must be positive but is -1.0", x -> x.celu(-1)),
                parameter("celu: alpha must be positive but is NaN", x -> x.celu(Double.NaN))),
            plain("selu", 3, NO_KINK, Tensor::selu),
            plain("silu", 4, uniform(-4, 4), Tensor::silu),
            row("softplus", 2, uniform(-4, 4), Tensor::softplus, ComposedOp.SOFTPLUS)
                .cases(sizes(uniform(-4, 4), x -> x.softplus(2))).refuses(
                parameter("softplus: beta must be positive but is -1.0", x -> x.softplus(-1)),
                parameter("softplus: beta must be positive but is 0.0", x -> x.softplus(0)),
                parameter("softplus: beta must be positive but is NaN", x -> x.softplus(Double.NaN))),
            plain("mish", 5, uniform(-4, 4), Tensor::mish, ComposedOp.MISH),
            plain("logSigmoid", 2, uniform(-4, 4), Tensor::logSigmoid),
            plain("softsign", 2, NO_KINK, Tensor::softsign),
            plain("relu6", 0, NO_KINK, Tensor::relu6),
            row("hardTanh", 0, NO_KINK, x -> x.hardTanh(-1, 2)).refuses(
                parameter("hardTanh: low must be less than high but they are 1.0 and -1.0", x -> x.hardTanh(1, -1)),
                parameter("hardTanh: low must be less than high but they are 2.0 and 2.0", x -> x.hardTanh(2, 2)),
                parameter("hardTanh: low must be less than high but they are NaN and 1.0",
                    x -> x.hardTanh(Double.NaN, 1))),
            plain("hardSwish", 2, NO_KINK, Tensor::hardSwish, ComposedOp.HARD_SWISH)));
        rows.add(OpRow.of("hardSigmoid").cases(sizes(NO_KINK, Tensor::hardSigmoid)).takesAlmostAll(EVERY_TENSOR)
            .tolerance(Tolerance.of(2, x -> x[0].mul(0).add(1), "x + 3 cancels, so errors are relative to 1")));
        rows.add(OpRow.of("prelu").tolerance(Tolerance.ulps(1, "one product"))
            .cases(pairSizes(NO_KINK, uniform(0.1, 2), Tensor::prelu)).refuses(mismatches("prelu", Tensor::prelu)));
    }

    private static void pairs(List<OpRow> rows) {
        Domain any = uniform(-3, 3);
        // Neither the origin nor the cut along the negative axis is near.
        Domain aside = uniform(0.3, 3);
        rows.add(OpRow.of("atan2", ComposedOp.ATAN2).tolerance(Tolerance.ulps(2, "a quotient and an arctangent"))
            .cases(pairSizes(aside, any, Tensor::atan2)).cases(specialPairs(Tensor::atan2))
            .refuses(mismatches("atan2", Tensor::atan2)));
        rows.add(OpRow.of("hypot", ComposedOp.HYPOT).tolerance(Tolerance.ulps(2, "a quotient, a root, two products"))
            .cases(pairSizes(aside, any, Tensor::hypot)).cases(specialPairs(Tensor::hypot))
            .refuses(mismatches("hypot", Tensor::hypot)));
        rows.add(OpRow.of("logAddExp", ComposedOp.LOG_ADD_EXP).tolerance(Tolerance.of(3,
            x -> x[0].abs().maximum(x[1].abs()).add(1), "the maximum and a logarithm of up to 2 may cancel"))
            .cases(pairSizes(any, any, Tensor::logAddExp)).cases(specialPairs(Tensor::logAddExp))
            .refuses(mismatches("logAddExp", Tensor::logAddExp)));
        Domain divisor = values(1.5, -1.5, 2.5);
        rows.add(OpRow.of("mod").dtypes(OpRow.NUMBERS).tolerance(IEEE)
            .cases(pairSizes(BETWEEN_HALVES, divisor, Tensor::mod)).cases(specialPairs(Tensor::mod))
            .refuses(mismatches("mod", Tensor::mod)).refuses(noTruth("mod: does not take bool tensors", Tensor::mod)));
        rows.add(OpRow.of("floorDivide").dtypes(OpRow.NUMBERS).tolerance(IEEE).zeroGradient()
            .cases(pairSizes(BETWEEN_HALVES, divisor, Tensor::floorDivide)).cases(specialPairs(Tensor::floorDivide))
            .refuses(mismatches("floorDivide", Tensor::floorDivide))
            .refuses(noTruth("floorDivide: does not take bool tensors", Tensor::floorDivide)));
        TensorFunction lerp = x -> x[0].lerp(x[1], x[2]);
        // Apart from a half, where the formula changes.
        Domain weight = values(0.2, 0.7, -0.3, 1.25, 1);
        List<SampleCase> lerps = new ArrayList<>(pairSizes(any, any, (a, b) -> a.lerp(b, 0.3)));
        lerps.addAll(List.of(SampleCase.of(lerp, Operand.of(any, 13), Operand.of(any, 13), Operand.of(weight, 13)),
            SampleCase.of(lerp, Operand.of(any, 3, 5), Operand.of(any, 5), Operand.of(weight, 3, 1)),
            SampleCase.of(lerp, Operand.of(any, 207), Operand.of(any, 207), Operand.of(weight, 207))));
        rows.add(OpRow.of("lerp").cases(lerps).tolerance(Tolerance.of(4,
            x -> x[0].abs().maximum(x[1].abs()).mul(2), "differences of the ends, times weights up to 1.25"))
            .refuses(mismatches("lerp", (a, b) -> a.lerp(b, 0.5)))
            .refuses(Refusal.of("lerp: shapes (3) and (2) do not broadcast", lerp, Operand.of(any, 3),
                Operand.of(any, 3), Operand.of(weight, 2))));
    }

    private static void limits(List<OpRow> rows) {
        rows.add(row("clamp", 0, NO_KINK, x -> x.clamp(-1, 2)).refuses(
            parameter("clamp: the limits must be numbers but are NaN and 1.0", x -> x.clamp(Double.NaN, 1)),
            parameter("clamp: the limits must be numbers but are 1.0 and NaN", x -> x.clamp(1, Double.NaN)),
            parameter("clamp: needs a lower or an upper limit, or both", x -> x.clamp(null, null))));
        Domain low = values(-1.5, -0.5, 0.25);
        Domain high = values(0.5, 1.5, 1.75);
        TensorFunction clamp = x -> x[0].clamp(x[1], x[2]);
        List<SampleCase> cases = new ArrayList<>(pairSizes(NO_KINK, low, (x, limit) -> x.clamp(limit, null)));
        cases.addAll(List.of(SampleCase.of(clamp, Operand.of(NO_KINK, 13), Operand.of(low, 13), Operand.of(high, 13)),
            SampleCase.of(clamp, Operand.of(NO_KINK, 3, 5), Operand.of(low, 5), Operand.of(high, 3, 1)),
            SampleCase.of(x -> x[0].clamp(null, x[1]), Operand.of(NO_KINK, 31), Operand.of(high, 31)),
            SampleCase.of(clamp, Operand.of(SPECIAL, SPECIALS, 1), Operand.of(SPECIAL, SPECIALS),
                Operand.of(SPECIAL, SPECIALS, 1)).forwardOnly()));
        rows.add(OpRow.of("clamp with tensors").dtypes(OpRow.NUMBERS).tolerance(CHOICE).cases(cases).refuses(
            Refusal.of("clamp: shapes (3) and (2) do not broadcast", clamp, Operand.of(low, 3),
                Operand.of(low, 2), Operand.of(high, 3)),
            Refusal.of("clamp: shapes (3) and (2) do not broadcast", clamp, Operand.of(low, 3),
                Operand.of(low, 3), Operand.of(high, 2)),
            Refusal.of("clamp: needs a lower or an upper limit, or both", x -> x[0].clamp(null, null),
                Operand.of(low, 2))));
        rows.add(plain("nanToNum", 0, NO_KINK, x -> x.nanToNum(0.5, 4, -4))
            .takesAlmostAll("takes every tensor, and any numbers in place of what is not finite"));
    }

    private static void tests(List<OpRow> rows) {
        rows.add(test("isInf", Tensor::isInf));
        rows.add(test("isFinite", Tensor::isFinite));
        rows.add(test("logicalNot", Tensor::logicalNot));
        rows.add(logic("logicalAnd", Tensor::logicalAnd));
        rows.add(logic("logicalOr", Tensor::logicalOr));
        rows.add(logic("logicalXor", Tensor::logicalXor));
    }

    private static OpRow test(String name, UnaryOperator<Tensor> apply) {
        return OpRow.of(name).dtypes(OpRow.ANY).tolerance(CHOICE).notDifferentiable().cases(sizes(SPECIAL, apply))
            .takesAlmostAll("asks something of every tensor");
    }

    private static OpRow logic(String name, BinaryOperator<Tensor> apply) {
        return OpRow.of(name).dtypes(OpRow.ANY).tolerance(CHOICE).notDifferentiable()
            .cases(pairSizes(SPECIAL, whole(-1, 1), apply)).refuses(mismatches(name, apply));
    }
}

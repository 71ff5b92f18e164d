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
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.UnaryOp;

/** Samples of what is computed element by element. */
final class ElementwiseSamples {
    private static final Tolerance IEEE = Tolerance.exact("IEEE 754 and Java's integers define every bit");
    private static final Tolerance CHOICE = Tolerance.exact("the result is one of few values, exactly representable");
    /** Apart from 0 by 1/8, so that no difference straddles it. */
    private static final Domain NOT_ZERO = grid(-3, 3, 0.25, 0.125);
    /** Apart from whole numbers and halves. */
    private static final Domain BETWEEN_HALVES = grid(-4, 4, 0.5, 0.2);
    private static final Domain SPECIAL = values(0, -0.0, 1, -1, 0.5, -2.5, Double.NaN, Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY, 1e-40, -1e-40, 3e38, -3e38, 88.5, -87, -103.5, 1e-8, 1e-4, 7.5, 65504, 1e6);

    private ElementwiseSamples() { }

    static List<OpRow> rows() {
        List<OpRow> rows = new ArrayList<>();
        unary(rows);
        arithmetic(rows);
        comparisons(rows);
        bits(rows);
        choice(rows);
        return rows;
    }

    /** A function of one floating tensor, whose kernels err by less than {@code units} ulps. */
    private static OpRow function(UnaryOp op, double units, Domain domain, UnaryOperator<Tensor> apply) {
        Tolerance tolerance = units == 0 ? IEEE
            : Tolerance.ulps(units, "our own polynomials, in the type of the computation");
        return OpRow.of(op.text(), op).tolerance(tolerance).cases(layouts(domain, apply))
            .cases(SampleCase.of(x -> apply.apply(x[0]), Operand.of(SPECIAL, 21)).forwardOnly())
            .takesAlmostAll(FunctionSamples.EVERY_TENSOR);
    }

    /** Of a function that takes integers too, but no truth values. */
    private static OpRow number(OpRow row, UnaryOperator<Tensor> apply) {
        return row.dtypes(OpRow.NUMBERS).takesAlmostAll("takes every tensor but truth values")
            .refuses(Refusal.of(row.name() + ": does not take bool(2): cast it to a number type first",
                x -> apply.apply(x[0]), Operand.of(DType.BOOL, whole(0, 1), 2)));
    }

    /** One operand in all sizes and layouts. */
    private static List<SampleCase> layouts(Domain domain, UnaryOperator<Tensor> apply) {
        TensorFunction function = x -> apply.apply(x[0]);
        List<SampleCase> cases = new ArrayList<>();
        for (Operand operand : List.of(Operand.of(domain), Operand.of(domain, 0, 3), Operand.of(domain, 1),
            Operand.of(domain, 13), Operand.of(domain, 207), Operand.of(domain, 3, 5).laid(Layout.PERMUTED),
            Operand.of(domain, 4, 7).laid(Layout.SLICED), Operand.of(domain, 2, 3, 5).laid(Layout.FLIPPED),
            Operand.of(domain, 3, 4).laid(Layout.EXPANDED))) {
            cases.add(SampleCase.of(function, operand));
        }
        cases.add(SampleCase.of(function, Operand.of(domain, 4098)).withoutDifferences());
        return cases;
    }

    /** Two operands in all sizes, layouts and broadcasts. */
    private static List<SampleCase> pairs(Domain a, Domain b, BinaryOperator<Tensor> apply) {
        TensorFunction function = x -> apply.apply(x[0], x[1]);
        return List.of(
            SampleCase.of(function, Operand.of(a), Operand.of(b)),
            SampleCase.of(function, Operand.of(a, 0, 3), Operand.of(b, 3)),
            SampleCase.of(function, Operand.of(a, 13), Operand.of(b, 13)),
            SampleCase.of(function, Operand.of(a, 207), Operand.of(b)),
            SampleCase.of(function, Operand.of(a, 3, 1), Operand.of(b, 1, 4)),
            SampleCase.of(function, Operand.of(a, 5), Operand.of(b, 2, 3, 5)),
            SampleCase.of(function, Operand.of(a, 3, 5).laid(Layout.PERMUTED), Operand.of(b, 3, 5)),
            SampleCase.of(function, Operand.of(a, 3, 5).laid(Layout.FLIPPED), Operand.of(b, 3, 5).laid(Layout.SLICED)),
            SampleCase.of(function, Operand.of(a, 3, 5).laid(Layout.EXPANDED), Operand.of(b, 3, 5)),
            SampleCase.of(function, Operand.of(a, 31, 67), Operand.of(b, 67)).withoutDifferences());
    }

    private static void unary(List<OpRow> rows) {
        rows.add(number(function(UnaryOp.NEG, 0, uniform(-3, 3), Tensor::neg), Tensor::neg));
        rows.add(number(function(UnaryOp.ABS, 0, NOT_ZERO, Tensor::abs), Tensor::abs));
        rows.add(number(function(UnaryOp.SIGN, 0, NOT_ZERO, Tensor::sign), Tensor::sign).zeroGradient());
        rows.addAll(List.of(
            function(UnaryOp.FLOOR, 0, BETWEEN_HALVES, Tensor::floor).zeroGradient(),
            function(UnaryOp.CEIL, 0, BETWEEN_HALVES, Tensor::ceil).zeroGradient(),
            function(UnaryOp.ROUND, 0, BETWEEN_HALVES, Tensor::round).zeroGradient(),
            function(UnaryOp.TRUNC, 0, BETWEEN_HALVES, Tensor::trunc).zeroGradient(),
            function(UnaryOp.SQRT, 0, uniform(0.3, 5), Tensor::sqrt),
            function(UnaryOp.RECIPROCAL, 0, NOT_ZERO, Tensor::reciprocal),
            function(UnaryOp.EXP, 1, uniform(-4, 4), Tensor::exp),
            function(UnaryOp.EXPM1, 2, uniform(-2, 2), Tensor::expm1),
            function(UnaryOp.LOG, 2, uniform(0.3, 5), Tensor::log),
            function(UnaryOp.LOG1P, 2, uniform(-0.6, 3), Tensor::log1p),
            function(UnaryOp.SIN, 2, uniform(-6, 6), Tensor::sin),
            function(UnaryOp.COS, 2, uniform(-6, 6), Tensor::cos),
            function(UnaryOp.ATAN, 2, uniform(-4, 4), Tensor::atan),
            function(UnaryOp.TANH, 3, uniform(-3, 3), Tensor::tanh),
            function(UnaryOp.SIGMOID, 3, uniform(-3, 3), Tensor::sigmoid),
            function(UnaryOp.ERF, 2, uniform(-2.5, 2.5), Tensor::erf)));
        rows.add(OpRow.of("isNan", UnaryOp.IS_NAN).tolerance(CHOICE).notDifferentiable()
            .cases(layouts(SPECIAL, Tensor::isNan)).takesAlmostAll(FunctionSamples.EVERY_TENSOR));
        Tolerance stable = Tolerance.ulps(4, "two roundings and the error of the functions it is made of").roundings(3);
        rows.add(number(OpRow.of("relu").tolerance(IEEE).cases(layouts(NOT_ZERO, Tensor::relu)), Tensor::relu));
        rows.add(OpRow.of("rsqrt").tolerance(stable).cases(layouts(uniform(0.3, 5), Tensor::rsqrt))
            .takesAlmostAll(FunctionSamples.EVERY_TENSOR));
        TensorFunction size = x -> x[0].abs();
        rows.add(OpRow.of("gelu").cases(layouts(uniform(-3, 3), Tensor::gelu))
            .takesAlmostAll(FunctionSamples.EVERY_TENSOR)
            .tolerance(Tolerance.of(3, size, "1 + erf cancels for negative x, so errors are relative to x")));
        rows.add(OpRow.of("geluTanh").cases(layouts(uniform(-3, 3), Tensor::geluTanh))
            .takesAlmostAll(FunctionSamples.EVERY_TENSOR)
            .tolerance(Tolerance.of(3, size, "1 + tanh cancels for negative x, so errors are relative to x")));
    }

    private static void arithmetic(List<OpRow> rows) {
        Domain any = uniform(-3, 3);
        rows.add(OpRow.of("add", BinaryOp.ADD, Op.Binary.class).dtypes(OpRow.NUMBERS).tolerance(IEEE)
            .cases(pairs(any, any, Tensor::add)).cases(specialPairs(Tensor::add))
            .refuses(FunctionSamples.mismatches("add", Tensor::add))
            .refuses(noTruth("add", Tensor::add)));
        rows.add(OpRow.of("sub", BinaryOp.SUB).dtypes(OpRow.NUMBERS).tolerance(IEEE)
            .cases(pairs(any, any, Tensor::sub)).cases(specialPairs(Tensor::sub))
            .refuses(FunctionSamples.mismatches("sub", Tensor::sub))
            .refuses(noTruth("sub", Tensor::sub)));
        rows.add(OpRow.of("mul", BinaryOp.MUL).dtypes(OpRow.NUMBERS).tolerance(IEEE)
            .cases(pairs(any, any, Tensor::mul)).cases(specialPairs(Tensor::mul))
            .refuses(FunctionSamples.mismatches("mul", Tensor::mul))
            .refuses(noTruth("mul", Tensor::mul)));
        rows.add(OpRow.of("div", BinaryOp.DIV).tolerance(IEEE)
            .cases(pairs(any, NOT_ZERO, Tensor::div)).cases(specialPairs(Tensor::div))
            .refuses(FunctionSamples.mismatches("div", Tensor::div)));
        rows.add(OpRow.of("remainder", BinaryOp.REMAINDER).dtypes(OpRow.NUMBERS).tolerance(IEEE)
            .cases(pairs(BETWEEN_HALVES, values(1.5, -1.5), Tensor::remainder))
            .refuses(FunctionSamples.mismatches("remainder", Tensor::remainder))
            .refuses(noTruth("remainder", Tensor::remainder)));
        rows.add(OpRow.of("pow", BinaryOp.POW)
            .tolerance(Tolerance.ulps(4, "exp and log of our own, with a compensated log"))
            .cases(pairs(uniform(0.3, 3), uniform(-2, 2), Tensor::pow))
            .cases(SampleCase.of(x -> x[0].pow(x[1]), Operand.of(values(-2, -2, -2, 0, 0, 4, 2, 0), 8),
                Operand.of(values(3, 2, -1, 0, 2, 0.5, -3, 0.5), 8)).forwardOnly())
            .refuses(FunctionSamples.mismatches("pow", Tensor::pow)));
        // Values of the two interleave: neither ties nor pairs closer than 1/8.
        Domain between = grid(-3, 3, 0.25, 0);
        rows.add(OpRow.of("minimum", BinaryOp.MIN).dtypes(OpRow.NUMBERS).tolerance(CHOICE)
            .cases(pairs(between, NOT_ZERO, Tensor::minimum)).cases(specialPairs(Tensor::minimum))
            .refuses(FunctionSamples.mismatches("minimum", Tensor::minimum))
            .refuses(noTruth("minimum", Tensor::minimum)));
        rows.add(OpRow.of("maximum", BinaryOp.MAX).dtypes(OpRow.NUMBERS).tolerance(CHOICE)
            .cases(pairs(between, NOT_ZERO, Tensor::maximum)).cases(specialPairs(Tensor::maximum))
            .refuses(FunctionSamples.mismatches("maximum", Tensor::maximum))
            .refuses(noTruth("maximum", Tensor::maximum)));
    }

    /** Every special value with every other. */
    private static SampleCase specialPairs(BinaryOperator<Tensor> apply) {
        return SampleCase.of(x -> apply.apply(x[0], x[1]), Operand.of(SPECIAL, 21, 1), Operand.of(SPECIAL, 21))
            .forwardOnly();
    }

    private static void comparisons(List<OpRow> rows) {
        rows.add(comparison(BinaryOp.EQUAL, Tensor::equal).dtypes(OpRow.ANY));
        rows.add(comparison(BinaryOp.NOT_EQUAL, Tensor::notEqual).dtypes(OpRow.ANY));
        rows.add(ordering(BinaryOp.LESS_THAN, Tensor::lessThan));
        rows.add(ordering(BinaryOp.LESS_OR_EQUAL, Tensor::lessOrEqual));
        rows.add(ordering(BinaryOp.GREATER_THAN, Tensor::greaterThan));
        rows.add(ordering(BinaryOp.GREATER_OR_EQUAL, Tensor::greaterOrEqual));
    }

    private static OpRow ordering(BinaryOp op, BinaryOperator<Tensor> apply) {
        return comparison(op, apply).refuses(noTruth(op.text(), apply));
    }

    private static Refusal noTruth(String op, BinaryOperator<Tensor> apply) {
        return FunctionSamples.noTruth(
            op + ": does not take bool tensors: cast bool(2) and bool(2) to a number type first", apply);
    }

    private static OpRow comparison(BinaryOp op, BinaryOperator<Tensor> apply) {
        Domain few = whole(-2, 2);
        return OpRow.of(op.text(), op).dtypes(OpRow.NUMBERS).tolerance(CHOICE).notDifferentiable()
            .cases(pairs(few, few, apply)).cases(specialPairs(apply))
            .refuses(FunctionSamples.mismatches(op.text(), apply));
    }

    private static void bits(List<OpRow> rows) {
        Domain word = values(0, 1, 5, 12, 77, 127, 255, 3, 200);
        rows.add(ofBits(BinaryOp.AND, Tensor::and, word).dtypes(OpRow.BITS));
        rows.add(ofBits(BinaryOp.OR, Tensor::or, word).dtypes(OpRow.BITS));
        rows.add(ofBits(BinaryOp.XOR, Tensor::xor, word).dtypes(OpRow.BITS));
        rows.add(ofBits(BinaryOp.SHIFT_LEFT, Tensor::shiftLeft, whole(0, 70)).dtypes(OpRow.INTEGERS));
        rows.add(ofBits(BinaryOp.SHIFT_RIGHT_LOGICAL, Tensor::shiftRightLogical, whole(0, 70)).dtypes(OpRow.INTEGERS));
        rows.add(OpRow.of("not", UnaryOp.NOT).dtypes(OpRow.BITS).tolerance(IEEE).notDifferentiable()
            .cases(layouts(word, Tensor::not))
            .refuses(notOf(DType.F32, "(2)", 2), notOf(DType.F64, "()"), notOf(DType.BF16, "(0, 3)", 0, 3)));
    }

    private static Refusal notOf(DType dtype, String shape, long... extents) {
        return Refusal.of("not: does not take " + dtype.text() + shape + ": compare it with something, or cast it to "
            + "bool or an integer type first", x -> x[0].not(), Operand.of(dtype, whole(0, 1), extents));
    }

    private static OpRow ofBits(BinaryOp op, BinaryOperator<Tensor> apply, Domain second) {
        Domain word = values(-1, 0, 1, 5, 12, 77, 127, 255, -77, 200);
        return OpRow.of(op.text(), op).tolerance(IEEE).notDifferentiable().cases(pairs(word, second, apply))
            .refuses(FunctionSamples.mismatches(op.text(), apply, DType.I32))
            .refuses(Refusal.of(op.text() + ": does not take f32(2) and f32(2): cast them to ",
                x -> apply.apply(x[0], x[1]), Operand.of(DType.F32, word, 2), Operand.of(DType.F32, word, 2)));
    }

    private static void choice(List<OpRow> rows) {
        Domain any = uniform(-3, 3);
        Domain coin = whole(0, 1);
        TensorFunction where = x -> x[0].where(x[1], x[2]);
        rows.add(OpRow.of("where", Op.Where.class).dtypes(OpRow.ANY).tolerance(CHOICE).cases(
            SampleCase.of(where, Operand.of(DType.BOOL, values(1)), Operand.of(any), Operand.of(any)).forwardOnly(),
            SampleCase.of(where, Operand.of(DType.BOOL, coin, 0), Operand.of(any, 0), Operand.of(any)),
            SampleCase.of(where, Operand.of(DType.BOOL, coin, 13), Operand.of(any, 13), Operand.of(any, 13)),
            SampleCase.of(where, Operand.of(DType.BOOL, coin, 3, 1), Operand.of(any, 4), Operand.of(any, 3, 4)),
            SampleCase.of(where, Operand.of(DType.BOOL, coin, 3, 5).laid(Layout.PERMUTED),
                Operand.of(any, 3, 5).laid(Layout.FLIPPED), Operand.of(any, 3, 5).laid(Layout.SLICED)),
            SampleCase.of(where, Operand.of(DType.BOOL, coin, 207), Operand.of(any, 207), Operand.of(any)),
            SampleCase.of(where, Operand.of(DType.BOOL, coin, 1), Operand.of(any, 1), Operand.of(any, 1)),
            SampleCase.of(where, Operand.of(DType.BOOL, coin, 31), Operand.of(any), Operand.of(any, 31)),
            SampleCase.of(where, Operand.of(DType.BOOL, values(1)), Operand.of(any, 2, 3), Operand.of(any, 3)),
            SampleCase.of(where, Operand.of(DType.BOOL, coin, 702), Operand.of(SPECIAL, 702), Operand.of(any, 702))
                .forwardOnly())
            .refuses(Refusal.of("where: the condition must be bool but is f32(2)", where, Operand.of(DType.F32, any, 2),
                Operand.of(any, 2), Operand.of(any, 2)),
                Refusal.of("where: shapes (2) and (3) do not broadcast: axis -1 has 2 and 3", where,
                    Operand.of(DType.BOOL, coin, 2), Operand.of(any, 3), Operand.of(any, 3)),
                Refusal.of("where: shapes (3) and (4) do not broadcast: axis -1 has 3 and 4", where,
                    Operand.of(DType.BOOL, coin, 1), Operand.of(any, 3), Operand.of(any, 4))));
        List<SampleCase> casts = new ArrayList<>();
        for (DType target : DType.values()) {
            // Halves, values out of range of small types, and values that need rounding.
            Domain domain = grid(-3, 300, 0.3125, 0.21);
            Domain beyond = values(-1e20, 1e20, Double.NaN, Double.POSITIVE_INFINITY, -1.5, 70000, -3e9, 0.1, 1e-7);
            casts.add(SampleCase.of(x -> x[0].to(target), Operand.of(beyond, 9)).forwardOnly());
            SampleCase cast = SampleCase.of(x -> x[0].to(target), Operand.of(domain, 3, 5).laid(Layout.PERMUTED));
            casts.add(target.isFloating() ? cast.withoutDifferences() : cast.forwardOnly());
            casts.add(SampleCase.of(x -> x[0].to(target), Operand.of(domain, 207)).forwardOnly());
            casts.add(SampleCase.of(x -> x[0].to(target), Operand.of(domain, 0, 2)).forwardOnly());
        }
        // A cast to f32 is linear but for its rounding, so that long steps make differences of f32 precise.
        casts.add(SampleCase.of(x -> x[0].to(DType.F32), Operand.of(any, 13)).differences(1000, 1e-6));
        rows.add(OpRow.of("cast", Op.Cast.class).dtypes(OpRow.ANY).tolerance(IEEE).cases(casts)
            .takesAlmostAll("every dtype can be cast to every other"));
    }
}

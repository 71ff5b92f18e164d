package org.adjoint.contract;

import static org.adjoint.contract.Domain.distinct;
import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.ReduceOp;

/** Samples of reductions. */
final class ReductionSamples {
    /** A method of {@link Tensor} that takes axes. */
    @FunctionalInterface
    private interface Reduction {
        Tensor apply(Tensor x, int... axes);
    }

    private ReductionSamples() { }

    static List<OpRow> rows() {
        List<OpRow> rows = new ArrayList<>();
        // 207 terms on 16 lanes: 12 additions in each and 4 to join them, each off by half an ulp at most.
        String lanes = "16 lanes (8 in f64) are summed one by one, then joined; half an ulp for each addition";
        Domain any = uniform(-3, 3);
        rows.add(OpRow.of("sum", ReduceOp.SUM, Op.Reduce.class).dtypes(OpRow.NUMBERS)
            .cases(reductions(any, Tensor::sum, true))
            .cases(SampleCase.of(x -> x[0].sum(), Operand.of(any, 0, 3)),
                SampleCase.of(x -> x[0].sum(1), Operand.of(any, 2, 0)),
                SampleCase.of(x -> x[0].sumKeep(0, 2), Operand.of(any, 2, 3, 5)))
            .tolerance(Tolerance.summing(16, lanes)).refuses(axes("sum", Tensor::sum)));
        rows.add(OpRow.of("prod", ReduceOp.PROD).dtypes(OpRow.NUMBERS)
            .cases(reductions(uniform(0.6, 1.4), Tensor::prod, true))
            .cases(SampleCase.of(x -> x[0].prod(), Operand.of(any, 0, 3)),
                SampleCase.of(x -> x[0].prodKeep(0, 2), Operand.of(values(0, 2, -1.5, 0.5, 1.25), 2, 3, 2)),
                SampleCase.of(x -> x[0].prod(1), Operand.of(values(2, 0, -1.5, 0.5, 0, 3, 0, 2, 1), 3, 4)))
            .tolerance(Tolerance.ulps(104, "207 factors, half an ulp for each").gradient(220))
            .refuses(axes("prod", Tensor::prod)));
        rows.add(OpRow.of("mean").cases(reductions(any, Tensor::mean, true)).tolerance(Tolerance.summing(16, lanes))
            .refuses(axes("mean", Tensor::mean)).refuses(
                Refusal.of("mean: there is nothing to average in (0, 3)", x -> x[0].mean(), Operand.of(any, 0, 3))));
        Tolerance choice = Tolerance.exact("one of the elements");
        rows.add(OpRow.of("max", ReduceOp.MAX).dtypes(OpRow.NUMBERS).tolerance(choice)
            .cases(reductions(distinct(0.1), Tensor::max, false)).cases(ties((x, axes) -> x.max(axes)))
            .refuses(axes("max", Tensor::max)).refuses(
                Refusal.of("max: axis 0 of (0, 3) is empty", x -> x[0].max(0), Operand.of(any, 0, 3)),
                Refusal.of("max: does not take bool", x -> x[0].max(), Operand.of(DType.BOOL, values(1), 2))));
        rows.add(OpRow.of("min", ReduceOp.MIN).dtypes(OpRow.NUMBERS).tolerance(choice)
            .cases(reductions(distinct(0.1), Tensor::min, false)).cases(ties((x, axes) -> x.min(axes)))
            .refuses(axes("min", Tensor::min)).refuses(
                Refusal.of("min: axis 0 of (0, 3) is empty", x -> x[0].min(0), Operand.of(any, 0, 3)),
                Refusal.of("min: does not take bool", x -> x[0].min(), Operand.of(DType.BOOL, values(1), 2))));
        rows.add(indexOf("argmax", Tensor::argmax));
        rows.add(indexOf("argmin", Tensor::argmin));
        rows.add(quantifier("any", Tensor::any));
        rows.add(quantifier("all", Tensor::all));
        rows.add(quantifier("countNonzero", Tensor::countNonzero));
        rows.add(moments("variance", Tensor::variance, Tensor::variance));
        rows.add(moments("standardDeviation", Tensor::standardDeviation, Tensor::standardDeviation)
            .cases(SampleCase.of(x -> x[0].standardDeviation(), Operand.of(values(2), 4)).withoutDifferences()));
        rows.add(logSumExp());
        rows.add(norm());
        return rows;
    }

    private static Refusal[] axes(String name, Reduction apply) {
        Operand matrix = Operand.of(uniform(-3, 3), 2, 3);
        return new Refusal[] {
            Refusal.of(name + ": axis 2 is out of range for shape (2, 3)", x -> apply.apply(x[0], 2), matrix),
            Refusal.of(name + ": axis -2 is named twice", x -> apply.apply(x[0], 0, -2), matrix),
            Refusal.of(name + ": axis 0 is out of range for shape (), which has no axes", x -> apply.apply(x[0], 0),
                Operand.of(uniform(-3, 3)))};
    }

    private static OpRow quantifier(String name, Reduction apply) {
        Domain some = values(0, 0, -0.0, 2, 0, 0, -1, 0, 0);
        Domain most = values(1, -3, 2, 1, 0, 5, 1);
        return OpRow.of(name).dtypes(OpRow.ANY).notDifferentiable()
            .tolerance(Tolerance.exact("a comparison or a count"))
            .cases(SampleCase.of(x -> apply.apply(x[0]), Operand.of(some)),
                SampleCase.of(x -> apply.apply(x[0]), Operand.of(values(-2), 1)),
                SampleCase.of(x -> apply.apply(x[0]), Operand.of(some, 0, 3)),
                SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(some, 2, 0)),
                SampleCase.of(x -> apply.apply(x[0]), Operand.of(most, 207)),
                SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(some, 13)),
                SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(some, 13, 3)),
                SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(most, 3, 5).laid(Layout.PERMUTED)),
                SampleCase.of(x -> apply.apply(x[0], 0, 2), Operand.of(most, 2, 3, 5)),
                SampleCase.of(x -> apply.apply(x[0], -1), Operand.of(some, 5, 3).laid(Layout.FLIPPED)),
                SampleCase.of(x -> apply.apply(x[0].div(0), 0), Operand.of(some, 3, 5)))
            .refuses(axes(name, apply));
    }

    /** A method of {@link Tensor} that takes a correction and axes. */
    @FunctionalInterface
    private interface Corrected {
        Tensor apply(Tensor x, double correction, boolean keepAxes, int... axes);
    }

    private static OpRow moments(String name, Reduction unbiased, Corrected corrected) {
        Domain any = uniform(-3, 3);
        return OpRow.of(name)
            .tolerance(Tolerance.ulps(24, "the mean, then the squares around it, are summed in 16 lanes").gradient(32))
            .cases(SampleCase.of(x -> unbiased.apply(x[0]), Operand.of(any, 13)),
                SampleCase.of(x -> unbiased.apply(x[0]), Operand.of(any, 207)).withoutDifferences(),
                SampleCase.of(x -> unbiased.apply(x[0], 0), Operand.of(any, 5, 3)),
                SampleCase.of(x -> unbiased.apply(x[0], 1), Operand.of(any, 3, 17)),
                SampleCase.of(x -> unbiased.apply(x[0], -1), Operand.of(any, 0, 3)),
                SampleCase.of(x -> unbiased.apply(x[0], 0, 2), Operand.of(any, 2, 3, 5).laid(Layout.PERMUTED)),
                SampleCase.of(x -> unbiased.apply(x[0], -1), Operand.of(any, 3, 5).laid(Layout.SLICED)),
                SampleCase.of(x -> corrected.apply(x[0], 0, true, 1), Operand.of(any, 3, 5).laid(Layout.FLIPPED)),
                SampleCase.of(x -> corrected.apply(x[0], 0, false), Operand.of(any, 1)).withoutDifferences(),
                SampleCase.of(x -> corrected.apply(x[0], 1.5, false), Operand.of(uniform(20, 30), 13))
                    .withoutDifferences(),
                SampleCase.of(x -> unbiased.apply(x[0], 1), Operand.of(any, 33, 65)).withoutDifferences())
            .refuses(axes(name, unbiased)).refuses(
                Refusal.of(name
                    + ": 1 elements along the reduced axes of (1, 3), less a correction of 1.0, leave nothing",
                    x -> unbiased.apply(x[0], 0), Operand.of(any, 1, 3)),
                Refusal.of(name + ": the correction must not be negative but is -1.0",
                    x -> corrected.apply(x[0], -1, false), Operand.of(any, 3)));
    }

    private static OpRow logSumExp() {
        Domain any = uniform(-3, 3);
        double infinity = Double.POSITIVE_INFINITY;
        return OpRow.of("logSumExp").cases(reductions(uniform(-1, 1), Tensor::logSumExp, true))
            .cases(SampleCase.of(x -> x[0].logSumExp(), Operand.of(any, 0, 3)).forwardOnly(),
                SampleCase.of(x -> x[0].logSumExpKeep(0), Operand.of(uniform(80, 200), 13)).withoutDifferences(),
                SampleCase.of(x -> x[0].logSumExp(1), Operand.of(values(-infinity), 2, 3)).withoutDifferences(),
                SampleCase.of(x -> x[0].logSumExp(1), Operand.of(values(infinity, -infinity, 1, Double.NaN), 2, 2))
                    .forwardOnly())
            .tolerance(Tolerance.of(24, x -> x[0].shape().isEmpty() ? x[0].sum() : x[0].abs().max().add(2),
                "16 lanes of exponentials, and a logarithm about as large as the largest operand"))
            .refuses(axes("logSumExp", Tensor::logSumExp));
    }

    private static OpRow norm() {
        Domain any = Domain.grid(-3, 3, 0.5, 0.2);
        Domain apart = values(1, -2.5, 3.7, -0.6, 5.1, 0.3, -4.4);
        double infinity = Double.POSITIVE_INFINITY;
        return OpRow.of("norm").tolerance(
            Tolerance.ulps(32, "16 lanes of squares or powers, each off by an ulp, and a root").gradient(32))
            .cases(SampleCase.of(x -> x[0].norm(), Operand.of(any)),
                SampleCase.of(x -> x[0].norm(), Operand.of(any, 13)),
                SampleCase.of(x -> x[0].norm(2, 1), Operand.of(any, 3, 17)),
                SampleCase.of(x -> x[0].norm(2, 0), Operand.of(any, 0, 3)).withoutDifferences(),
                SampleCase.of(x -> x[0].norm(2, 1), Operand.of(values(0, 0, 0, 3, 4, 0), 2, 3)).withoutDifferences(),
                SampleCase.of(x -> x[0].normKeep(1, 0, 2), Operand.of(any, 2, 3, 5).laid(Layout.PERMUTED)),
                SampleCase.of(x -> x[0].norm(1), Operand.of(any, 207)).withoutDifferences(),
                SampleCase.of(x -> x[0].norm(infinity, 1), Operand.of(apart, 2, 3)),
                SampleCase.of(x -> x[0].norm(-infinity, -1), Operand.of(apart, 3, 2).laid(Layout.FLIPPED)),
                SampleCase.of(x -> x[0].norm(0, 1), Operand.of(values(0, 1, -2, 0), 3, 4)).forwardOnly(),
                SampleCase.of(x -> x[0].norm(3), Operand.of(any, 13)).differences(1.0 / 64, 1e-7),
                SampleCase.of(x -> x[0].norm(1.5, 0), Operand.of(any, 3, 5).laid(Layout.SLICED)),
                SampleCase.of(x -> x[0].norm(0.5, 0), Operand.of(values(0, 2, 1), 3)).withoutDifferences(),
                SampleCase.of(x -> x[0].norm(-1, 0), Operand.of(values(2, -1, 4), 3)),
                SampleCase.of(x -> x[0].norm(-1, 0), Operand.of(values(2, 0, 4), 3)).withoutDifferences())
            .refuses(axes("norm", (x, axes) -> x.norm(2, axes))).refuses(
                Refusal.of("norm: the order must be a number but is NaN", x -> x[0].norm(Double.NaN),
                    Operand.of(any, 3)),
                Refusal.of("norm: (0, 3) has no elements along the reduced axes, and nothing has no largest magnitude",
                    x -> x[0].norm(infinity, 0), Operand.of(any, 0, 3)));
    }

    private static List<SampleCase> reductions(Domain domain, Reduction apply, boolean large) {
        List<SampleCase> cases = new ArrayList<>(List.of(
            SampleCase.of(x -> apply.apply(x[0]), Operand.of(domain)),
            SampleCase.of(x -> apply.apply(x[0]), Operand.of(domain, 1)),
            SampleCase.of(x -> apply.apply(x[0]), Operand.of(domain, 13)),
            SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(domain, 207)),
            SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(domain, 5, 7)),
            SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(domain, 3, 17)),
            SampleCase.of(x -> apply.apply(x[0], 0, 2), Operand.of(domain, 2, 3, 5).laid(Layout.PERMUTED)),
            SampleCase.of(x -> apply.apply(x[0], -1), Operand.of(domain, 3, 5).laid(Layout.SLICED)),
            SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(domain, 3, 5).laid(Layout.FLIPPED)),
            SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(domain, 33, 65)).withoutDifferences()));
        if (large) {
            cases.add(SampleCase.of(x -> apply.apply(x[0]), Operand.of(domain, 3, 5).laid(Layout.EXPANDED)));
        }
        return cases;
    }

    private static List<SampleCase> ties(Reduction apply) {
        Domain equal = values(2, -1, 2, -0.0, 0, -1);
        Domain special = values(1, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, -3);
        return List.of(SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(equal, 3, 4)).withoutDifferences(),
            SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(special, 5, 2)).forwardOnly());
    }

    private static OpRow indexOf(String name, BiFunction<Tensor, Integer, Tensor> apply) {
        Domain any = distinct(0.25);
        Domain equal = values(1, 2, 2, -1, -1, Double.NaN);
        return OpRow.of(name, Op.ArgReduce.class).dtypes(OpRow.NUMBERS).notDifferentiable()
            .tolerance(Tolerance.exact("an index"))
            .cases(SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(any, 1)),
                SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(any, 13)),
                SampleCase.of(x -> apply.apply(x[0], -1), Operand.of(any, 3, 67)),
                SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(any, 3, 5).laid(Layout.PERMUTED)),
                SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(equal, 5)),
                SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(equal, 6, 2)),
                SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(any, 0, 2)),
                SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(any, 207)),
                SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(any, 2, 7, 3).laid(Layout.FLIPPED)),
                SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(equal, 5, 3).laid(Layout.EXPANDED)))
            .refuses(
                Refusal.of(name + ": axis 0 of (0, 2) is empty", x -> apply.apply(x[0], 0), Operand.of(any, 0, 2)),
                Refusal.of(name + ": axis 2 is out of range for shape (2, 3)", x -> apply.apply(x[0], 2),
                    Operand.of(any, 2, 3)),
                Refusal.of(name + ": does not take bool", x -> apply.apply(x[0], 0),
                    Operand.of(DType.BOOL, values(1), 2)));
    }
}

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
            .tolerance(Tolerance.summing(16, lanes))
            .refuses(
                Refusal.of("sum: axis 2 is out of range for shape (2, 3)", x -> x[0].sum(2), Operand.of(any, 2, 3)),
                Refusal.of("sum: axis -2 is named twice", x -> x[0].sum(0, -2), Operand.of(any, 2, 3))));
        rows.add(OpRow.of("mean").cases(reductions(any, Tensor::mean, true)).tolerance(Tolerance.summing(16, lanes))
            .refuses(
                Refusal.of("mean: there is nothing to average in (0, 3)", x -> x[0].mean(), Operand.of(any, 0, 3))));
        Tolerance choice = Tolerance.exact("one of the elements");
        rows.add(OpRow.of("max", ReduceOp.MAX).dtypes(OpRow.NUMBERS).tolerance(choice)
            .cases(reductions(distinct(0.1), Tensor::max, false)).cases(ties((x, axes) -> x.max(axes)))
            .refuses(Refusal.of("max: axis 0 of (0, 3) is empty", x -> x[0].max(0), Operand.of(any, 0, 3)),
                Refusal.of("max: does not take bool", x -> x[0].max(), Operand.of(DType.BOOL, values(1), 2))));
        rows.add(OpRow.of("min", ReduceOp.MIN).dtypes(OpRow.NUMBERS).tolerance(choice)
            .cases(reductions(distinct(0.1), Tensor::min, false)).cases(ties((x, axes) -> x.min(axes)))
            .refuses(Refusal.of("min: axis 0 of (0, 3) is empty", x -> x[0].min(0), Operand.of(any, 0, 3))));
        rows.add(indexOf("argmax", Tensor::argmax));
        rows.add(indexOf("argmin", Tensor::argmin));
        return rows;
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
                SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(any, 0, 2)))
            .refuses(
                Refusal.of(name + ": axis 0 of (0, 2) is empty", x -> apply.apply(x[0], 0), Operand.of(any, 0, 2)));
    }
}

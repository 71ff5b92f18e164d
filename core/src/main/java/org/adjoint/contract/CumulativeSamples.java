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
import org.adjoint.graph.CumulativeOp;
import org.adjoint.graph.DType;

/** Samples of running results along an axis. */
final class CumulativeSamples {
    private static final Domain ANY = uniform(-3, 3);
    private static final Domain FACTORS = uniform(0.6, 1.4);

    private CumulativeSamples() { }

    static List<OpRow> rows() {
        Tolerance choice = Tolerance.exact("one of the elements");
        return List.of(
            row("cumsum", Tensor::cumsum, ANY).dtypes(OpRow.NUMBERS)
                .tolerance(Tolerance.summing(16,
                    "parts of up to 207 elements are summed in lanes of 32 and in turn: at most "
                    + "32 roundings of half an ulp")),
            row("cumprod", Tensor::cumprod, FACTORS).dtypes(OpRow.NUMBERS)
                .cases(SampleCase.of(x -> x[0].cumprod(0), Operand.of(values(2, 0, -1.5, 0.5, 0, 3), 6)),
                    SampleCase.of(x -> x[0].cumprod(1), Operand.of(values(0, 2, -1.5, 0.5, 1.25), 3, 4)))
                .tolerance(Tolerance.ulps(104, "207 factors, half an ulp for each").gradient(220)),
            row("cummax", Tensor::cummax, distinct(0.1)).dtypes(OpRow.NUMBERS).tolerance(choice)
                .cases(ties(Tensor::cummax)),
            row("cummin", Tensor::cummin, distinct(0.1)).dtypes(OpRow.NUMBERS).tolerance(choice)
                .cases(ties(Tensor::cummin)),
            row("logCumSumExp", Tensor::logCumSumExp, ANY)
                .cases(SampleCase.of(x -> x[0].logCumSumExp(0),
                    Operand.of(values(Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY, 1000, -1000, 999), 5))
                        .forwardOnly(),
                    SampleCase.of(x -> x[0].logCumSumExp(0),
                        Operand.of(values(1, Double.POSITIVE_INFINITY, 2, Double.NaN, 3), 5)).forwardOnly())
                .tolerance(Tolerance.of(24, x -> x[0].shape().isEmpty() ? x[0].sum() : x[0].abs().max().add(2),
                    "8 steps of an exponential, a logarithm and two additions, about as large as the largest operand")
                    .gradient(64)),
            linearRecurrence());
    }

    private static OpRow row(String name, BiFunction<Tensor, Integer, Tensor> apply, Domain domain) {
        List<SampleCase> cases = new ArrayList<>(List.of(
            SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(domain, 1)),
            SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(domain, 0, 3)),
            SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(domain, 2, 0)),
            SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(domain, 13)),
            SampleCase.of(x -> apply.apply(x[0], -1), Operand.of(domain, 207)).withoutDifferences(),
            SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(domain, 5, 7)),
            SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(domain, 2, 3, 5).laid(Layout.PERMUTED)),
            SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(domain, 3, 4).laid(Layout.SLICED)),
            SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(domain, 4, 3).laid(Layout.FLIPPED)),
            SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(domain, 33, 65)).withoutDifferences()));
        if (!(domain instanceof Domain.Distinct)) {
            cases.add(SampleCase.of(x -> apply.apply(x[0], 0), Operand.of(domain, 3, 5).laid(Layout.EXPANDED)));
        }
        Refusal bool = Refusal.of(name + ": does not take bool tensors", x -> apply.apply(x[0], 0),
            Operand.of(DType.BOOL, values(1), 2));
        boolean counts = name.equals("cumsum") || name.equals("cumprod") || name.equals("logCumSumExp");
        return OpRow.of(name, covers(name)).cases(cases).refuses(
            Refusal.of(name + ": axis 2 is out of range for shape (2, 3)", x -> apply.apply(x[0], 2),
                Operand.of(ANY, 2, 3)),
            Refusal.of(name + ": axis -3 is out of range for shape (2, 3)", x -> apply.apply(x[0], -3),
                Operand.of(ANY, 2, 3)),
            counts ? Refusal.of(name + ": axis 1 is out of range for shape (2)", x -> apply.apply(x[0], 1),
                Operand.of(DType.BOOL, values(1), 2)) : bool,
            Refusal.of(name + ": axis 0 is out of range for shape (), which has no axes", x -> apply.apply(x[0], 0),
                Operand.of(ANY)));
    }

    private static Object[] covers(String name) {
        return name.equals("cumsum") ? new Object[] {CumulativeOp.Cumulative.class} : new Object[0];
    }

    private static SampleCase[] ties(BiFunction<Tensor, Integer, Tensor> apply) {
        return new SampleCase[] {
            SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(values(2, -1, 2, 0, 0, -1), 3, 4)).withoutDifferences(),
            SampleCase.of(x -> apply.apply(x[0], 1), Operand.of(values(1, Double.NaN, Double.POSITIVE_INFINITY,
                Double.NEGATIVE_INFINITY, -3), 2, 5)).forwardOnly()};
    }

    private static OpRow linearRecurrence() {
        Domain decay = uniform(-0.9, 0.9);
        TensorFunction first = x -> x[0].linearRecurrence(x[1], 0);
        TensorFunction last = x -> x[0].linearRecurrence(x[1], -1);
        return OpRow.of("linearRecurrence", CumulativeOp.LinearRecurrence.class)
            .tolerance(Tolerance.summing(207, "207 steps of a product and a sum, half an ulp for each").gradient(32))
            .cases(SampleCase.of(first, Operand.of(decay, 1), Operand.of(ANY, 1)),
                SampleCase.of(first, Operand.of(decay, 0), Operand.of(ANY, 0)),
                SampleCase.of(first, Operand.of(decay, 13), Operand.of(ANY, 13)),
                SampleCase.of(first, Operand.of(decay, 207), Operand.of(ANY, 207)).withoutDifferences(),
                SampleCase.of(first, Operand.of(decay, 3, 4), Operand.of(ANY, 3, 4)),
                SampleCase.of(last, Operand.of(decay, 3, 4), Operand.of(ANY, 3, 4)),
                SampleCase.of(last, Operand.of(values(0, 1, -1, 0.5), 2, 4), Operand.of(ANY, 2, 4)),
                SampleCase.of(x -> x[0].linearRecurrence(x[1], 1), Operand.of(decay, 2, 3, 2).laid(Layout.PERMUTED),
                    Operand.of(ANY, 2, 3, 2).laid(Layout.FLIPPED)),
                SampleCase.of(first, Operand.of(decay, 5, 2).laid(Layout.EXPANDED), Operand.of(ANY, 5, 2)),
                SampleCase.of(last, Operand.of(decay, 33, 65), Operand.of(ANY, 33, 65)).withoutDifferences())
            .refuses(Refusal.of("linearRecurrence: axis 1 is out of range for shape (2)",
                x -> x[0].linearRecurrence(x[1], 1), Operand.of(ANY, 2), Operand.of(ANY, 2)),
                Refusal.of("must have one shape and dtype", first, Operand.of(ANY, 2), Operand.of(ANY, 3)),
                Refusal.of("linearRecurrence: needs a floating dtype but got i64", first, Operand.of(DType.I64, ANY, 2),
                    Operand.of(ANY, 2)));
    }
}

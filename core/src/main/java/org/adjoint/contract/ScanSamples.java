package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.adjoint.Recurrence;
import org.adjoint.Scan;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;

/** Samples of loops whose iterations depend on each other. */
final class ScanSamples {
    /** Small, so that recurrences do not grow. */
    private static final Domain ANY = uniform(-0.75, 0.75);

    private ScanSamples() { }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    static List<OpRow> rows() {
        TensorFunction sums = x -> sums(x, false);
        TensorFunction backwards = x -> sums(x, true);
        // One 16-bit type tells what the other would, at the price of as many kernels to compile.
        Set<DType> dtypes = EnumSet.of(DType.F64, DType.F32, DType.BF16);
        return List.of(recurrent("lstm", 4, ScanSamples::lstm)
            .cases(layer(ScanSamples::lstm, 4, any(2, 1, 3).laid(Layout.PERMUTED), 2).withoutDifferences()),
            recurrent("gru", 3, ScanSamples::gru).dtypes(dtypes), recurrent("rnn", 1, ScanSamples::rnn).dtypes(dtypes),
            OpRow.of("scan", Op.Scan.class).cases(
            SampleCase.of(sums, any(5), any()), SampleCase.of(backwards, any(13), any()),
            SampleCase.of(ScanSamples::recurrence, any(3, 2, 3), any(2, 3), any(3, 3), any(3)),
            SampleCase.of(ScanSamples::gathered, any(5, 3), Operand.indices(5, 4, 2)),
            SampleCase.of(ScanSamples::nested, any(3, 2), any()), SampleCase.of(sums, any(0, 3), any(3)),
            SampleCase.of(sums, any(1, 3), any(3)), SampleCase.of(sums, any(4, 0), any(0)),
            SampleCase.of(backwards, any(3, 2, 8), any(2, 8)),
            SampleCase.of(sums, any(5, 3).laid(Layout.PERMUTED), any(3).laid(Layout.FLIPPED)),
            SampleCase.of(backwards, any(5, 3).laid(Layout.FLIPPED), any(3).laid(Layout.SLICED)),
            SampleCase.of(sums, any(5, 16).laid(Layout.EXPANDED), any(16).laid(Layout.EXPANDED)).withoutDifferences(),
            SampleCase.of(sums, any(207), any()).withoutDifferences(),
            SampleCase.of(sums, Operand.of(values(1, Double.NaN, 2, Double.POSITIVE_INFINITY), 4, 1), any(1))
                .forwardOnly(),
            SampleCase.of(ScanSamples::recurrence, any(2, 4, 16), any(4, 16), any(16, 16), any(16))
                .withoutDifferences(),
            SampleCase.of(ScanSamples::counted, any(3), any(3)))
            .tolerance(Tolerance.of(64, ScanSamples::size,
                "an iteration's error passes on to the next: the bound is that of the sum of all").roundings(64)
                .gradient(256))
            .refuses(
                Refusal.of("scan: tensor 0 to scan is a scalar: it needs a leading axis", sums, any(), any()),
                Refusal.of("but the body returns", sums, any(4, 2, 3), any(3)),
                Refusal.of("scan: tensor 1 to scan is", x -> Scan.of((c, s) -> Scan.results(c, s))
                    .run(List.of(), List.of(x[0], x[1])).output(0), any(4, 2), any(3, 2)),
                Refusal.of("scan: there are 1 carries but the body returns 0", x ->
                    Scan.of((_, s) -> Scan.results(List.of(), s)).run(List.of(x[0]), List.of(x[1])).output(0),
                    any(), any(3)),
                Refusal.of("scan: the number of iterations must not be negative but is -1", x ->
                    Scan.of((c, s) -> Scan.results(c, s)).run(List.of(x[0]), -1).carry(0), any()),
                Refusal.whenComputed("out of range for axis 0", ScanSamples::gathered, any(5, 3),
                    Operand.of(DType.I64, values(0, 4, 9, 1), 4, 1))));
    }

    /** The sum of what is finite, and more. */
    private static Tensor size(Tensor... x) {
        Tensor first = x[0].abs();
        return first.maskedFill(first.isFinite().logicalNot(), 0).sum().add(2);
    }

    /** All results as one vector. */
    private static Tensor flat(Scan.Results results) {
        List<Tensor> parts = new ArrayList<>(results.carries());
        parts.addAll(results.outputs());
        return Tensor.concat(0, parts.stream().map(part -> part.reshape(part.shape().elements())).toList());
    }

    /** Running sums of x[0] from x[1] on, times its half. */
    private static Tensor sums(Tensor[] x, boolean reverse) {
        Scan scan = Scan.of((carries, slices) -> {
            Tensor total = carries.getFirst().add(slices.getFirst());
            return Scan.results(List.of(total), List.of(total.mul(slices.getFirst()).mul(0.5), total));
        });
        return flat((reverse ? scan.reversed() : scan).run(List.of(x[1]), List.of(x[0])));
    }

    /** x: inputs, state, weight, bias. Two carries, one of which nothing changes, and a slice that is not used. */
    private static Tensor recurrence(Tensor[] x) {
        return flat(Scan.of((carries, slices) -> {
            Tensor state = carries.get(0).matmul(x[2].transpose()).mul(0.25).add(slices.get(0)).add(x[3]).tanh();
            return Scan.results(List.of(state, carries.get(1)), List.of(state.sum(1).mul(carries.get(1))));
        }).reversed().run(List.of(x[1], x[3].sum()), List.of(x[0], x[0])));
    }

    private static Tensor counted(Tensor[] x) {
        return flat(Scan.of((carries, _) -> {
            Tensor next = carries.getFirst().mul(x[1]).sin();
            return Scan.results(List.of(next), List.of());
        }).run(List.of(x[0]), 4));
    }

    /** Rows of a table, added up. */
    private static Tensor gathered(Tensor[] x) {
        return flat(Scan.of((carries, slices) -> {
            Tensor rows = x[0].embedding(slices.getFirst()).sum(0);
            return Scan.results(List.of(carries.getFirst().mul(0.5).add(rows)), List.of(rows));
        }).run(List.of(x[0].sum(0)), List.of(x[1])));
    }

    /** A scan of each row, starting from what the row before ended with. */
    private static Tensor nested(Tensor[] x) {
        return flat(Scan.of((carries, rows) -> {
            Scan.Results inner = Scan.of((totals, elements) -> {
                Tensor total = totals.getFirst().mul(elements.getFirst()).add(carries.getFirst()).tanh();
                return Scan.results(List.of(total), List.of(total));
            }).run(carries, rows);
            return Scan.results(inner.carries(), inner.outputs());
        }).run(List.of(x[1]), List.of(x[0])));
    }

    /** x: inputs, hidden and cell state, both weights, both biases. */
    private static OpRow recurrent(String name, int gates, TensorFunction function) {
        return OpRow.of(name).cases(
            layer(function, gates, any(3, 2, 2), 2), layer(function, gates, any(1, 1, 1), 1),
            layer(function, gates, any(0, 2, 3), 2), layer(function, gates, any(2, 0, 3), 2),
            layer(function, gates, any(2, 2, 3), 2), layer(function, gates, any(13, 2, 3), 2).withoutDifferences(),
            layer(function, gates, any(2, 3, 2), 3).withoutDifferences(),
            layer(function, gates, any(3, 2, 2), 5).withoutDifferences(),
            layer(function, gates, any(2, 2, 4), 16).withoutDifferences(),
            layer(function, gates, any(3, 5, 13), 13).withoutDifferences(),
            layer(function, gates, Operand.of(values(1, Double.NaN, 80, Double.NEGATIVE_INFINITY), 2, 2, 1), 1)
                .forwardOnly())
            .tolerance(Tolerance.of(256, x -> x[0].device().zeros(x[0].dtype()).add(4),
                "a step's error passes on to the next; states are at most 1, cells at most as large as there are steps")
                .roundings(64).gradient(256))
            .refuses(
                refused(name + ": x must be (time, batch, in) but is", function, gates, any(2, 3), 2, 2),
                refused(name + ": the state's weights must be", function, gates + 1, any(2, 2, 3), 2, 2),
                refused(name + ": the hidden state must be (2, 2)", function, gates, any(2, 2, 3), 2, 3));
    }

    private static Operand[] operands(int gates, Operand x, long width, long batch) {
        long in = x.shape().extent(x.shape().rank() - 1);
        return new Operand[] {x, any(batch, width), any(batch, width), any(gates * width, in),
            any(gates * width, width), any(gates * width), any(gates * width)};
    }

    private static SampleCase layer(TensorFunction function, int gates, Operand x, long width) {
        return SampleCase.of(function, operands(gates, x, width, x.shape().extent(1)));
    }

    private static Refusal refused(String message, TensorFunction function, int gates, Operand x, long width,
        long batch) {
        return Refusal.of(message, function, operands(gates, x, width, batch));
    }

    private static Recurrence.Weights weights(Tensor... x) {
        return new Recurrence.Weights(x[3], x[4], x[5], x[6]);
    }

    private static Tensor lstm(Tensor... x) {
        return flat(Recurrence.lstm(x[0], x[1], x[2], weights(x), true));
    }

    private static Tensor gru(Tensor... x) {
        return flat(Recurrence.gru(x[0], x[1].add(x[2]), weights(x), false));
    }

    private static Tensor rnn(Tensor... x) {
        return flat(Recurrence.rnn(x[0], x[1].add(x[2]), weights(x), Recurrence.Nonlinearity.TANH, true));
    }
}

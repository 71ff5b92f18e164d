package org.adjoint.contract;

import static org.adjoint.contract.Domain.grid;
import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Reduction;

/** Samples of losses that compare a prediction with a target of its shape, and of what is made of angles. */
final class LossSamples {
    private static final Domain ANY = uniform(-3, 3);
    private static final Domain PROBABILITY = uniform(0.05, 0.95);
    /** Differences of these and {@link #BETWEEN} keep away from whole numbers, where pieces of losses meet. */
    private static final Domain HALVES = grid(-3, 3, 0.5, 0);
    private static final Domain BETWEEN = grid(-3, 3, 0.5, 0.1875);
    private static final Domain SIGNS = values(1, -1, -1, 1, 1);

    private LossSamples() { }

    static List<OpRow> rows() {
        return List.of(mse(), l1(), huber(), smoothL1(), binaryCrossEntropy(), binaryCrossEntropyWithLogits(),
            klDivergence(), klDivergenceOfLogs(), hinge(), hingeEmbedding(), cosineSimilarity(), cosineEmbedding());
    }

    private interface Loss {
        Tensor of(Tensor x, Tensor target, Reduction reduction);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static TensorFunction reduced(Loss loss, Reduction reduction) {
        return x -> loss.of(x[0], x[1], reduction);
    }

    private static List<SampleCase> pairs(Loss loss, Domain prediction, Domain target) {
        return pairs(loss, prediction, null, target);
    }

    /** Samples of each reduction, without special values. */
    private static List<SampleCase> pairs(Loss loss, Domain prediction, DType targets, Domain target) {
        List<SampleCase> samples = new ArrayList<>();
        for (long[] shape : new long[][] {{}, {1}, {13}, {207}, {3, 5}}) {
            samples.add(pair(loss, Reduction.MEAN, prediction, targets, target, shape));
        }
        samples.add(pair(loss, Reduction.NONE, prediction, targets, target, 3, 7));
        samples.add(pair(loss, Reduction.SUM, prediction, targets, target, 0, 3));
        samples.add(pair(loss, Reduction.SUM, prediction, targets, target, 31));
        samples.add(pair(loss, Reduction.BATCH_MEAN, prediction, targets, target, 5, 3));
        samples.add(SampleCase.of(reduced(loss, Reduction.MEAN), Operand.of(prediction, 3, 5).laid(Layout.PERMUTED),
            Operand.of(targets, target, 3, 5).laid(Layout.FLIPPED)));
        samples.add(pair(loss, Reduction.MEAN, prediction, targets, target, 4099).withoutDifferences());
        return samples;
    }

    private static SampleCase pair(Loss loss, Reduction reduction, Domain prediction, DType targets, Domain target,
        long... shape) {
        return SampleCase.of(reduced(loss, reduction), Operand.of(prediction, shape),
            Operand.of(targets, target, shape));
    }

    private static SampleCase special(Loss loss, double[] predictions, double... targets) {
        return SampleCase.of(reduced(loss, Reduction.NONE), Operand.of(values(predictions), predictions.length),
            Operand.of(values(targets), predictions.length)).forwardOnly();
    }

    /** What losses of two tensors of one shape refuse. */
    private static Refusal[] refusals(String op, String what, Loss loss) {
        TensorFunction mean = reduced(loss, Reduction.MEAN);
        return new Refusal[] {
            Refusal.of(op + ": " + what + " (2, 3) and target (2, 4) must have one shape", mean, any(2, 3), any(2, 4)),
            Refusal.of(op + ": " + what + " (2, 3) and target (3) must have one shape", mean, any(2, 3), any(3)),
            Refusal.of(op + ": needs a floating dtype but got i32", mean, Operand.of(DType.I32, Domain.whole(0, 1), 2),
                Operand.of(ANY, 2)),
            Refusal.of(": there is nothing to average in (0, 3)", mean, any(0, 3), any(0, 3)),
            Refusal.of(op + ": there is no batch to average over in ()", reduced(loss, Reduction.BATCH_MEAN), any(),
                any())};
    }

    /** The bound of a loss that grows with the difference: of the sum of both magnitudes. */
    private static Tolerance ofDifferences() {
        return magnitude(16, (loss, x) -> loss.apply(x[0].abs(), x[1].abs().neg()),
            "the difference cancels; its error is relative to both operands").gradient(24);
    }

    private static Tolerance magnitude(double units, Tolerance.Magnitude magnitude, String reason) {
        return new Tolerance(units, 1, 16, magnitude, false, reason);
    }

    private static Tensor ones(Tensor x) {
        return x.device().ones(x.dtype(), x.shape().toArray());
    }

    private static OpRow mse() {
        Loss loss = (x, t, reduction) -> x.mseLoss(t, reduction);
        return OpRow.of("mseLoss").cases(pairs(loss, ANY, ANY))
            .cases(special(loss, new double[] {Double.NaN, Double.POSITIVE_INFINITY, 0, 1}, 1, 2, -0.0, 1))
            .tolerance(ofDifferences()).refuses(refusals("mseLoss", "prediction", loss));
    }

    private static OpRow l1() {
        Loss loss = (x, t, reduction) -> x.l1Loss(t, reduction);
        return OpRow.of("l1Loss").cases(pairs(loss, HALVES, BETWEEN))
            .cases(special(loss, new double[] {Double.NaN, Double.NEGATIVE_INFINITY, 0, 1}, 1, 2, -0.0, 1))
            .tolerance(ofDifferences()).refuses(refusals("l1Loss", "prediction", loss));
    }

    private static OpRow huber() {
        Loss loss = (x, t, reduction) -> x.huberLoss(t, 1, reduction);
        Loss wide = (x, t, reduction) -> x.huberLoss(t, 2.5, reduction);
        return OpRow.of("huberLoss").cases(pairs(loss, HALVES, BETWEEN))
            .cases(pair(wide, Reduction.MEAN, HALVES, null, BETWEEN, 67),
                special(loss, new double[] {Double.NaN, Double.NEGATIVE_INFINITY, 0, 1}, 1, 2, 1, 1))
            .tolerance(ofDifferences()).refuses(refusals("huberLoss", "prediction", loss))
            .refuses(Refusal.of("huberLoss: delta must be positive but is 0.0", x -> x[0].huberLoss(x[1], 0), any(2),
                any(2)));
    }

    private static OpRow smoothL1() {
        Loss loss = (x, t, reduction) -> x.smoothL1Loss(t, 1, reduction);
        Loss absolute = (x, t, reduction) -> x.smoothL1Loss(t, 0, reduction);
        Loss wide = (x, t, reduction) -> x.smoothL1Loss(t, 2, reduction);
        return OpRow.of("smoothL1Loss").cases(pairs(loss, HALVES, BETWEEN))
            .cases(pair(absolute, Reduction.MEAN, HALVES, null, BETWEEN, 67),
                pair(wide, Reduction.MEAN, HALVES, null, BETWEEN, 67),
                special(loss, new double[] {Double.NaN, Double.NEGATIVE_INFINITY, 0, 1}, 1, 2, 1, 1))
            .tolerance(ofDifferences()).refuses(refusals("smoothL1Loss", "prediction", loss))
            .refuses(Refusal.of("smoothL1Loss: beta must not be negative but is -1.0",
                x -> x[0].smoothL1Loss(x[1], -1), any(2), any(2)));
    }

    private static OpRow binaryCrossEntropy() {
        Loss loss = (x, t, reduction) -> x.binaryCrossEntropy(t, reduction);
        return OpRow.of("binaryCrossEntropy").cases(pairs(loss, PROBABILITY, PROBABILITY))
            .cases(special(loss, new double[] {0, 0, 1, 1, Double.NaN, -0.5, 1.5, 0x1p-20}, 1, 0, 1, 0, 1, 1, 0, 1))
            .tolerance(Tolerance.ulps(32, "two logarithms; the reference sums one by one").gradient(32))
            .refuses(refusals("binaryCrossEntropy", "probabilities", loss));
    }

    private static OpRow binaryCrossEntropyWithLogits() {
        Loss loss = (x, t, reduction) -> x.binaryCrossEntropyWithLogits(t, reduction);
        TensorFunction weighted = x -> x[0].binaryCrossEntropyWithLogits(x[1], x[2], Reduction.MEAN);
        TensorFunction each = x -> x[0].binaryCrossEntropyWithLogits(x[1], x[2], Reduction.NONE);
        // Away from 0, where the loss is made of pieces that meet.
        Domain logits = grid(-3, 3, 0.25, 0.125);
        Operand weights = Operand.of(uniform(0.5, 4), 5);
        return OpRow.of("binaryCrossEntropyWithLogits").cases(pairs(loss, logits, uniform(0, 1)))
            .cases(SampleCase.of(weighted, Operand.of(logits, 3, 5), Operand.of(PROBABILITY, 3, 5), weights),
                SampleCase.of(each, Operand.of(logits, 3, 5).laid(Layout.PERMUTED), Operand.of(PROBABILITY, 3, 5),
                    weights.laid(Layout.SLICED)),
                SampleCase.of(weighted, Operand.of(logits, 13), Operand.of(PROBABILITY, 13), Operand.of(uniform(1, 2))),
                special(loss, new double[] {200, -200, 0, Double.NaN}, 1, 1, 0.5, 0))
            .tolerance(magnitude(16, (operation, x) -> {
                Tensor[] up = x.clone();
                up[0] = x[0].abs();
                Tensor[] down = x.clone();
                down[0] = x[0].abs().neg();
                return operation.apply(up).add(operation.apply(down));
            }, "x t and max(x, 0) cancel").roundings(2))
            .refuses(refusals("binaryCrossEntropyWithLogits", "logits", loss))
            .refuses(Refusal.of("must be floating and broadcast to the logits (2, 3)", weighted, any(2, 3), any(2, 3),
                any(2)),
                Refusal.of("positive weights i32(3) must be floating and broadcast", weighted, any(2, 3), any(2, 3),
                    Operand.of(DType.I32, Domain.whole(1, 2), 3)));
    }

    private static OpRow klDivergence() {
        Loss loss = (x, t, reduction) -> x.klDivergence(t, reduction);
        return OpRow.of("klDivergence").cases(pairs(loss, uniform(-4, 0), PROBABILITY))
            .cases(special(loss, new double[] {0, -1, -2, Double.NaN}, 0, 1, 0, 1))
            .tolerance(magnitude(8, (operation, x) -> operation.apply(x[0].abs().neg().sub(10), x[1]),
                "the divergence is a difference of entropies; of the least target the logarithm is above -5"))
            .refuses(refusals("klDivergence", "log-probabilities", loss));
    }

    private static OpRow klDivergenceOfLogs() {
        Loss loss = (x, t, reduction) -> x.klDivergenceOfLogs(t, reduction);
        return OpRow.of("klDivergenceOfLogs").cases(pairs(loss, uniform(-4, 0), uniform(-4, 0)))
            .cases(special(loss, new double[] {0, -1, Double.NaN}, 0, -1, -1))
            .tolerance(magnitude(8,
                (operation, x) -> operation.apply(x[0].abs().add(x[1].abs().mul(2)).neg(), x[1]),
                "the difference cancels").gradient(24))
            .refuses(refusals("klDivergenceOfLogs", "log-probabilities", loss));
    }

    private static OpRow hinge() {
        Loss loss = (x, t, reduction) -> x.hingeLoss(t, 1, reduction);
        return OpRow.of("hingeLoss").cases(pairs(loss, BETWEEN, SIGNS))
            .cases(special(loss, new double[] {1, -1, Double.NaN, Double.POSITIVE_INFINITY}, 1, -1, 1, -1))
            .tolerance(magnitude(4, (operation, x) -> operation.apply(x[0].abs().neg(), x[1].abs()),
                "margin and score cancel"))
            .refuses(refusals("hingeLoss", "scores", loss));
    }

    private static OpRow hingeEmbedding() {
        Loss loss = (x, t, reduction) -> x.hingeEmbeddingLoss(t, 1, reduction);
        return OpRow.of("hingeEmbeddingLoss").cases(pairs(loss, BETWEEN, DType.I32, SIGNS))
            .cases(special(loss, new double[] {1, 1, Double.NaN, Double.POSITIVE_INFINITY}, 1, -1, 1, -1))
            .tolerance(magnitude(4, (operation, x) -> operation.apply(x[0].abs(), ones(x[1]))
                .add(operation.apply(x[0].abs().neg(), ones(x[1]).neg())), "margin and distance cancel"))
            .refuses(refusals("hingeEmbeddingLoss", "distances", loss));
    }

    private static OpRow cosineSimilarity() {
        TensorFunction last = x -> x[0].cosineSimilarity(x[1], -1);
        TensorFunction first = x -> x[0].cosineSimilarity(x[1], 0);
        TensorFunction bounded = x -> x[0].cosineSimilarity(x[1], -1, 0.5);
        return OpRow.of("cosineSimilarity").cases(
            SampleCase.of(last, any(3), any(3)), SampleCase.of(last, any(13), any(13)),
            SampleCase.of(last, any(207), any(207)), SampleCase.of(last, any(3, 5), any(3, 5)),
            SampleCase.of(first, any(3, 5), any(3, 5)), SampleCase.of(last, any(2, 3, 4), any(2, 3, 4)),
            SampleCase.of(last, any(0, 3), any(0, 3)), SampleCase.of(last, any(3, 5), any(5)),
            SampleCase.of(last, any(3, 5).laid(Layout.PERMUTED), any(3, 5).laid(Layout.FLIPPED)),
            SampleCase.of(bounded, Operand.of(uniform(-0.1, 0.1), 2, 3), any(2, 3)),
            SampleCase.of(bounded, Operand.of(values(0, 0, 0, 1, 2, 3), 2, 3), any(2, 3)))
            .tolerance(magnitude(16, (operation, x) -> operation.apply(x[0].abs(), x[1].abs()),
                "a sum of products, of unit vectors that err by some ulps").gradient(32))
            .refuses(
                Refusal.of("cosineSimilarity: axis 2 is out of range for shape (2, 3)",
                    x -> x[0].cosineSimilarity(x[1], 2), any(2, 3), any(2, 3)),
                Refusal.of("cosineSimilarity: shapes (2, 3) and (2, 4) do not broadcast", last, any(2, 3), any(2, 4)),
                Refusal.of("cosineSimilarity: epsilon must be positive but is 0.0",
                    x -> x[0].cosineSimilarity(x[1], 0, 0), any(2), any(2)),
                Refusal.of("cosineSimilarity: needs a floating dtype but got i64", last, any(2),
                    Operand.indices(3, 2)));
    }

    private static OpRow cosineEmbedding() {
        TensorFunction[] losses = Arrays.stream(Reduction.values()).map(reduction -> (TensorFunction)
            x -> x[0].cosineEmbeddingLoss(x[1], x[2], 0.25, reduction)).toArray(TensorFunction[]::new);
        TensorFunction none = losses[Reduction.NONE.ordinal()];
        TensorFunction mean = losses[Reduction.MEAN.ordinal()];
        Domain similar = uniform(1, 3);
        Operand targets = Operand.of(DType.I32, SIGNS, 5);
        return OpRow.of("cosineEmbeddingLoss").cases(
            SampleCase.of(mean, Operand.of(similar, 5, 3), Operand.of(similar, 5, 3), targets),
            SampleCase.of(none, Operand.of(similar, 5, 3), Operand.of(similar, 5, 3), targets),
            SampleCase.of(losses[Reduction.SUM.ordinal()], Operand.of(similar, 5, 3), Operand.of(similar, 5, 3),
                targets),
            SampleCase.of(losses[Reduction.BATCH_MEAN.ordinal()], Operand.of(similar, 5, 7), Operand.of(similar, 5, 7),
                targets),
            SampleCase.of(none, Operand.of(similar, 13), Operand.of(similar, 13), Operand.of(DType.I32, values(1))),
            SampleCase.of(none, Operand.of(similar, 0, 3), Operand.of(similar, 0, 3),
                Operand.of(DType.I32, values(1), 0)),
            SampleCase.of(mean, Operand.of(similar, 5, 3), Operand.of(similar, 3), targets),
            SampleCase.of(mean, Operand.of(similar, 5, 4).laid(Layout.PERMUTED),
                Operand.of(similar, 5, 4).laid(Layout.FLIPPED), targets),
            SampleCase.of(mean, Operand.of(similar, 5, 67), Operand.of(similar, 5, 67), targets),
            SampleCase.of(none, Operand.of(values(1, -1, 2, 1, 1, 1), 2, 3),
                Operand.of(values(-1, 1, -2, 1, 1, 1), 2, 3), Operand.of(DType.I32, values(-1, 1), 2)).forwardOnly())
            .tolerance(magnitude(8, (operation, x) -> {
                Tensor unit = ones(x[0]);
                return operation.apply(unit, unit.neg(), ones(x[2]));
            }, "1 and the cosine cancel").gradient(64))
            .refuses(
                Refusal.of("cosineEmbeddingLoss: rows (5, 3) need targets (5), not (3)", mean, any(5, 3), any(5, 3),
                    any(3)),
                Refusal.of("cosineEmbeddingLoss: shapes (5, 3) and (5, 4) do not broadcast", mean, any(5, 3),
                    any(5, 4), any(5)),
                Refusal.of("cosineEmbeddingLoss: needs a floating dtype but got i64", mean, Operand.indices(3, 5, 3),
                    any(5, 3), any(5)));
    }
}

package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;

import java.util.List;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.CrossEntropyOptions;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Reduction;

/** Samples of losses over classes: cross-entropy and the negative log-likelihood. */
final class ClassLossSamples {
    private static final CrossEntropyOptions PLAIN = CrossEntropyOptions.DEFAULT;
    private static final Domain ANY = uniform(-3, 3);
    private static final Domain WEIGHT = uniform(0.25, 2);

    /** Logits as large that the logarithm of the sum of their exponentials is a rough one in f32. */
    private static final Operand HIGH =
        Operand.of(values(1000, 1001.5, 999, 1000.5, -700, -702, -703.5, -701, 850.5, 849, 850, 852), 3, 4);

    private ClassLossSamples() { }

    static List<OpRow> rows() {
        return List.of(crossEntropy(), crossEntropyOptions(), nllLoss());
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static TensorFunction with(CrossEntropyOptions options) {
        return x -> x[0].crossEntropy(x[1], options);
    }

    private static TensorFunction weighted(CrossEntropyOptions options) {
        return x -> x[0].crossEntropy(x[1], x[2], options);
    }

    /** The loss of equal logits says how it is weighted and reduced; its error is relative to the range of logits. */
    private static Tolerance entropies() {
        return new Tolerance(16, 1, 24, (operation, x) -> {
            Tensor[] equal = x.clone();
            equal[0] = x[0].device().zeros(x[0].dtype(), x[0].shape().toArray());
            return operation.apply(equal).mul(range(x[0]).add(1).mul(2));
        }, false, "the log of the sum, and how far logits lie below the largest, are added up");
    }

    /** From the least to the largest of the numbers in x. */
    private static Tensor range(Tensor x) {
        Tensor numbers = x.maskedFill(x.isNan(), 0);
        return x.shape().isEmpty() ? x.sum() : numbers.max().sub(numbers.min());
    }

    /** The largest magnitude of the numbers in x. */
    private static Tensor largest(Tensor x) {
        return x.shape().isEmpty() ? x.sum() : x.maskedFill(x.isNan(), 0).abs().max();
    }

    private static OpRow crossEntropy() {
        TensorFunction plain = x -> x[0].crossEntropy(x[1]);
        return OpRow.of("crossEntropy", FusedOp.CrossEntropy.class).cases(
            of(plain, any(1, 3), Operand.indices(3, 1)), of(plain, any(5), Operand.indices(5)),
            of(plain, any(13, 5), Operand.of(DType.I32, Domain.whole(0, 4), 13)),
            of(plain, any(2, 3, 4), Operand.indices(4, 2, 3)),
            of(plain, any(5, 7).laid(Layout.PERMUTED), Operand.indices(7, 5).laid(Layout.FLIPPED)),
            of(plain, any(3, 67), Operand.indices(67, 3)), of(plain, HIGH, Operand.indices(4, 3)),
            of(with(PLAIN.reduction(Reduction.NONE)), any(2, 3, 4), Operand.indices(4, 2, 3)),
            of(with(PLAIN.reduction(Reduction.SUM)), any(0, 4), Operand.indices(4, 0)),
            of(with(PLAIN.reduction(Reduction.BATCH_MEAN)), any(3, 2, 5), Operand.indices(5, 3, 2)),
            of(plain, any(17, 129), Operand.indices(129, 17)).withoutDifferences(),
            of(plain, Operand.of(values(500, -500, 2, 1), 2, 4), Operand.indices(4, 2)).forwardOnly())
            .tolerance(entropies())
            .refuses(Refusal.of("logits (2, 3) need targets of their shape without the last axis, not (3)",
                plain, any(2, 3), Operand.indices(3, 3)),
                Refusal.of("probabilities f32(2) must have the shape of the logits (2, 3); classes are i32 or i64",
                    plain, any(2, 3), Operand.of(DType.F32, ANY, 2)),
                Refusal.of("crossEntropy: indices must be i32 or i64 but are u8(2)", plain, any(2, 3),
                    Operand.of(DType.U8, Domain.whole(0, 2), 2)),
                Refusal.of("crossEntropy: logits (2, 0) have no classes", plain, any(2, 0), Operand.indices(1, 2)),
                Refusal.whenComputed("9", plain, any(2, 3), Operand.of(DType.I64, values(0, 9), 2)));
    }

    private static OpRow crossEntropyOptions() {
        CrossEntropyOptions smooth = PLAIN.labelSmoothing(0.1);
        CrossEntropyOptions ignoring = PLAIN.ignoredIndex(-100);
        CrossEntropyOptions all = smooth.ignoredIndex(2);
        Operand someIgnored = Operand.of(DType.I64, values(0, -100, 3, 1, -100), 5);
        Operand weights = Operand.of(WEIGHT, 4);
        Operand probabilities = Operand.of(uniform(0, 1), 5, 4);
        return OpRow.of("crossEntropy with options").cases(
            of(with(smooth), any(5, 4), Operand.indices(4, 5)), of(with(ignoring), any(5, 4), someIgnored),
            of(with(smooth), HIGH, Operand.indices(4, 3)),
            of(with(ignoring.reduction(Reduction.NONE)), any(5, 4), someIgnored),
            of(weighted(PLAIN), any(5, 4), Operand.indices(4, 5), weights),
            of(weighted(all), any(5, 4), Operand.of(DType.I32, values(0, 2, 3, 1, 2), 5), weights),
            of(weighted(all.reduction(Reduction.SUM)), any(2, 3, 4).laid(Layout.PERMUTED),
                Operand.of(DType.I64, values(0, 2, 3), 2, 3), weights.laid(Layout.SLICED)),
            of(with(PLAIN), any(5, 4), probabilities), of(with(smooth), any(5, 4), probabilities),
            of(with(smooth.reduction(Reduction.NONE)), any(13), Operand.of(uniform(0, 1), 13)),
            of(weighted(smooth.reduction(Reduction.SUM)), any(5, 4), probabilities.laid(Layout.FLIPPED), weights),
            of(with(PLAIN.reduction(Reduction.SUM)), any(0, 4), Operand.of(uniform(0, 1), 0, 4)),
            of(weighted(smooth), any(17, 129), Operand.indices(129, 17), Operand.of(WEIGHT, 129)).withoutDifferences(),
            of(with(ignoring), Operand.of(values(1, Double.NaN, 2, 0.5, 1, 3), 2, 3),
                Operand.of(DType.I64, values(-100, 2), 2)).forwardOnly(),
            of(with(ignoring), any(2, 3), Operand.of(DType.I64, values(-100), 2)).forwardOnly())
            .tolerance(entropies())
            .refuses(
                Refusal.of("crossEntropy: label smoothing must be in [0, 1] but is 1.5",
                    x -> x[0].crossEntropy(x[1], PLAIN.labelSmoothing(1.5)), any(2, 3), Operand.indices(3, 2)),
                Refusal.of("crossEntropy: an ignored index is for target classes, not for probabilities f32(2, 3)",
                    with(ignoring), any(2, 3), Operand.of(DType.F32, uniform(0, 1), 2, 3)),
                Refusal.of("crossEntropy: weights f32(2) must be a floating vector of 3, one for each class",
                    weighted(PLAIN), any(2, 3), Operand.indices(3, 2), Operand.of(DType.F32, WEIGHT, 2)),
                Refusal.of("crossEntropy: weights i32(3) must be a floating vector of 3", weighted(PLAIN), any(2, 3),
                    Operand.indices(3, 2), Operand.of(DType.I32, Domain.whole(1, 2), 3)),
                Refusal.whenComputed("-100", with(ignoring.ignoredIndex(-1)), any(2, 3),
                    Operand.of(DType.I64, values(0, -100), 2)));
    }

    private static OpRow nllLoss() {
        TensorFunction plain = x -> x[0].nllLoss(x[1]);
        TensorFunction weighted = x -> x[0].nllLoss(x[1], x[2], PLAIN);
        TensorFunction ignoring = x -> x[0].nllLoss(x[1], x[2], PLAIN.ignoredIndex(1));
        TensorFunction none = x -> x[0].nllLoss(x[1], PLAIN.reduction(Reduction.NONE));
        TensorFunction sum = x -> x[0].nllLoss(x[1], PLAIN.reduction(Reduction.SUM));
        Operand weights = Operand.of(WEIGHT, 4);
        return OpRow.of("nllLoss").cases(
            of(plain, any(1, 3), Operand.indices(3, 1)), of(plain, any(5), Operand.indices(5)),
            of(plain, any(13, 5), Operand.of(DType.I32, Domain.whole(0, 4), 13)),
            of(plain, any(2, 3, 4), Operand.indices(4, 2, 3)),
            of(plain, any(5, 7).laid(Layout.PERMUTED), Operand.indices(7, 5).laid(Layout.FLIPPED)),
            of(none, any(2, 3, 4), Operand.indices(4, 2, 3)), of(sum, any(0, 4), Operand.indices(4, 0)),
            of(sum, any(3, 67), Operand.indices(67, 3)), of(weighted, any(5, 4), Operand.indices(4, 5), weights),
            of(ignoring, any(5, 4), Operand.of(DType.I64, values(0, 1, 3, 2, 1), 5), weights),
            of(plain, any(17, 129), Operand.indices(129, 17)).withoutDifferences())
            .tolerance(new Tolerance(16, 1, 16, (operation, x) -> {
                Tensor[] ones = x.clone();
                ones[0] = x[0].device().ones(x[0].dtype(), x[0].shape().toArray()).neg();
                return operation.apply(ones).mul(largest(x[0]));
            }, false, "a weighted mean"))
            .refuses(Refusal.of("nllLoss: log-probabilities (2, 3) need targets of their shape without the last axis",
                plain, any(2, 3), Operand.indices(3, 3)),
                Refusal.of("nllLoss: indices must be i32 or i64 but are f32(2)", plain, any(2, 3),
                    Operand.of(DType.F32, ANY, 2)),
                Refusal.of("nllLoss: label smoothing is for crossEntropy",
                    x -> x[0].nllLoss(x[1], PLAIN.labelSmoothing(0.5)), any(2, 3), Operand.indices(3, 2)),
                Refusal.of("nllLoss: weights f32(2) must be a floating vector of 3", weighted, any(2, 3),
                    Operand.indices(3, 2), Operand.of(DType.F32, WEIGHT, 2)),
                Refusal.whenComputed("9", plain, any(2, 3), Operand.of(DType.I64, values(0, 9), 2)));
    }
}

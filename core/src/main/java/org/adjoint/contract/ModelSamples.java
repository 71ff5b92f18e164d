package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;

import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.Op;

/** Samples of what models are made of: softmax, dropout, the optimizer's update. */
final class ModelSamples {
    private static final Domain ANY = uniform(-3, 3);

    private ModelSamples() { }

    static List<OpRow> rows() {
        return Stream.of(softmax(), softmaxGradients(), chance(), optimizers())
            .flatMap(List::stream).toList();
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    private static List<SampleCase> alongAxes(BiFunction<Tensor, Integer, Tensor> apply) {
        return List.of(of(x -> apply.apply(x[0], 0), any(1)), of(x -> apply.apply(x[0], -1), any(13)),
            of(x -> apply.apply(x[0], 1), any(3, 5)), of(x -> apply.apply(x[0], 0), any(5, 3)),
            of(x -> apply.apply(x[0], 1), any(2, 5, 3)), of(x -> apply.apply(x[0], 1), any(0, 3)),
            of(x -> apply.apply(x[0], -1), any(3, 5).laid(Layout.PERMUTED)),
            of(x -> apply.apply(x[0], -1), any(3, 5).laid(Layout.SLICED)),
            of(x -> apply.apply(x[0], -1), any(207)),
            of(x -> apply.apply(x[0], -1), Operand.of(values(800, 801, -3, -900, 799.5), 2, 5)).forwardOnly(),
            of(x -> apply.apply(x[0], -1), Operand.of(values(1, Double.NaN, 2, Double.NEGATIVE_INFINITY, 1, 3), 2, 3))
                .forwardOnly(),
            of(x -> apply.apply(x[0], -1), any(17, 129)).withoutDifferences());
    }

    private static List<OpRow> softmax() {
        return List.of(
            OpRow.of("softmax", FusedOp.Softmax.class, Op.Fused.class).cases(alongAxes(Tensor::softmax))
                .tolerance(Tolerance.ulps(24, "x - max errs by half an ulp of up to 6, which exp makes relative"))
                .refuses(
                    Refusal.of("softmax: axis 2 is out of range for shape (2, 3)", x -> x[0].softmax(2), any(2, 3)),
                    Refusal.of("softmax: axis 0 of (0, 3) is empty", x -> x[0].softmax(0), any(0, 3)),
                    Refusal.of("softmax: axis -1 is out of range for shape ()", x -> x[0].softmax(-1), any())),
            OpRow.of("logSoftmax", FusedOp.LogSoftmax.class).cases(alongAxes(Tensor::logSoftmax))
                .tolerance(Tolerance.of(8, x -> largest(x[0]),
                    "x - max and the log of the sum each err by an ulp or two"))
                .refuses(
                    Refusal.of("logSoftmax: axis 2 is out of range for shape (2, 3)", x -> x[0].logSoftmax(2),
                        any(2, 3)),
                    Refusal.of("logSoftmax: axis 1 of (2, 0) is empty", x -> x[0].logSoftmax(1), any(2, 0)),
                    Refusal.of("logSoftmax: axis -1 is out of range for shape ()", x -> x[0].logSoftmax(-1), any())));
    }

    private static List<OpRow> softmaxGradients() {
        return List.of(
            OpRow.of("softmaxGradient", FusedOp.SoftmaxGradient.class).cases(ofCotangents(Tensor::softmax))
                .tolerance(Tolerance.of(64, x -> largest(x[1]), "dy - sum(y dy) cancels, times y of at most 1"))
                .refuses(cotangents(Tensor::softmax)),
            OpRow.of("logSoftmaxGradient", FusedOp.LogSoftmaxGradient.class).cases(ofCotangents(Tensor::logSoftmax))
                .tolerance(Tolerance.of(64, x -> x[1].abs().sum().add(1), "a share of the sum of dy"))
                .refuses(cotangents(Tensor::logSoftmax)));
    }

    /** Of x and the cotangent of the result. */
    private static List<SampleCase> ofCotangents(BiFunction<Tensor, Integer, Tensor> apply) {
        TensorFunction rows = backwards(apply, -1);
        TensorFunction columns = backwards(apply, 0);
        return List.of(of(rows, any(1), any(1)), of(rows, any(13), any(13)), of(rows, any(3, 5), any(3, 5)),
            of(columns, any(5, 3), any(5, 3)), of(backwards(apply, 1), any(2, 5, 3), any(2, 5, 3)),
            of(rows, any(0, 3), any(0, 3)), of(rows, any(3, 5).laid(Layout.PERMUTED), any(3, 5)),
            of(rows, any(3, 5).laid(Layout.SLICED), any(3, 5).laid(Layout.FLIPPED)),
            of(rows, any(4, 7), any(4, 7).laid(Layout.PERMUTED)), of(rows, any(2, 3, 5), any(2, 3, 5)),
            of(rows, Operand.of(values(80, 81, -3, -90, 79.5), 2, 5), any(2, 5)).forwardOnly(),
            of(rows, Operand.of(values(1, Double.NaN, 2, Double.NEGATIVE_INFINITY, 1, 3), 2, 3), any(2, 3))
                .forwardOnly(),
            of(rows, any(207), any(207)).withoutDifferences(),
            of(rows, any(17, 129), any(17, 129)).withoutDifferences());
    }

    private static TensorFunction backwards(BiFunction<Tensor, Integer, Tensor> apply, int axis) {
        return x -> apply.apply(x[0], axis).pullback(x[1], List.of(x[0])).getFirst();
    }

    private static Refusal[] cotangents(BiFunction<Tensor, Integer, Tensor> apply) {
        return Stream.of(any(3, 2), any(3), any(), Operand.of(DType.I32, Domain.whole(0, 1), 2, 3))
            .map(cotangent -> Refusal.of("pullback: the cotangent must be", backwards(apply, -1), any(2, 3), cotangent))
            .toArray(Refusal[]::new);
    }

    private static List<OpRow> chance() {
        return List.of(
            OpRow.of("dropout").tolerance(Tolerance.exact("a product with one rounding, or 0")).cases(
                of(x -> x[0].dropout(0), any(5)), of(x -> x[0].dropout(0.5), any(0, 3)),
                of(x -> x[0].dropout(0.1), any(13)), of(x -> x[0].dropout(0.5), any(207)),
                of(x -> x[0].dropout(0.3), any(3, 5).laid(Layout.PERMUTED)),
                of(x -> x[0].dropout(0.2), any(4, 7).laid(Layout.SLICED)), of(x -> x[0].dropout(0.25), any()),
                of(x -> x[0].dropout(0.25), any(1)), of(x -> x[0].dropout(0.75), any(2, 3, 5).laid(Layout.FLIPPED)),
                of(x -> x[0].dropout(0.25),
                    Operand.of(values(Double.NaN, Double.POSITIVE_INFINITY, -0.0, 1), 16)).forwardOnly(),
                of(x -> x[0].dropout(0.1), any(4, 33)))
                .refuses(
                    Refusal.of("dropout: the probability must be in [0, 1) but is 1.0", x -> x[0].dropout(1), any(3)),
                    Refusal.of("dropout: the probability must be in [0, 1) but is -0.5", x -> x[0].dropout(-0.5),
                        any(3)),
                    Refusal.of("dropout: the probability must be in [0, 1) but is NaN", x -> x[0].dropout(Double.NaN),
                        any(3)),
                    Refusal.of("dropout: needs a floating dtype but got i64", x -> x[0].dropout(0.5),
                        Operand.indices(3, 3))));
    }

    private static List<OpRow> optimizers() {
        TensorFunction decayed = adamW(0.1);
        TensorFunction plain = adamW(0);
        Domain positive = uniform(0.2, 2);
        Operand rate = Operand.of(uniform(0.01, 0.1));
        Operand correction = Operand.of(uniform(1, 2));
        return List.of(OpRow.of("adamWUpdate", FusedOp.AdamWUpdate.class, Op.Project.class).cases(
            of(decayed, any(), any(), Operand.of(positive), any(), rate, correction, correction),
            of(decayed, any(13), any(13), Operand.of(positive, 13), any(13), rate, correction, correction),
            of(plain, any(0, 3), any(0, 3), Operand.of(positive, 0, 3), any(0, 3), rate, correction, correction),
            of(decayed, any(3, 5).laid(Layout.PERMUTED), any(3, 5), Operand.of(positive, 3, 5),
                any(3, 5).laid(Layout.FLIPPED), rate, correction, correction),
            of(plain, any(2, 3), any(2, 3), Operand.of(positive, 2, 3), any(2, 3), rate, correction, correction),
            of(mastered(true), any(13), any(13), Operand.of(positive, 13), any(13), rate, correction, correction),
            of(mastered(false), any(3, 5), any(3, 5), Operand.of(positive, 3, 5), any(3, 5), rate, correction,
                correction),
            of(decayed, any(1), any(1), Operand.of(positive, 1), any(1), rate, correction, correction),
            of(plain, any(207), any(207), Operand.of(positive, 207), any(207), rate, correction, correction)
                .withoutDifferences(),
            of(decayed, any(4099), any(4099), Operand.of(positive, 4099), any(4099), rate, correction, correction)
                .withoutDifferences())
            .tolerance(Tolerance.of(8, x -> decayed.apply(x).abs().add(9), "sums of terms up to 9")
                .roundings(8).gradient(32))
            .refuses(refusals(plain, rate, correction)));
    }

    private static Refusal[] refusals(TensorFunction update, Operand rate, Operand correction) {
        Operand x = Operand.of(DType.F32, ANY, 3);
        FusedOp.AdamWUpdate settings = new FusedOp.AdamWUpdate(0.9, 0.99, 1e-8, 0);
        TensorFunction mastered =
            y -> y[0].adamWUpdate(settings, y[7], y[1], y[2], y[3], y[4], y[5], y[6]).getFirst();
        String misfit =
            "adamWUpdate: parameter f32(3), moments and gradient need one shape and floating dtypes, but one is ";
        return new Refusal[] {
            Refusal.of(misfit + "f32(2)", update, x, Operand.of(DType.F32, ANY, 2), x, x, rate, correction, correction),
            Refusal.of(misfit + "f32(3, 1)", update, x, x, Operand.of(DType.F32, ANY, 3, 1), x, rate, correction,
                correction),
            Refusal.of(misfit + "i64(3)", update, x, x, x, Operand.indices(2, 3), rate, correction, correction),
            Refusal.of("adamWUpdate: learning rate and corrections must be scalars, not f32(1)", update, x, x, x, x,
                Operand.of(DType.F32, ANY, 1), correction, correction),
            Refusal.of("adamWUpdate: the master copy f64(3) must be as the moments, f32(3)", mastered, x, x, x, x, rate,
                correction, correction, Operand.of(DType.F64, ANY, 3))};
    }

    private static TensorFunction adamW(double weightDecay) {
        FusedOp.AdamWUpdate settings = new FusedOp.AdamWUpdate(0.9, 0.99, 1e-8, weightDecay);
        return x -> flat(x[0].adamWUpdate(settings, x[1], x[2], x[3], x[4], x[5], x[6]));
    }

    /** With a copy that is the parameter, then returned in its place, or that counts nowhere as it differs. */
    private static TensorFunction mastered(boolean current) {
        FusedOp.AdamWUpdate settings = new FusedOp.AdamWUpdate(0.9, 0.99, 1e-8, 0.1);
        return x -> {
            List<Tensor> updated = x[0].adamWUpdate(settings, current ? x[0] : x[0].stopGradient().add(1), x[1], x[2],
                x[3], x[4], x[5], x[6]);
            return flat(List.of(updated.get(current ? 3 : 0), updated.get(1), updated.get(2)));
        };
    }

    /** Several results as one. */
    static Tensor flat(List<Tensor> tensors) {
        return Tensor.concat(0, tensors.stream().map(x -> x.reshape(x.shape().elements())).toList());
    }

    /** The largest magnitude in x, or 1 if that is more, as a scalar. */
    static Tensor largest(Tensor x) {
        return Tensor.concat(0, List.of(x.abs().reshape(x.shape().elements()), x.device().ones(x.dtype(), 1))).max();
    }
}

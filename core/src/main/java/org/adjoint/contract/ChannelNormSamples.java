package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.ModelSamples.flat;

import java.util.List;
import org.adjoint.BatchNormalized;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.Standardize;

/** Samples of normalizations of channels. */
final class ChannelNormSamples {
    private static final Domain ANY = uniform(-3, 3);
    private static final double EPSILON = 1e-3;

    private ChannelNormSamples() { }

    static List<OpRow> rows() {
        return List.of(batchNorm(), inference(), groupNorm(), instanceNorm(), localResponseNorm());
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    /** Results are a few standard deviations, scaled and shifted. */
    private static Tolerance deviations(double units) {
        return new Tolerance(units, 1, 64, (operation, x) -> {
            Tensor bound = operation.apply(x).abs().add(4);
            for (int i = 1; i < x.length; i++) {
                bound = bound.add(x[i].abs().max().mul(4));
            }
            return bound;
        }, false, "x - mean cancels, and the result is a few standard deviations at most");
    }

    private static OpRow batchNorm() {
        TensorFunction affine = x -> x[0].batchNorm(x[1], x[2], EPSILON).output();
        TensorFunction scaled = x -> x[0].batchNorm(x[1], null, EPSILON).output();
        TensorFunction plain = x -> x[0].batchNorm(null, null, EPSILON).output();
        TensorFunction all = x -> {
            BatchNormalized normalized = x[0].batchNorm(x[1], x[2], EPSILON);
            DType dtype = normalized.output().dtype();
            return flat(List.of(normalized.output(), normalized.mean().to(dtype), normalized.variance().to(dtype)));
        };
        return OpRow.of("batchNorm", Standardize.class).tolerance(deviations(16)).cases(
            of(affine, any(5, 3), any(3), any(3)), of(affine, any(2, 3, 4), any(3), any(3)),
            of(affine, any(2, 2, 2, 3), any(2), any(2)), of(affine, any(2, 1, 5), any(1), any(1)),
            of(affine, any(1, 3, 4), any(3), any(3)), of(affine, any(13, 7), any(7), any(7)),
            of(affine, any(5, 3).laid(Layout.PERMUTED), any(3).laid(Layout.SLICED), any(3)),
            of(affine, any(2, 3, 4).laid(Layout.FLIPPED), any(3), any(3).laid(Layout.FLIPPED)),
            of(scaled, any(2, 3, 4), any(3)), of(plain, any(2, 3, 4)), of(all, any(5, 3), any(3), any(3)),
            of(affine, any(2, 2, 2, 2, 2), any(2), any(2)).withoutDifferences(),
            of(affine, any(9, 5, 23), any(5), any(5)).withoutDifferences())
            .refuses(
                Refusal.of("batchNorm: x must be (n, channels, ...) but is (3)", plain, any(3)),
                Refusal.of("batchNorm: x (1, 3) has one value per channel, which has no variance", plain, any(1, 3)),
                Refusal.of("batchNorm: there is nothing to normalize in x (0, 3)", plain, any(0, 3)),
                Refusal.of("batchNorm: gamma (2) must be a vector of 3, one for each channel of x (5, 3)", affine,
                    any(5, 3), any(2), any(3)),
                Refusal.of("batchNorm: beta (3, 1) must be a vector of 3", affine, any(5, 3), any(3), any(3, 1)),
                Refusal.of("batchNorm: epsilon must not be negative but is -1.0",
                    x -> x[0].batchNorm(null, null, -1).output(), any(5, 3)),
                Refusal.of("batchNorm: needs a floating dtype but got i64", plain, Operand.indices(3, 5, 3)));
    }

    private static OpRow inference() {
        TensorFunction affine = x -> x[0].batchNorm(x[1], x[2], x[3], x[4], EPSILON);
        TensorFunction plain = x -> x[0].batchNorm(x[1], x[2], null, null, EPSILON);
        Domain positive = uniform(0.5, 2);
        Operand variance = Operand.of(positive, 3);
        return OpRow.of("batchNorm of given statistics").tolerance(deviations(16)).cases(
            of(affine, any(5, 3), any(3), variance, any(3), any(3)), of(plain, any(5, 3), any(3), variance),
            of(affine, any(0, 3), any(3), variance, any(3), any(3)),
            of(affine, any(1, 3), any(3), variance, any(3), any(3)),
            of(affine, any(2, 3, 4), any(3), variance, any(3), any(3)),
            of(affine, any(2, 2, 2, 3), any(2), Operand.of(positive, 2), any(2), any(2)),
            of(affine, any(4, 1, 5), any(1), Operand.of(positive, 1), any(1), any(1)),
            of(affine, any(5, 3).laid(Layout.PERMUTED), any(3).laid(Layout.SLICED), variance, any(3), any(3)),
            of(affine, any(2, 3, 4).laid(Layout.FLIPPED), any(3), variance.laid(Layout.FLIPPED), any(3), any(3)),
            of(affine, any(9, 5, 23), any(5), Operand.of(positive, 5), any(5), any(5)).withoutDifferences())
            .refuses(
                Refusal.of("batchNorm: mean (2) must be a vector of 3, one for each channel of x (5, 3)", plain,
                    any(5, 3), any(2), variance),
                Refusal.of("batchNorm: variance (2) must be a vector of 3, one for each channel of x (5, 3)", plain,
                    any(5, 3), any(3), any(2)),
                Refusal.of("batchNorm: x must be (n, channels, ...) but is (3)", plain, any(3), any(3), variance),
                Refusal.of("batchNorm: needs a floating dtype but got i64", plain, any(5, 3), any(3),
                    Operand.indices(3, 3)));
    }

    private static OpRow groupNorm() {
        TensorFunction two = x -> x[0].groupNorm(2, x[1], x[2], EPSILON);
        TensorFunction plain = x -> x[0].groupNorm(2, null, null, EPSILON);
        TensorFunction one = x -> x[0].groupNorm(1, x[1], x[2], EPSILON);
        return OpRow.of("groupNorm").tolerance(deviations(16)).cases(
            of(two, any(3, 6), any(6), any(6)), of(two, any(2, 4, 3), any(4), any(4)),
            of(two, any(2, 2, 2, 3), any(2), any(2)), of(one, any(2, 3, 4), any(3), any(3)),
            of(one, any(1, 13), any(13), any(13)), of(plain, any(2, 4, 3)), of(two, any(0, 4, 3), any(4), any(4)),
            of(two, any(3, 6).laid(Layout.PERMUTED), any(6), any(6).laid(Layout.SLICED)),
            of(two, any(2, 4, 3).laid(Layout.FLIPPED), any(4).laid(Layout.FLIPPED), any(4)),
            of(two, any(3, 8, 23), any(8), any(8)).withoutDifferences())
            .refuses(
                Refusal.of("groupNorm: 3 channels of x (2, 3, 4) do not divide into 2 groups", plain, any(2, 3, 4)),
                Refusal.of("groupNorm: 4 channels of x (2, 4) do not divide into 0 groups",
                    x -> x[0].groupNorm(0, null, null, EPSILON), any(2, 4)),
                Refusal.of("groupNorm: x must be (n, channels, ...) but is (4)", plain, any(4)),
                Refusal.of("groupNorm: there is nothing to normalize in x (2, 4, 0)", plain, any(2, 4, 0)),
                Refusal.of("groupNorm: gamma (2) must be a vector of 4, one for each channel of x (3, 4)", two,
                    any(3, 4), any(2), any(4)));
    }

    private static OpRow instanceNorm() {
        TensorFunction affine = x -> x[0].instanceNorm(x[1], x[2], EPSILON);
        TensorFunction plain = x -> x[0].instanceNorm(null, null, EPSILON);
        return OpRow.of("instanceNorm").tolerance(deviations(16)).cases(
            of(affine, any(2, 3, 4), any(3), any(3)), of(affine, any(1, 1, 13), any(1), any(1)),
            of(affine, any(2, 2, 2, 3), any(2), any(2)), of(affine, any(2, 1, 5), any(1), any(1)),
            of(plain, any(2, 3, 4)), of(plain, any(1, 2, 3, 2)), of(affine, any(0, 3, 4), any(3), any(3)),
            of(affine, any(2, 3, 4).laid(Layout.PERMUTED), any(3).laid(Layout.SLICED), any(3)),
            of(affine, any(2, 3, 4).laid(Layout.FLIPPED), any(3), any(3).laid(Layout.FLIPPED)),
            of(affine, any(3, 5, 67), any(5), any(5)).withoutDifferences())
            .refuses(
                Refusal.of("instanceNorm: x (2, 3) must be (n, channels, ...) with more than one value per channel",
                    plain, any(2, 3)),
                Refusal.of("instanceNorm: x (2, 3, 1) must be (n, channels, ...) with more than one value", plain,
                    any(2, 3, 1)),
                Refusal.of("instanceNorm: x must be (n, channels, ...) but is (3)", plain, any(3)),
                Refusal.of("instanceNorm: beta (2) must be a vector of 3, one for each channel of x (2, 3, 4)", affine,
                    any(2, 3, 4), any(3), any(2)));
    }

    private static OpRow localResponseNorm() {
        TensorFunction five = x -> x[0].localResponseNorm(5, 0.5, 0.75, 1);
        TensorFunction two = x -> x[0].localResponseNorm(2, 1, 0.5, 2);
        TensorFunction one = x -> x[0].localResponseNorm(1, 1, 1, 1);
        return OpRow.of("localResponseNorm")
            .tolerance(Tolerance.ulps(16, "a power of a sum of squares").gradient(32)).cases(
            of(five, any(2, 7, 3)), of(five, any(1, 3, 2)), of(five, any(2, 13)), of(two, any(2, 4, 3)),
            of(two, any(1, 1, 1)), of(one, any(2, 3)), of(five, any(0, 3, 2)), of(two, any(2, 0)),
            of(two, any(3, 5).laid(Layout.PERMUTED)), of(five, any(2, 4, 3).laid(Layout.FLIPPED)),
            of(two, any(3, 67, 5)).withoutDifferences())
            .refuses(
                Refusal.of("localResponseNorm: the size must be positive but is 0",
                    x -> x[0].localResponseNorm(0, 1, 1, 1), any(2, 3)),
                Refusal.of("localResponseNorm: x must be (n, channels, ...) but is (3)", five, any(3)),
                Refusal.of("localResponseNorm: needs a floating dtype but got i64", five, Operand.indices(3, 2, 3)));
    }
}

package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;
import static org.adjoint.contract.ModelSamples.flat;
import static org.adjoint.contract.ModelSamples.largest;

import java.util.List;
import java.util.stream.Stream;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;

/** Samples of normalizations along trailing axes, and to unit length. */
final class NormalizationSamples {
    private static final Domain ANY = uniform(-3, 3);
    private static final double EPSILON = 1e-5;

    private NormalizationSamples() { }

    static List<OpRow> rows() {
        return List.of(layerNorm(), layerNormGradient(), rmsNorm(), rmsNormGradient(), normalize());
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand any(long... shape) {
        return Operand.of(ANY, shape);
    }

    /** A sum of them is rounded, and its quotient is not they: the deviation would enlarge what is left by 316. */
    private static Operand constant(long... shape) {
        return Operand.of(values(1.1), shape);
    }

    private static OpRow layerNorm() {
        TensorFunction norm = x -> x[0].layerNorm(x[1], x[2], EPSILON);
        TensorFunction scaled = x -> x[0].layerNorm(x[1], EPSILON);
        TensorFunction plain = x -> x[0].layerNorm(1, EPSILON);
        TensorFunction planes = x -> x[0].layerNorm(2, EPSILON);
        return OpRow.of("layerNorm", FusedOp.LayerNorm.class)
            .tolerance(new Tolerance(8, 1, 16, (operation, x) -> operation.apply(x).abs()
                .add(x.length > 1 ? x[1].abs().mul(4) : x[0].device().full(x[0].dtype(), 4)),
                false, "x - mean cancels, and the result is a few standard deviations at most"))
            .cases(
                of(norm, any(3), any(3), any(3)), of(norm, any(2, 5), any(5), any(5)),
                of(norm, any(0, 5), any(5), any(5)), of(norm, any(2, 3, 4), any(4), any(4)),
                of(norm, any(2, 3, 4), any(3, 4), any(3, 4)), of(norm, any(3, 4), any(3, 4), any(3, 4)),
                of(norm, any(13, 7).laid(Layout.PERMUTED), any(7), any(7)),
                of(norm, any(2, 4, 3).laid(Layout.PERMUTED), any(4, 3).laid(Layout.PERMUTED), any(4, 3)),
                of(norm, any(3, 5).laid(Layout.FLIPPED), any(5).laid(Layout.SLICED), any(5)),
                of(norm, any(1, 67), any(67), any(67)), of(scaled, any(3, 5), any(5)), of(plain, any(3, 5)),
                of(planes, any(2, 3, 4)), of(norm, any(17, 129), any(129), any(129)).withoutDifferences(),
                of(norm, constant(2, 129), any(129), any(129)).forwardOnly(),
                of(plain, constant(2, 1031)).forwardOnly(), of(plain, constant(1, 8209)).forwardOnly())
            .refuses(
                Refusal.of("layerNorm: gamma (4) must have the shape of the last axes of x (2, 3), not empty", norm,
                    any(2, 3), any(4), any(4)),
                Refusal.of("layerNorm: gamma (2, 2, 3) must have the shape of the last axes of x (2, 3)", norm,
                    any(2, 3), any(2, 2, 3), any(2, 2, 3)),
                Refusal.of("layerNorm: gamma () must have the shape of the last axes of x ()", norm, any(), any(),
                    any()),
                Refusal.of("layerNorm: beta f32(2) must be as gamma, f32(3)", norm, any(2, 3),
                    Operand.of(DType.F32, ANY, 3), Operand.of(DType.F32, ANY, 2)),
                Refusal.of("layerNorm: x (2, 3) has no 3 last axes that are not empty", x -> x[0].layerNorm(3, EPSILON),
                    any(2, 3)),
                Refusal.of("layerNorm: x (2, 0) has no 1 last axes that are not empty", plain, any(2, 0)),
                Refusal.of("layerNorm: epsilon must not be negative but is -1.0", x -> x[0].layerNorm(1, -1),
                    any(2, 3)),
                Refusal.of("layerNorm: needs a floating dtype but got i64", plain, Operand.indices(3, 2, 3)));
    }

    private static OpRow layerNormGradient() {
        TensorFunction gradient = x ->
            flat(x[0].layerNorm(x[1], x[2], EPSILON).pullback(x[3], List.of(x[0], x[1], x[2])));
        return OpRow.of("layerNormGradient", FusedOp.LayerNormGradient.class).cases(
            of(gradient, any(5), any(5), any(5), any(5)), of(gradient, any(2, 5), any(5), any(5), any(2, 5)),
            of(gradient, any(0, 5), any(5), any(5), any(0, 5)),
            of(gradient, any(2, 3, 4), any(4), any(4), any(2, 3, 4)),
            of(gradient, any(2, 3, 4), any(3, 4), any(3, 4), any(2, 3, 4)),
            of(gradient, any(5, 7).laid(Layout.PERMUTED), any(7), any(7), any(5, 7).laid(Layout.FLIPPED)),
            of(gradient, any(3, 6).laid(Layout.SLICED), any(6).laid(Layout.FLIPPED), any(6), any(3, 6)),
            of(gradient, any(1, 67), any(67), any(67), any(1, 67)).withoutDifferences(),
            of(gradient, any(13, 33), any(33), any(33), any(13, 33)).withoutDifferences(),
            of(gradient, any(17, 129), any(129), any(129), any(17, 129)).withoutDifferences())
            .tolerance(Tolerance.of(64, x -> largest(gradient.apply(x)), "means of products cancel").gradient(64))
            // Linear in beta: it is not in the gradient at all.
            .zeroGradient().refuses(cotangents(gradient, any(3), any(3)));
    }

    /** Cotangents of another shape or dtype than the result's; x is (2, 3). */
    private static Refusal[] cotangents(TensorFunction gradient, Operand... parameters) {
        Operand integers = Operand.of(DType.I32, Domain.whole(0, 1), 2, 3);
        return Stream.of(any(3, 2), any(3), any(), integers).map(cotangent -> {
            Operand[] operands = new Operand[parameters.length + 2];
            operands[0] = any(2, 3);
            System.arraycopy(parameters, 0, operands, 1, parameters.length);
            operands[operands.length - 1] = cotangent;
            return Refusal.of("pullback: the cotangent must be", gradient, operands);
        }).toArray(Refusal[]::new);
    }

    private static OpRow rmsNorm() {
        TensorFunction norm = x -> x[0].rmsNorm(x[1], EPSILON);
        TensorFunction plain = x -> x[0].rmsNorm(1, EPSILON);
        TensorFunction planes = x -> x[0].rmsNorm(2, EPSILON);
        // Of one element there is only its sign, unless epsilon is as large.
        TensorFunction soft = x -> x[0].rmsNorm(x[1], 1);
        return OpRow.of("rmsNorm", FusedOp.RmsNorm.class).cases(
            of(norm, any(3), any(3)), of(norm, any(2, 5), any(5)), of(norm, any(0, 5), any(5)),
            of(soft, any(4, 1), any(1)), of(norm, any(2, 3, 4), any(4)), of(norm, any(2, 2, 2, 3), any(3)),
            of(norm, any(13, 7).laid(Layout.PERMUTED), any(7)),
            of(norm, any(3, 5).laid(Layout.FLIPPED), any(5).laid(Layout.SLICED)),
            of(norm, any(2, 6).laid(Layout.SLICED), any(6).laid(Layout.FLIPPED)), of(norm, any(1, 67), any(67)),
            of(norm, any(2, 3, 4), any(3, 4)), of(plain, any(3, 5)), of(planes, any(2, 3, 4)),
            of(norm, Operand.of(values(3e18, -1e18, 2e18, 1e-30, 0, -0.0), 2, 3), any(3)).forwardOnly(),
            of(norm, Operand.of(values(1, Double.NaN, 2, Double.NEGATIVE_INFINITY, 1, 3), 2, 3), any(3)).forwardOnly(),
            of(norm, any(17, 129), any(129)).withoutDifferences())
            .tolerance(Tolerance.ulps(8, "a sum of squares, whose root is taken, and three roundings"))
            .refuses(
                Refusal.of("rmsNorm: gamma (4) must have the shape of the last axes of x (2, 3), not empty",
                    norm, any(2, 3), any(4)),
                Refusal.of("rmsNorm: gamma (3, 3) must have the shape of the last axes of x (2, 3)", norm,
                    any(2, 3), any(3, 3)),
                Refusal.of("rmsNorm: gamma (0) must have the shape of the last axes of x (2, 0), not empty",
                    norm, any(2, 0), any(0)),
                Refusal.of("rmsNorm: x (2, 3) has no 0 last axes that are not empty", x -> x[0].rmsNorm(0, EPSILON),
                    any(2, 3)),
                Refusal.of("rmsNorm: epsilon must not be negative but is -1.0", x -> x[0].rmsNorm(x[1], -1),
                    any(2, 3), any(3)));
    }

    private static OpRow rmsNormGradient() {
        TensorFunction gradient = x -> flat(x[0].rmsNorm(x[1], EPSILON).pullback(x[2], List.of(x[0], x[1])));
        TensorFunction soft = x -> flat(x[0].rmsNorm(x[1], 1).pullback(x[2], List.of(x[0], x[1])));
        return OpRow.of("rmsNormGradient", FusedOp.RmsNormGradient.class).cases(
            of(gradient, any(5), any(5), any(5)), of(gradient, any(2, 5), any(5), any(2, 5)),
            of(gradient, any(0, 5), any(5), any(0, 5)), of(soft, any(4, 1), any(1), any(4, 1)),
            of(gradient, any(2, 3, 4), any(4), any(2, 3, 4)),
            of(gradient, any(5, 7).laid(Layout.PERMUTED), any(7), any(5, 7).laid(Layout.FLIPPED)),
            of(gradient, any(3, 6).laid(Layout.SLICED), any(6).laid(Layout.FLIPPED), any(3, 6)),
            of(gradient, any(1, 67), any(67), any(1, 67)).withoutDifferences(),
            of(gradient, any(13, 33), any(33), any(13, 33)).withoutDifferences(),
            of(gradient, any(17, 129), any(129), any(17, 129)).withoutDifferences())
            .tolerance(Tolerance.of(64, x -> largest(gradient.apply(x)), "a mean of products cancels").gradient(64))
            .refuses(cotangents(gradient, any(3)));
    }

    private static TensorFunction norm(double p, int axis) {
        return x -> x[0].normalize(p, axis);
    }

    private static OpRow normalize() {
        // Away from 0, where the absolute value has a kink, and without ties.
        Domain apart = values(1, -3, 2, 0.5, -1.5);
        Domain kinkless = Domain.grid(-3, 3, 0.5, 0.25);
        TensorFunction long1 = x -> x[0].normalize(2, -1, 50);
        return OpRow.of("normalize").cases(
            of(norm(2, -1), any(3)), of(norm(2, 0), any(13)), of(norm(2, 1), any(3, 5)), of(norm(2, 0), any(3, 5)),
            of(norm(2, 1), any(2, 3, 4)), of(norm(2, -1), any(0, 3)), of(norm(2, -1), any(3, 0)),
            of(norm(2, -1), any(3, 5).laid(Layout.PERMUTED)), of(norm(2, -1), any(3, 5).laid(Layout.SLICED)),
            of(norm(1, -1), Operand.of(kinkless, 3, 5)), of(norm(3, -1), Operand.of(kinkless, 3, 5)),
            of(norm(Double.POSITIVE_INFINITY, -1), Operand.of(apart, 3, 5)), of(long1, any(2, 3)),
            of(x -> x[0].normalize(3, -1, 50), Operand.of(kinkless, 2, 3)), of(norm(2, -1), any(207)),
            of(norm(2, -1), Operand.of(values(0, -0.0, 0, 1, Double.NaN, 2), 2, 3)).forwardOnly())
            .tolerance(Tolerance.ulps(24, "a power of a sum of powers"))
            .refuses(Refusal.of("normalize: axis 2 is out of range for shape (2, 3)", norm(2, 2), any(2, 3)),
                Refusal.of("normalize: p must be at least 1 but is 0.5", norm(0.5, 0), any(3)),
                Refusal.of("normalize: epsilon must be positive but is 0.0", x -> x[0].normalize(2, 0, 0), any(3)),
                Refusal.of("normalize: needs a floating dtype but got i64", norm(2, 0), Operand.indices(3, 3)));
    }
}

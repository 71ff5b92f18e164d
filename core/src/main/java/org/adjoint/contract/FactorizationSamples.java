package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.adjoint.contract.Domain.values;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.adjoint.Tensor;
import org.adjoint.contract.Operand.Layout;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.adjoint.graph.MatrixOp;

/**
 * Samples of factorizations and linear systems. Matrices are random ones plus a multiple of the identity that makes
 * them well conditioned, so that errors are some ulps of the largest element, as many as a row has elements.
 */
final class FactorizationSamples {
    private static final Set<DType> PRECISE = EnumSet.of(DType.F32, DType.F64);
    private static final Domain SMALL = uniform(-1, 1);

    private FactorizationSamples() { }

    static List<OpRow> rows() {
        return List.of(cholesky(), triangularSolve(), qr(), solve(), inverse(), logDeterminant(), determinant());
    }

    private static SampleCase of(TensorFunction function, Operand... operands) {
        return SampleCase.of(function, operands);
    }

    private static Operand small(long... shape) {
        return Operand.of(SMALL, shape);
    }

    private static Operand half(long... shape) {
        return Operand.of(DType.BF16, SMALL, shape);
    }

    private static Operand whole(long... shape) {
        return Operand.of(DType.I32, Domain.whole(-2, 2), shape);
    }

    /** x plus its extent times the identity: diagonally dominant. */
    private static Tensor dominant(Tensor x) {
        long n = x.shape().extent(x.shape().rank() - 1);
        return x.add(identity(x, n).mul((double) n));
    }

    private static Tensor identity(Tensor x, long n) {
        Tensor index = x.device().arange(DType.I32, n);
        return index.reshape(n, 1).equal(index).to(x.dtype());
    }

    private static Tensor largest(Tensor x) {
        return Tensor.concat(0, List.of(x.abs().reshape(x.shape().elements()), x.device().ones(x.dtype(), 1))).max();
    }

    /** Within so many ulps of the result's largest element. */
    private static Tolerance ofLargest(double units, String reason) {
        return new Tolerance(units, 1, 4 * units, (operation, x) -> largest(operation.apply(x)), false, reason);
    }

    private static OpRow cholesky() {
        TensorFunction cholesky = x -> dominant(x[0]).cholesky();
        TensorFunction plain = x -> x[0].cholesky();
        return OpRow.of("cholesky", MatrixOp.Cholesky.class).dtypes(PRECISE)
            .tolerance(ofLargest(64, "67 products are summed at most, of a matrix of condition 4")).cases(
                of(cholesky, small(1, 1)), of(cholesky, small(2, 2)), of(cholesky, small(3, 3)),
                of(cholesky, small(5, 5)), of(cholesky, small(2, 3, 4, 4)), of(cholesky, small(3, 0, 0)),
                of(cholesky, small(0, 3, 3)), of(cholesky, small(4, 4).laid(Layout.PERMUTED)),
                of(cholesky, small(4, 4).laid(Layout.SLICED)), of(cholesky, small(2, 4, 4).laid(Layout.FLIPPED)),
                of(cholesky, small(2, 3, 3).laid(Layout.EXPANDED)),
                of(cholesky, small(13, 13)).differences(1.0 / 64, 1e-7),
                of(cholesky, small(33, 33)).withoutDifferences(), of(cholesky, small(2, 67, 67)).withoutDifferences(),
                // Not positive definite from the second column on; of no use from the start.
                of(plain, Operand.of(values(4, 2, 2, 2, 1, 3, 2, 3, 9), 3, 3)).forwardOnly(),
                of(plain, Operand.of(values(-1, 0, 0, 1), 2, 2)).forwardOnly(),
                of(plain, Operand.of(values(4, Double.NaN, Double.NaN, 5), 2, 2)).forwardOnly())
            .refuses(Refusal.of("cholesky: needs square matrices (batch..., n, n) but got (2, 3)", plain, small(2, 3)),
                Refusal.of("cholesky: needs matrices (batch..., m, n) but got (4)", plain, small(4)),
                Refusal.of("cholesky: needs f32 or f64 but got bf16(2, 2): cast it first", plain, half(2, 2)),
                Refusal.of("cholesky: needs f32 or f64 but got i32(2, 2): cast it first", plain, whole(2, 2)));
    }

    private static TensorFunction system(boolean left, boolean upper, boolean transposed, boolean unit) {
        return x -> (unit ? x[0].mul(0.5) : dominant(x[0])).triangularSolve(x[1], left, upper, transposed, unit);
    }

    private static OpRow triangularSolve() {
        TensorFunction lower = x -> dominant(x[0]).triangularSolve(x[1], false);
        TensorFunction upper = x -> dominant(x[0]).triangularSolve(x[1], true);
        TensorFunction plain = x -> x[0].triangularSolve(x[1], false);
        return OpRow.of("triangularSolve", MatrixOp.TriangularSolve.class).dtypes(PRECISE)
            .tolerance(Tolerance.of(128, x -> largest(x[1]),
                "67 products are summed at most; x is no larger than b, or "
                + "with a unit diagonal not much").gradient(256))
            .cases(of(lower, small(1, 1), small(1, 1)), of(lower, small(2, 2), small(2, 3)),
                of(upper, small(2, 2), small(2, 3)), of(lower, small(5, 5), small(5)), of(upper, small(5, 5), small(5)),
                of(system(true, false, true, false), small(3, 3), small(3, 2)),
                of(system(true, true, true, false), small(3, 3), small(3, 2)),
                of(system(true, false, false, true), small(3, 3), small(3, 2)),
                of(system(true, true, true, true), small(3, 3), small(3, 2)),
                of(system(false, false, false, false), small(3, 3), small(2, 3)),
                of(system(false, true, false, true), small(3, 3), small(2, 3)),
                of(system(false, true, true, false), small(3, 3), small(3)),
                of(lower, small(2, 1, 3, 3), small(3, 3, 2)), of(lower, small(0, 0), small(0, 3)),
                of(lower, small(3, 3), small(3, 0)),
                of(upper, small(4, 4).laid(Layout.PERMUTED), small(4, 3).laid(Layout.SLICED)),
                of(lower, small(4, 4).laid(Layout.SLICED), small(4, 3).laid(Layout.FLIPPED)),
                of(plain, Operand.of(values(2, 1, 1, 0), 2, 2), small(2, 2)).forwardOnly(),
                of(lower, small(33, 33), small(33, 5)).withoutDifferences(),
                of(upper, small(2, 67, 67), small(2, 67, 13)).withoutDifferences(),
                of(system(false, false, true, false), small(67, 67), small(207, 67)).withoutDifferences())
            .refuses(Refusal.of("triangularSolve: a (3, 3) has 3 rows, which b (2, 3) must have as well", plain,
                    small(3, 3), small(2, 3)),
                Refusal.of("triangularSolve: a (3, 3) has 3 columns, which b (3, 2) must have as well",
                    system(false, true, false, false), small(3, 3), small(3, 2)),
                Refusal.of("triangularSolve: needs square matrices (batch..., n, n) but got (2, 3)", plain, small(2, 3),
                    small(2, 3)),
                Refusal.of("triangularSolve: needs f32 or f64 but got bf16(2, 2)", plain, half(2, 2), half(2, 2)),
                Refusal.of("triangularSolve: shapes (2) and (3) do not broadcast", plain, small(2, 3, 3),
                small(3, 3, 1)));
    }

    /** q and r in one tensor. */
    private static Tensor factors(Tensor a) {
        Tensor.Qr qr = a.qr();
        return Tensor.concat(-1, List.of(qr.q().reshape(qr.q().shape().elements()),
            qr.r().reshape(qr.r().shape().elements())));
    }

    private static OpRow qr() {
        TensorFunction both = x -> factors(x[0]);
        // Tall matrices with a dominant square on top.
        TensorFunction tall = x -> factors(Tensor.concat(-2, List.of(dominant(x[0]), x[1])));
        TensorFunction wide = x -> factors(Tensor.concat(-1, List.of(dominant(x[0]), x[1])));
        TensorFunction square = x -> factors(dominant(x[0]));
        return OpRow.of("qr", MatrixOp.Qr.class, MatrixOp.Householder.class).dtypes(PRECISE)
            .tolerance(ofLargest(64, "reflections of columns of up to 100 elements").gradient(512))
            .cases(of(both, Operand.of(uniform(1, 2), 1, 1)), of(square, small(2, 2)), of(square, small(3, 3)),
                of(square, small(5, 5)), of(tall, small(2, 2), small(3, 2)), of(tall, small(3, 3), small(1, 3)),
                of(tall, Operand.of(uniform(1, 2), 1, 1), small(4, 1)), of(wide, small(2, 2), small(2, 3)),
                of(square, small(2, 3, 3)), of(tall, small(2, 1, 2, 2), small(2, 1, 3, 2)),
                of(square, small(4, 4).laid(Layout.PERMUTED)),
                of(tall, small(3, 3).laid(Layout.SLICED), small(2, 3).laid(Layout.FLIPPED)),
                of(both, small(0, 3)), of(both, small(3, 0)), of(both, small(2, 0, 0)),
                // Nothing to reflect, negative pivots, a column of zeros.
                of(both, Operand.of(values(-2, 1, 3, 0, 4, 1, 0, 0, -5), 3, 3)).forwardOnly(),
                of(both, Operand.of(values(0, 1, 0, 2), 2, 2)).forwardOnly(),
                of(square, small(33, 33)).withoutDifferences(),
                of(tall, small(2, 67, 67), small(2, 33, 67)).withoutDifferences())
            .refuses(Refusal.of("qr: needs matrices (batch..., m, n) but got (3)", both, small(3)),
                Refusal.of("qr: needs f32 or f64 but got bf16(3, 2): cast it first", both, half(3, 2)),
                Refusal.of("qr: needs f32 or f64 but got i32(3, 2): cast it first", both, whole(3, 2)));
    }

    private static OpRow solve() {
        TensorFunction solve = x -> dominant(x[0]).solve(x[1]);
        TensorFunction plain = x -> x[0].solve(x[1]);
        // x is at most a multiple of b: the least singular value is about n - sqrt(n), at least a half.
        return OpRow.of("solve", MatrixOp.Solve.class).dtypes(PRECISE)
            .tolerance(Tolerance.of(256, x -> largest(x[1]),
                "reflections, then sums of up to 67 products").gradient(512))
            .cases(of(solve, Operand.of(uniform(0.5, 1), 1, 1), small(1, 1)), of(solve, small(2, 2), small(2, 1)),
                of(solve, small(2, 2), small(2, 3)), of(solve, small(3, 3), small(3)),
                of(solve, small(5, 5), small(5, 2)), of(solve, small(2, 1, 3, 3), small(3, 3, 2)),
                of(solve, small(0, 0), small(0, 3)), of(solve, small(3, 3), small(3, 0)),
                of(solve, small(4, 4).laid(Layout.PERMUTED), small(4, 2).laid(Layout.SLICED)),
                of(solve, small(4, 4).laid(Layout.FLIPPED), small(4).laid(Layout.EXPANDED)),
                // A pivot of 0 where no rows were exchanged.
                of(plain, Operand.of(values(0, 2, 1, 1, 0, 3, 4, 1, 0), 3, 3), small(3, 2)),
                of(solve, small(33, 33), small(33, 2)).withoutDifferences(),
                of(solve, small(2, 67, 67), small(2, 67, 3)).withoutDifferences())
            .refuses(Refusal.of("solve: needs square matrices (batch..., n, n) but got (2, 3)", plain, small(2, 3),
                small(2, 3)),
                Refusal.of("solve: a (3, 3) has 3 rows, which b (2, 3) must have as well", plain, small(3, 3),
                small(2, 3)),
                Refusal.of("solve: a (3, 3) has 3 rows, which b () must have as well", plain, small(3, 3), small()),
                Refusal.of("solve: needs f32 or f64 but got bf16(2, 2): cast it first", plain, half(2, 2), half(2, 2)),
                Refusal.of("solve: needs f32 or f64 but got i32(2, 2): cast it first", plain, small(2, 2),
                whole(2, 2)));
    }

    private static OpRow inverse() {
        TensorFunction inverse = x -> dominant(x[0]).inverse();
        TensorFunction plain = x -> x[0].inverse();
        return OpRow.of("inverse").dtypes(PRECISE)
            .tolerance(ofLargest(256, "as solve").gradient(512))
            .cases(of(inverse, Operand.of(uniform(0.5, 1), 1, 1)), of(inverse, small(2, 2)), of(inverse, small(3, 3)),
                of(inverse, small(5, 5)), of(inverse, small(2, 3, 3)), of(inverse, small(0, 2, 2)),
                of(inverse, small(2, 0, 0)), of(inverse, small(4, 4).laid(Layout.PERMUTED)),
                of(inverse, small(4, 4).laid(Layout.SLICED)), of(inverse, small(2, 3, 3).laid(Layout.EXPANDED)),
                of(plain, Operand.of(values(0, 2, 1, 1, 0, 3, 4, 1, 0), 3, 3)),
                of(inverse, small(33, 33)).withoutDifferences())
            .refuses(Refusal.of("inverse: needs square matrices (batch..., n, n) but got (2, 3)", plain, small(2, 3)),
                Refusal.of("inverse: needs matrices (batch..., m, n) but got ()", plain, small()),
                Refusal.of("inverse: needs f32 or f64 but got bf16(2, 2): cast it first", plain, half(2, 2)));
    }

    private static final List<SampleCase> determinantCases(TensorFunction function, TensorFunction plain) {
        return List.of(of(function, Operand.of(uniform(0.5, 1), 1, 1)), of(function, small(2, 2)),
            of(function, small(3, 3)),
            of(function, small(4, 4)), of(function, small(2, 3, 3)), of(function, small(0, 2, 2)),
            of(function, small(2, 0, 0)), of(function, small(4, 4).laid(Layout.PERMUTED)),
            of(function, small(4, 4).laid(Layout.SLICED)), of(function, small(2, 3, 3).laid(Layout.EXPANDED)),
            of(plain, Operand.of(values(0, 2, 1, 1, 0, 3, 4, 1, 0), 3, 3)),
            of(plain, Operand.of(values(2, 0, 0, 0, -3, 0, 0, 0, 4), 3, 3)));
    }

    private static OpRow logDeterminant() {
        TensorFunction both = x -> {
            Tensor.LogDeterminant result = dominant(x[0]).logDeterminant();
            return Tensor.concat(0, List.of(result.sign().reshape(result.sign().shape().elements()),
                result.logMagnitude().reshape(result.sign().shape().elements())));
        };
        TensorFunction plain = x -> {
            Tensor.LogDeterminant result = x[0].logDeterminant();
            return Tensor.stack(List.of(result.sign(), result.logMagnitude()));
        };
        return OpRow.of("logDeterminant", MatrixOp.LogDeterminant.class).dtypes(PRECISE)
            .tolerance(ofLargest(64, "a sum of logarithms of up to 33 pivots").gradient(256))
            .cases(determinantCases(both, plain)).cases(of(both, small(33, 33)).withoutDifferences(),
                of(plain, Operand.of(values(0, 1, 0, 2), 2, 2)).forwardOnly())
            .refuses(Refusal.of("logDeterminant: needs square matrices (batch..., n, n) but got (2, 3)", plain,
                small(2, 3)),
                Refusal.of("logDeterminant: needs matrices (batch..., m, n) but got (2)", plain, small(2)),
                Refusal.of("logDeterminant: needs f32 or f64 but got bf16(2, 2): cast it first", plain, half(2, 2)));
    }

    /** Pivots are 0 in front, in the middle, or all; at a tolerance that leaves out second derivatives, which are NaN. */
    private static SampleCase singular(TensorFunction determinant, long... shape) {
        double[] elements = shape.length == 3 ? new double[] {0, 2, 0, 1, 2, 1, 1, 3, 0, 0, 0, 0}
            : shape[0] == 2 ? new double[] {0, 1, 0, 2} : new double[] {1, 2, 4, 0, 0, 3, 0, 0, 5};
        return of(determinant, Operand.of(values(elements), shape)).differences(1.0 / 64, 2e-8);
    }

    private static OpRow determinant() {
        TensorFunction determinant = x -> dominant(x[0]).determinant();
        TensorFunction plain = x -> x[0].determinant();
        return OpRow.of("determinant", MatrixOp.Determinant.class).dtypes(PRECISE)
            .tolerance(ofLargest(64, "the exponential of the logarithm, which is 6 at most").gradient(256))
            .cases(determinantCases(determinant, plain))
            .cases(singular(plain, 2, 2), singular(plain, 3, 3), singular(plain, 3, 2, 2))
            .refuses(Refusal.of("determinant: needs square matrices (batch..., n, n) but got (2, 3)", plain,
                small(2, 3)),
                Refusal.of("determinant: needs matrices (batch..., m, n) but got (2)", plain, small(2)),
                Refusal.of("determinant: needs f32 or f64 but got i32(2, 2): cast it first", plain, whole(2, 2)));
    }
}

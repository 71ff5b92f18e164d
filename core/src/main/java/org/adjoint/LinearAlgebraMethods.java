package org.adjoint;

import java.util.List;
import org.adjoint.graph.FactorizationOps;
import org.adjoint.graph.LinearAlgebraOps;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;

/**
 * Products of a {@link Tensor} with others, and its factorizations as matrices {@code (batch..., m, n)}, which take
 * {@code F32} and {@code F64}. A matrix that is singular, or not positive definite, gives NaN or infinities, no error.
 */
public sealed interface LinearAlgebraMethods permits Tensor {
    /**
     * {@code a = q r}: q {@code (batch..., m, k)} with orthonormal columns, r {@code (batch..., k, n)} upper
     * triangular.
     */
    record Qr(Tensor q, Tensor r) { }

    /** Of each matrix's determinant the sign (0 where it is singular) and the logarithm of the magnitude. */
    record LogDeterminant(Tensor sign, Tensor logMagnitude) { }

    private Tensor self() {
        return (Tensor) this;
    }

    /** Matrix product, batched over leading axes, which broadcast. */
    default Tensor matmul(Tensor other) {
        return self().zip("matmul", other, Ops::matmul);
    }

    /** The sum of the products of two vectors of one length, a scalar. */
    default Tensor dot(Tensor other) {
        return self().zip("dot", other, LinearAlgebraOps::dot);
    }

    /** All products of elements of two vectors: {@code (m)} and {@code (n)} give {@code (m, n)}. */
    default Tensor outer(Tensor other) {
        return self().zip("outer", other, LinearAlgebraOps::outer);
    }

    /** Sums products over the last {@code axes} axes of this tensor and the first of the other. */
    default Tensor tensordot(Tensor other, int axes) {
        return self().zip("tensordot", other, (a, b) -> LinearAlgebraOps.tensordot(a, b, axes));
    }

    /** Sums products over pairs of axes: {@code axes[i]} of this tensor with {@code otherAxes[i]} of the other. */
    default Tensor tensordot(Tensor other, int[] axes, int[] otherAxes) {
        return self().zip("tensordot", other, (a, b) -> LinearAlgebraOps.tensordot(a, b, axes, otherAxes));
    }

    /** The Kronecker product. */
    default Tensor kron(Tensor other) {
        return self().zip("kron", other, LinearAlgebraOps::kron);
    }

    /**
     * The lower triangular l with {@code l l^T} equal to this symmetric positive definite matrix; of one that is not
     * symmetric, to its symmetric part. Columns from the first pivot on that is not positive are NaN.
     */
    default Tensor cholesky() {
        return self().map("cholesky", FactorizationOps::cholesky);
    }

    /** x with {@code a x = b}, where a is a triangle of this matrix, whose other elements are not read. */
    default Tensor triangularSolve(Tensor b, boolean upper) {
        return triangularSolve(b, true, upper, false, false);
    }

    /**
     * x with {@code op(a) x = b}, or {@code x op(a) = b} unless {@code left}, where a is a triangle of this matrix.
     *
     * @param b {@code (batch..., n, m)}, {@code (batch..., m, n)} unless left, or one vector {@code (n)}
     * @param upper which triangle, before it is transposed
     * @param transposed whether op(a) is the transpose of a
     * @param unitDiagonal whether the diagonal counts as ones and is not read
     */
    default Tensor triangularSolve(Tensor b, boolean left, boolean upper, boolean transposed, boolean unitDiagonal) {
        return self().zip("triangularSolve", b,
            (a, c) -> FactorizationOps.triangularSolve(a, c, left, upper, transposed, unitDiagonal));
    }

    /**
     * x with {@code a x = b}, where a is this square matrix and b {@code (batch..., n, m)} or one vector {@code (n)}.
     */
    default Tensor solve(Tensor b) {
        return self().zip("solve", b, FactorizationOps::solve);
    }

    /** The inverse of this square matrix; {@link #solve} is faster and more exact where a product with it is wanted. */
    default Tensor inverse() {
        return self().map("inverse", FactorizationOps::inverse);
    }

    /** The reduced factorization, with k the less of m and n; signs are LAPACK's. */
    default Qr qr() {
        Node x = self().operand("qr");
        List<Node> results = Words.of("qr", () -> FactorizationOps.qr(x));
        return new Qr(self().result("qr", results.get(0)), self().result("qr", results.get(1)));
    }

    /** The determinant's sign and the logarithm of its magnitude, which do not overflow. */
    default LogDeterminant logDeterminant() {
        Node x = self().operand("logDeterminant");
        List<Node> results = Words.of("logDeterminant", () -> FactorizationOps.logDeterminant(x));
        return new LogDeterminant(self().result("logDeterminant", results.get(0)),
            self().result("logDeterminant", results.get(1)));
    }

    /** The determinant of this square matrix. */
    default Tensor determinant() {
        return self().map("determinant", FactorizationOps::determinant);
    }
}

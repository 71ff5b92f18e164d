package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.List;

/**
 * Factorizations of matrices {@code (batch..., m, n)} in {@code F32} or {@code F64}, and linear systems.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit. What depends on values, a matrix
 * that is not positive definite or is singular, is no error but gives NaN or infinities, as in JAX: nothing is computed
 * yet when an operation is recorded, and one bad matrix of a batch should not take the others with it.
 */
public final class FactorizationOps {
    private FactorizationOps() { }

    private static void requirePrecision(String op, Node x) {
        if (x.dtype() != DType.F32 && x.dtype() != DType.F64) {
            throw error("%s: needs f32 or f64 but got %s: cast it first", op, x.type());
        }
    }

    private static void requireMatrix(String op, Node a) {
        requirePrecision(op, a);
        if (a.shape().rank() < 2) {
            throw error("%s: needs matrices (batch..., m, n) but got %s", op, a.shape());
        }
    }

    private static void requireSquare(String op, Node a) {
        requireMatrix(op, a);
        if (rows(a) != columns(a)) {
            throw error("%s: needs square matrices (batch..., n, n) but got %s", op, a.shape());
        }
    }

    private static long rows(Node x) {
        return x.shape().extent(x.shape().rank() - 2);
    }

    private static long columns(Node x) {
        return x.shape().extent(x.shape().rank() - 1);
    }

    /**
     * The lower triangular l with {@code a = l l^T}, for symmetric positive definite a. A matrix that is not symmetric
     * counts as {@code (a + a^T) / 2}, as in JAX. Of one that is not positive definite, the columns from the first
     * pivot on that is not positive are NaN.
     */
    public static Node cholesky(Node a) {
        requireSquare("cholesky", a);
        return a.shape().isEmpty() ? a : fused(new MatrixOp.Cholesky(), mul(add(a, transpose(a)), 0.5));
    }

    /**
     * x with {@code op(a) x = b}, or, unless {@code left}, {@code x op(a) = b}, where op(a) is a or its transpose. Only
     * one triangle of a is read, and with {@code unitDiagonal} its diagonal counts as ones.
     *
     * @param a {@code (batch..., n, n)}
     * @param b {@code (batch..., n, m)}, {@code (batch..., m, n)} unless left, or one vector {@code (n)}; the batches
     *     broadcast
     * @param upper which triangle of a, before it is transposed
     */
    public static Node triangularSolve(Node a, Node b, boolean left, boolean upper, boolean transposed,
        boolean unitDiagonal) {
        requireSquare("triangularSolve", a);
        if (!left && b.shape().rank() > 1) {
            if (columns(b) != rows(a)) {
                throw error("triangularSolve: a %s has %d columns, which b %s must have as well", a.shape(), rows(a),
                    b.shape());
            }
            // x op(a) = b is op(a)^T x^T = b^T
            return transpose(triangularSolve(a, transpose(b), true, upper, !transposed, unitDiagonal));
        }
        boolean turned = transposed == left;
        Node matrix = turned ? transpose(a) : a;
        return system("triangularSolve", new MatrixOp.TriangularSolve(upper != turned, unitDiagonal), matrix, b);
    }

    /**
     * x with {@code a x = b}.
     *
     * @param a {@code (batch..., n, n)}, not singular
     * @param b {@code (batch..., n, m)} or one vector {@code (n)}; the batches broadcast
     */
    public static Node solve(Node a, Node b) {
        requireSquare("solve", a);
        return system("solve", new MatrixOp.Solve(false), a, b);
    }

    private static Node system(String name, Op.Fused op, Node a, Node b) {
        requirePrecision(name, b);
        int rank = b.shape().rank();
        if (rank == 0 || b.shape().extent(Math.max(0, rank - 2)) != rows(a)) {
            throw error("%s: a %s has %d rows, which b %s must have as well", name, a.shape(), rows(a), b.shape());
        }
        if (rank == 1) {
            Node x = system(name, op, a, reshape(b, b.shape().withTrailingOne()));
            return reshape(x, x.shape().without(x.shape().rank() - 1));
        }
        DType dtype = DType.promote(a.dtype(), b.dtype());
        Shape batch = Shape.broadcast(name, batch(a), batch(b));
        Node matrices = broadcastTo(cast(a, dtype), matrix(batch, rows(a), rows(a)));
        Node right = broadcastTo(cast(b, dtype), matrix(batch, rows(a), columns(b)));
        return right.shape().isEmpty() ? right : fused(op, matrices, right);
    }

    private static Shape batch(Node x) {
        return x.shape().without(x.shape().rank() - 2, x.shape().rank() - 1);
    }

    /** Ones on the diagonal of matrices batched like x. */
    static Node identity(Node x, long rows, long columns) {
        Node hit = equal(reshape(iota(DType.I32, rows), Shape.of(rows, 1)), iota(DType.I32, columns));
        return broadcastTo(cast(hit, x.dtype()), matrix(batch(x), rows, columns));
    }

    /** The inverse of each square matrix; for {@code a^-1 b}, {@link #solve} is faster and more exact. */
    public static Node inverse(Node a) {
        requireSquare("inverse", a);
        return a.shape().isEmpty() ? a
            : fused(new MatrixOp.Solve(false), a, identity(a, rows(a), rows(a)));
    }

    /**
     * The reduced factorization {@code a = q r}, with k the less of m and n: q {@code (batch..., m, k)} with
     * orthonormal columns, r {@code (batch..., k, n)} upper triangular. Signs are LAPACK's. The gradient needs the
     * first k columns of a to be independent.
     */
    public static List<Node> qr(Node a) {
        requireMatrix("qr", a);
        long m = rows(a);
        long n = columns(a);
        long k = Math.min(m, n);
        if (a.shape().isEmpty()) {
            // Without columns q has none; there are no rows to be orthonormal either, or no matrices at all.
            return List.of(full(a.dtype(), matrix(batch(a), m, k), 0), full(a.dtype(), matrix(batch(a), k, n), 0));
        }
        if (m >= n) {
            Node both = fused(new MatrixOp.Qr(), a);
            return List.of(both.output(0), both.output(1));
        }
        // Roberts and Roberts, "QR and LQ decomposition matrix backpropagation algorithms", 2020: a = q [r, q^T rest]
        Node both = fused(new MatrixOp.Qr(), slice(a, -1, 0, m));
        Node rest = matmul(transpose(both.output(0)), slice(a, -1, m, n));
        return List.of(both.output(0), concat(-1, List.of(both.output(1), rest)));
    }

    /**
     * The sign of the determinant of each square matrix, and the logarithm of its magnitude: {@code (batch...)} each.
     */
    public static List<Node> logDeterminant(Node a) {
        requireSquare("logDeterminant", a);
        if (rows(a) == 0) {
            return List.of(full(a.dtype(), batch(a), 1), full(a.dtype(), batch(a), 0));
        }
        Node both = fused(new MatrixOp.LogDeterminant(), a);
        return List.of(both.output(0), both.output(1));
    }

    /**
     * The determinant of each square matrix, {@code (batch...)}: 1 of an empty one. Second derivatives are NaN where a
     * is singular.
     */
    public static Node determinant(Node a) {
        requireSquare("determinant", a);
        return rows(a) == 0 ? full(a.dtype(), batch(a), 1) : fused(new MatrixOp.Determinant(), a);
    }
}

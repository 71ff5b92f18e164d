package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.Arrays;
import java.util.List;

/**
 * Factorizations of matrices and what is solved with them, in {@code F32} or {@code F64}, batched over leading axes,
 * which are equal. Decompositions halve the matrix until it is one element, or small enough for a backend's kernel, so
 * that nearly all of the work is in products of matrices (Gustavson, "Recursion leads to automatic variable blocking
 * for dense linear-algebra algorithms", 1997).
 */
public sealed interface MatrixOp extends Op.Fused {
    @Override
    default List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
        return alongLeadingAxes(this, inputs, mapped, extent);
    }

    private static long rows(Node x) {
        return x.shape().extent(x.shape().rank() - 2);
    }

    private static long columns(Node x) {
        return x.shape().extent(x.shape().rank() - 1);
    }

    /** The largest power of two below n, so that blocks are of the sizes that kernels take. */
    private static long half(long n) {
        return Long.highestOneBit(n - 1);
    }

    /** Rows [row, rowEnd) and columns [column, columnEnd) of each matrix. */
    private static Node block(Node x, long row, long rowEnd, long column, long columnEnd) {
        int rank = x.shape().rank();
        long[] starts = new long[rank];
        starts[rank - 2] = row;
        starts[rank - 1] = column;
        long[] steps = new long[rank];
        Arrays.fill(steps, 1);
        return slice(x, Op.longs(starts), Op.longs(steps), like(x, rowEnd - row, columnEnd - column));
    }

    private static Shape like(Node x, long rows, long columns) {
        int rank = x.shape().rank();
        return x.shape().with(rank - 2, rows).with(rank - 1, columns);
    }

    /** {@code a} above {@code b}. */
    private static Node above(Node a, Node b) {
        return concat(-2, List.of(a, b));
    }

    private static Node beside(Node a, Node b) {
        return concat(-1, List.of(a, b));
    }

    private static Node zeros(Node x, long rows, long columns) {
        return full(x.dtype(), like(x, rows, columns), 0);
    }

    /** Elements where {@code row - column} is at least {@code least}; the others are 0. */
    private static Node lowerPart(Node x, long least) {
        Node row = reshape(iota(DType.I32, rows(x)), Shape.of(rows(x), 1));
        Node hidden = greaterThan(iota(DType.I32, columns(x)), sub(row, least));
        return where(hidden, zeroOf(x.dtype()), x);
    }

    private static Node upperPart(Node x, long least) {
        return transpose(lowerPart(transpose(x), least));
    }

    /** The diagonal of each matrix, {@code (batch..., n)}. */
    private static Node diagonal(Node x) {
        return Contraction.diagonal(x, x.shape().rank() - 2, x.shape().rank() - 1);
    }

    private static Node triangularSolve(Node a, Node b, boolean upper) {
        return fused(new TriangularSolve(upper, false), a, b);
    }

    /**
     * The lower triangular l with {@code a = l l^T}, for symmetric positive definite a {@code (batch..., n, n)}, n at
     * least 1, of which only the lower triangle is read. Where the pivot of a column is not positive, that column and
     * all that follow are NaN on and below the diagonal.
     */
    record Cholesky() implements MatrixOp {
        @Override
        public String name() {
            return "cholesky";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return inputs;
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node a = inputs.getFirst();
            long n = rows(a);
            if (n == 1) {
                return new Node[] {where(greaterThan(a, zeroOf(a.dtype())), sqrt(a), fullLike(a, Double.NaN))};
            }
            long h = half(n);
            Node l11 = fused(this, block(a, 0, h, 0, h));
            // l21 l11^T = a21
            Node l21 = transpose(triangularSolve(l11, transpose(block(a, h, n, 0, h)), false));
            Node l22 = fused(this, sub(block(a, h, n, h, n), matmul(l21, transpose(l21))));
            return new Node[] {above(beside(l11, zeros(a, h, n - h)), beside(l21, l22))};
        }

        /** Murray, "Differentiation of the Cholesky decomposition", 2016, equations 9 and 10. */
        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node transposed = transpose(node);
            // p = the lower triangle of l^T dl, its diagonal halved
            Node product = matmul(transposed, cotangents[0]);
            Node p = mul(add(lowerPart(product, 0), lowerPart(product, 1)), 0.5);
            // s = l^-T p l^-1, and da is its symmetric part
            Node left = triangularSolve(transposed, p, true);
            Node s = transpose(triangularSolve(transposed, transpose(left), true));
            return new Node[] {mul(add(s, transpose(s)), 0.5)};
        }
    }

    /**
     * x with {@code a x = b}, for triangular a {@code (batch..., n, n)} and b {@code (batch..., n, m)}, n at least 1.
     * The other triangle of a is not read, nor with {@code unitDiagonal} its diagonal, which then counts as ones.
     */
    record TriangularSolve(boolean upper, boolean unitDiagonal) implements MatrixOp {
        @Override
        public String name() {
            return "triangularSolve";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return List.of(inputs.get(1));
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node a = inputs.get(0);
            Node b = inputs.get(1);
            long n = rows(a);
            long m = columns(b);
            if (n == 1) {
                return new Node[] {unitDiagonal ? b : div(b, a)};
            }
            long h = half(n);
            Node a11 = block(a, 0, h, 0, h);
            Node a22 = block(a, h, n, h, n);
            Node b1 = block(b, 0, h, 0, m);
            Node b2 = block(b, h, n, 0, m);
            if (upper) {
                Node x2 = fused(this, a22, b2);
                Node x1 = fused(this, a11, sub(b1, matmul(block(a, 0, h, h, n), x2)));
                return new Node[] {above(x1, x2)};
            }
            Node x1 = fused(this, a11, b1);
            Node x2 = fused(this, a22, sub(b2, matmul(block(a, h, n, 0, h), x1)));
            return new Node[] {above(x1, x2)};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            // db = a^-T dx;  da = -db x^T within the triangle
            Node db = fused(new TriangularSolve(!upper, unitDiagonal), transpose(node.input(0)), cotangents[0]);
            Node da = neg(matmul(db, transpose(node)));
            int least = unitDiagonal ? 1 : 0;
            return new Node[] {upper ? upperPart(da, least) : lowerPart(da, least), db};
        }
    }

    /**
     * Householder reflections that make a {@code (batch..., m, n)}, m at least n, n at least 1, triangular, in the
     * compact form {@code a = (I - y t y^T) [r; 0]} (Schreiber and Van Loan, "A storage-efficient WY representation for
     * products of Householder transformations", 1989). Results: y {@code (m, n)}, unit lower trapezoidal; t
     * {@code (n, n)}, upper triangular with LAPACK's tau on its diagonal: 0 where nothing had to be reflected; r
     * {@code (n, n)}, upper triangular. Signs are LAPACK's (geqrf).
     */
    record Householder() implements MatrixOp {
        @Override
        public String name() {
            return "householder";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            TensorType a = inputs.getFirst();
            int rank = a.shape().rank();
            TensorType square = new TensorType(a.dtype(), a.shape().with(rank - 2, a.shape().extent(rank - 1)));
            return List.of(a, square, square);
        }

        /** Elmroth and Gustavson, "Applying recursion to serial and parallel QR factorization", 2000. */
        @Override
        public Node[] decompose(List<Node> inputs) {
            Node a = inputs.getFirst();
            long m = rows(a);
            long n = columns(a);
            if (n == 1) {
                return reflection(a);
            }
            long h = half(n);
            Node left = fused(this, block(a, 0, m, 0, h));
            Node y1 = left.output(0);
            Node t1 = left.output(1);
            Node right = block(a, 0, m, h, n);
            // (I - y1 t1 y1^T)^T right
            Node reflected = sub(right, matmul(y1, matmul(transpose(t1), matmul(transpose(y1), right))));
            Node rest = fused(this, block(reflected, h, m, 0, n - h));
            Node y2 = rest.output(0);
            Node t2 = rest.output(1);
            Node y = beside(y1, above(zeros(a, h, n - h), y2));
            // t12 = -t1 y1^T y2 t2
            Node t12 = neg(matmul(t1, matmul(matmul(transpose(block(y1, h, m, 0, h)), y2), t2)));
            Node t = above(beside(t1, t12), beside(zeros(a, n - h, h), t2));
            Node r = above(beside(left.output(2), block(reflected, 0, h, 0, n - h)),
                beside(zeros(a, n - h, h), rest.output(2)));
            return new Node[] {y, t, r};
        }

        /**
         * Of one column: {@code beta = -sign(alpha) |a|}, {@code tau = (beta - alpha) / beta} (LAPACK's larfg). Divided
         * by its largest magnitude first, so that no square overflows or vanishes.
         */
        private static Node[] reflection(Node a) {
            Node largest = reduce(ReduceOp.MAX, abs(a), true, -2);
            Node size = where(equal(largest, 0), onesLike(largest), largest);
            Node unit = div(a, size);
            Node alpha = block(unit, 0, 1, 0, 1);
            Node rest = block(unit, 1, rows(a), 0, 1);
            Node squares = reduce(ReduceOp.SUM, mul(rest, rest), true, -2);
            Node isDone = equal(squares, 0);
            Node norm = sqrt(add(mul(alpha, alpha), squares));
            Node beta = where(lessThan(alpha, zeroOf(a.dtype())), norm, neg(norm));
            Node one = onesLike(alpha);
            Node tau = where(isDone, zerosLike(alpha), div(sub(beta, alpha), where(isDone, one, beta)));
            Node v = div(rest, where(isDone, one, sub(alpha, beta)));
            Node pivot = where(isDone, block(a, 0, 1, 0, 1), mul(beta, size));
            return new Node[] {above(one, v), tau, pivot};
        }
    }

    /**
     * The reduced factorization {@code a = q r} of a {@code (batch..., m, n)}, m at least n, n at least 1: q
     * {@code (m, n)} with orthonormal columns, r {@code (n, n)} upper triangular, whose diagonal may be negative.
     */
    record Qr() implements MatrixOp {
        @Override
        public String name() {
            return "qr";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return new Householder().infer(inputs).subList(0, 2);
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node a = inputs.getFirst();
            long m = rows(a);
            long n = columns(a);
            Node reflections = fused(new Householder(), a);
            Node y = reflections.output(0);
            Node top = transpose(block(y, 0, n, 0, n));
            Node q = sub(FactorizationOps.identity(a, m, n), matmul(y, matmul(reflections.output(1), top)));
            return new Node[] {q, reflections.output(2)};
        }

        /** Seeger et al., "Auto-differentiating linear algebra", 2017, section 4.2; singular where r is. */
        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node q = node.output(0);
            Node r = node.output(1);
            // m = r dr^T - dq^T q;  da = (dq + q (lower(m) + strictlyLower(m)^T)) r^-T
            Node m = null;
            if (cotangents[1] != null) {
                m = matmul(r, transpose(cotangents[1]));
            }
            if (cotangents[0] != null) {
                Node product = matmul(transpose(cotangents[0]), q);
                m = m == null ? neg(product) : sub(m, product);
            }
            Node symmetric = matmul(q, add(lowerPart(m, 0), transpose(lowerPart(m, 1))));
            Node sum = cotangents[0] == null ? symmetric : add(cotangents[0], symmetric);
            return new Node[] {transpose(triangularSolve(r, transpose(sum), true))};
        }
    }

    /**
     * x with {@code a x = b}, or with {@code transposed} {@code a^T x = b}, for a {@code (batch..., n, n)} and b
     * {@code (batch..., n, m)}, n at least 1. By {@link Householder} reflections, which need no pivots. Where a is
     * singular to working precision, x is huge, infinite or NaN.
     */
    record Solve(boolean transposed) implements MatrixOp {
        @Override
        public String name() {
            return "solve";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return List.of(inputs.get(1));
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node b = inputs.get(1);
            Node reflections = fused(new Householder(), inputs.getFirst());
            Node y = reflections.output(0);
            Node t = reflections.output(1);
            Node r = reflections.output(2);
            if (transposed) {
                // a^T = r^T q^T, so x = q r^-T b
                Node w = triangularSolve(transpose(r), b, false);
                return new Node[] {sub(w, matmul(y, matmul(t, matmul(transpose(y), w))))};
            }
            Node w = sub(b, matmul(y, matmul(transpose(t), matmul(transpose(y), b))));
            return new Node[] {triangularSolve(r, w, true)};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            // a x = b: db = a^-T dx, da = -db x^T;  a^T x = b: db = a^-1 dx, da = -x db^T
            Node db = fused(new Solve(!transposed), node.input(0), cotangents[0]);
            Node da = neg(transposed ? matmul(node, transpose(db)) : matmul(db, transpose(node)));
            return new Node[] {da, db};
        }
    }

    /**
     * The sign of the determinant of a {@code (batch..., n, n)}, n at least 1, and the logarithm of its magnitude, each
     * {@code (batch...)}: 0 and -infinity where a is singular.
     */
    record LogDeterminant() implements MatrixOp {
        @Override
        public String name() {
            return "logDeterminant";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            TensorType a = inputs.getFirst();
            int rank = a.shape().rank();
            TensorType scalars = new TensorType(a.dtype(), a.shape().without(rank - 2, rank - 1));
            return List.of(scalars, scalars);
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Pivots pivots = Pivots.of(inputs.getFirst());
            int last = pivots.values.shape().rank() - 1;
            Node logarithm = reduce(ReduceOp.SUM, log(abs(pivots.values)), false, last);
            Node negative = cast(lessThan(pivots.values, zeroOf(logarithm.dtype())), logarithm.dtype());
            Node sign = Pivots.parity(reduce(ReduceOp.SUM, add(pivots.reflected, negative), false, last));
            Node isSingular = equal(logarithm, Double.NEGATIVE_INFINITY);
            Node isNumber = equal(logarithm, logarithm);
            return new Node[] {where(isSingular, zerosLike(sign), where(isNumber, sign, logarithm)), logarithm};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            if (cotangents[1] == null) {
                return new Node[1];
            }
            // d log|det a| = tr(a^-1 da)
            Node a = node.input(0);
            Node dy = reshape(cotangents[1], like(a, 1, 1));
            return new Node[] {mul(dy, fused(new Solve(true), a, FactorizationOps.identity(a, rows(a), rows(a))))};
        }
    }

    /**
     * The determinant of a {@code (batch..., n, n)}, n at least 1, {@code (batch...)}. Second derivatives are NaN where
     * a is singular.
     */
    record Determinant() implements MatrixOp {
        @Override
        public String name() {
            return "determinant";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            TensorType a = inputs.getFirst();
            int rank = a.shape().rank();
            return List.of(new TensorType(a.dtype(), a.shape().without(rank - 2, rank - 1)));
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            return new Node[] {Pivots.of(inputs.getFirst()).determinant()};
        }

        /**
         * Jacobi's formula: the cofactors {@code det(a) a^-T}, by {@code a = q r}. As the cofactors are linear in each
         * pivot, one that is 0 may count as a rounding error, which divides out of them again, as in PyTorch.
         */
        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node a = node.input(0);
            Node factors = fused(new Qr(), a);
            Node r = factors.output(1);
            Node largest = stopGradient(reduce(ReduceOp.MAX, abs(r), true, -2, -1));
            Node least = mul(where(equal(largest, 0), onesLike(largest), largest), a.dtype().epsilon());
            Node onDiagonal = equal(FactorizationOps.identity(r, rows(r), rows(r)), 1);
            Node regular = where(binary(BinaryOp.AND, onDiagonal, equal(r, 0)), least, r);
            Pivots pivots = new Pivots(diagonal(regular), Pivots.of(a).reflected);
            Node inverse = triangularSolve(regular, transpose(factors.output(0)), true);
            Node dy = reshape(mul(cotangents[0], pivots.determinant()), like(a, 1, 1));
            return new Node[] {mul(dy, transpose(inverse))};
        }
    }

    /** A triangular factor's diagonal, and 1 for each reflection that led to it: each turns the determinant's sign. */
    record Pivots(Node values, Node reflected) {
        static Pivots of(Node a) {
            Node reflections = fused(new Householder(), a);
            Node taus = diagonal(reflections.output(1));
            return new Pivots(diagonal(reflections.output(2)), where(equal(taus, 0), zerosLike(taus), onesLike(taus)));
        }

        Node determinant() {
            int last = values.shape().rank() - 1;
            Node product = reduce(ReduceOp.PROD, values, false, last);
            return mul(parity(reduce(ReduceOp.SUM, reflected, false, last)), product);
        }

        /** 1 for an even number of turns, else -1. */
        static Node parity(Node turns) {
            return sub(1, mul(sub(turns, mul(trunc(mul(turns, 0.5)), 2)), 2));
        }
    }
}

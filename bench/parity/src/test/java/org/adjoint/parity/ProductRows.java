package org.adjoint.parity;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.adjoint.Tensor;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/** Products and what is made of them. */
final class ProductRows {
    private ProductRows() { }

    static List<Row> rows() {
        return List.of(
            Row.of("matmul", draw -> {
                int k = draw.integer(1, 33);
                return Case.of(x -> x[0].matmul(x[1]), "torch.matmul(x0, x1)", draw.any(draw.integer(1, 17), k),
                    draw.any(k, draw.integer(1, 17)));
            }).cancelling(),
            Row.of("matmul in batches", draw -> {
                int k = draw.integer(1, 13);
                int batch = draw.integer(1, 4);
                return Case.of(x -> x[0].matmul(x[1]), "torch.matmul(x0, x1)", draw.any(2, 1, draw.integer(1, 9), k),
                    draw.any(batch, k, draw.integer(1, 9)));
            }).cancelling(),
            Row.of("dot", draw -> {
                int k = draw.integer(1, 33);
                return Case.of(x -> x[0].dot(x[1]), "torch.dot(x0, x1)", draw.any(k), draw.any(k));
            }).cancelling(),
            Row.of("outer", draw -> Case.of(x -> x[0].outer(x[1]), "torch.outer(x0, x1)",
                draw.any(draw.integer(1, 17)), draw.any(draw.integer(1, 17)))).cancelling(),
            Row.of("kron", draw -> Case.of(x -> x[0].kron(x[1]),
                // PyTorch views them, which it can't where an axis of one element has a stride of its own.
                "torch.kron(x0.clone(memory_format=0), x1.clone(memory_format=0))",
                draw.any(draw.integer(1, 5), draw.integer(1, 5)), draw.any(draw.integer(1, 5), draw.integer(1, 5))))
                .cancelling(),
            Row.of("tensordot", draw -> {
                int k = draw.integer(1, 7);
                int l = draw.integer(1, 5);
                return Case.of(x -> x[0].tensordot(x[1], new int[] {1, 2}, new int[] {0, 1}),
                    "torch.tensordot(x0, x1, [1, 2], [0, 1])", draw.any(draw.integer(1, 9), k, l),
                    draw.any(k, l, draw.integer(1, 9)));
            }).cancelling(),
            einsum("einsum of a matrix chain", "ij,jk,kl->il", new int[][] {{3, 4}, {4, 5}, {5, 2}}),
            einsum("einsum in batches", "bij,bkj->bik", new int[][] {{3, 4, 5}, {3, 6, 5}}),
            einsum("einsum with a diagonal", "iij->ji", new int[][] {{4, 4, 3}}),
            einsum("einsum with an ellipsis", "...ij,...j->...i", new int[][] {{2, 3, 4}, {2, 4}}),
            einsum("einsum of a trace", "ii", new int[][] {{5, 5}}),
            einsum("bilinear einsum", "bi,oij,bj->bo", new int[][] {{4, 3}, {5, 3, 2}, {4, 2}}),
            Row.of("cholesky", draw -> {
                int n = draw.integer(1, 9);
                return Case.of(x -> positive(x[0], n).cholesky(),
                    "torch.linalg_cholesky(torch.matmul(x0, x0.transpose(-2, -1)) + " + n + " * torch.eye("
                        + n + ", dtype=x0.dtype))", draw.any(2, n, n));
            }).cancelling(),
            Row.of("triangularSolve", draw -> {
                int n = draw.integer(1, 9);
                boolean upper = draw.coin();
                return Case.of(x -> dominant(x[0], n).triangularSolve(x[1], upper),
                    "torch.linalg_solve_triangular(x0 + " + 4 * n + " * torch.eye(" + n + ", dtype=x0.dtype), x1, "
                        + "upper=" + (upper ? "True" : "False") + ")", draw.any(2, n, n), draw.any(2, n, 3));
            }).cancelling(),
            Row.of("solve", draw -> {
                int n = draw.integer(1, 9);
                return Case.of(x -> dominant(x[0], n).solve(x[1]), "torch.linalg_solve(x0 + " + 4 * n
                    + " * torch.eye(" + n + ", dtype=x0.dtype), x1)", draw.any(2, n, n), draw.any(2, n, 3));
            }).cancelling(),
            Row.of("inverse", draw -> {
                int n = draw.integer(1, 9);
                return Case.of(x -> dominant(x[0], n).inverse(), "torch.inverse(x0 + " + 4 * n + " * torch.eye(" + n
                    + ", dtype=x0.dtype))", draw.any(2, n, n));
            }).cancelling(),
            Row.of("determinant", draw -> {
                int n = draw.integer(1, 5);
                return Case.of(x -> dominant(x[0], n).determinant(), "torch.det(x0 + " + 4 * n + " * torch.eye(" + n
                    + ", dtype=x0.dtype))", draw.any(2, n, n));
            }),
            Row.of("logDeterminant", draw -> {
                int n = draw.integer(1, 9);
                return Case.of(x -> dominant(x[0], n).logDeterminant().logMagnitude(), "torch.slogdet(x0 + " + 4 * n
                    + " * torch.eye(" + n + ", dtype=x0.dtype))[1]", draw.any(2, n, n));
            }).cancelling(),
            // The signs of columns are a convention: what is compared does not depend on them.
            Row.of("qr", draw -> {
                int n = draw.integer(1, 7);
                return Case.of(x -> dominant(x[0], n).qr().r().abs(), "torch.abs(torch.linalg_qr(x0 + " + 4 * n
                    + " * torch.eye(" + n + ", dtype=x0.dtype))[1])", draw.any(2, n, n));
            }).cancelling(),
            Row.of("matmul with a vector", draw -> {
                Shape shape = draw.shape(2, 3);
                return Case.of(x -> x[0].matmul(x[1]), "torch.matmul(x0, x1)", draw.any(shape),
                    draw.any(shape.extent(shape.rank() - 1)));
            }).cancelling());
    }

    private static Row einsum(String name, String equation, int[][] shapes) {
        return Row.of(name, draw -> new Case(
            Arrays.stream(shapes).map(shape -> draw.any(Arrays.stream(shape).asLongStream().toArray())).toList(),
            x -> Tensor.einsum(equation, x), "torch.einsum('" + equation + "', ["
                + IntStream.range(0, shapes.length).mapToObj(i -> "x" + i).collect(Collectors.joining(", ")) + "])"))
            .cancelling();
    }

    /** x x^T plus n on the diagonal. */
    private static Tensor positive(Tensor x, int n) {
        return x.matmul(x.transpose()).add(diagonal(x, n, n));
    }

    /** x plus 4 n on the diagonal, which is more than the rest of a row. */
    private static Tensor dominant(Tensor x, int n) {
        return x.add(diagonal(x, n, 4 * n));
    }

    private static Tensor diagonal(Tensor x, int n, double value) {
        Tensor i = x.device().arange(DType.I64, n);
        return i.unsqueeze(1).equal(i).to(x.dtype()).mul(value);
    }
}
